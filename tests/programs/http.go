// An HTTP server and its clients in one program: net/http over the machine's own loopback, and what Go's resolver and
// errors make of a network that has nothing else.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func serve(network, address string) (*http.Server, string) {
	l, err := net.Listen(network, address)
	check(err)
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello from %s\n", r.Proto) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { time.Sleep(50 * time.Millisecond); fmt.Fprintln(w, "late") })
	server := &http.Server{Handler: mux}
	go server.Serve(l)
	return server, l.Addr().String()
}

func get(client *http.Client, url string) string {
	r, err := client.Get(url)
	check(err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	check(err)
	return fmt.Sprint(r.StatusCode, " ", string(body))
}

func main() {
	server, address := serve("tcp", "127.0.0.1:0")
	client := &http.Client{}
	fmt.Print(get(client, "http://"+address+"/hello"))
	fmt.Print(get(client, "http://"+address+"/none"))
	big := bytes.Repeat([]byte("0123456789abcdef"), 100000)
	r, err := client.Post("http://"+address+"/echo", "text/plain", bytes.NewReader(big))
	check(err)
	back, err := io.ReadAll(r.Body)
	check(err)
	fmt.Println("echo:", len(back), bytes.Equal(big, back))
	var wait sync.WaitGroup
	var lock sync.Mutex
	answers := 0
	for i := 0; i < 20; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			if get(client, "http://"+address+"/slow") == "200 late\n" {
				lock.Lock()
				answers++
				lock.Unlock()
			}
		}()
	}
	wait.Wait()
	fmt.Println("answers:", answers)
	short := &http.Client{Timeout: 10 * time.Millisecond}
	_, err = short.Get("http://" + address + "/slow")
	var timeout net.Error
	fmt.Println("timeout:", errors.As(err, &timeout) && timeout.Timeout())
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	check(server.Shutdown(ctx))
	cancel()
	_, err = client.Get("http://" + address + "/hello")
	fmt.Println("refused:", errors.Is(err, syscall.ECONNREFUSED))

	server, address = serve("tcp", "[::]:0") // dual stack
	_, port, _ := net.SplitHostPort(address)
	for _, host := range []string{"127.0.0.1", "[::1]"} {
		fmt.Print(get(client, "http://"+host+":"+port+"/hello"))
	}
	server.Close()

	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(err)
	c, err := net.Dial("udp", u.LocalAddr().String())
	check(err)
	fmt.Fprint(c, "datagram")
	packet := make([]byte, 64)
	n, from, err := u.ReadFrom(packet)
	check(err)
	fmt.Println(string(packet[:n]), from.String() == c.LocalAddr().String())
	interfaces, err := net.Interfaces()
	check(err)
	addresses, err := interfaces[0].Addrs()
	check(err)
	fmt.Println(interfaces[0].Name, interfaces[0].MTU, interfaces[0].Flags&net.FlagLoopback != 0, addresses[0])
}
