// What a Go program leans on: goroutines on several threads, channels, select, locks, timers,
// preemption, the collector, growing stacks, maps, panics, nil dereferences, files, and the
// standard library's assembler for hashes and ciphers. Everything printed is the same in every run.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/big"
	"math/bits"
	"math/rand"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"runtime/debug"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func pattern(size int) []byte {
	data := make([]byte, size)
	state := uint64(0x9e3779b97f4a7c15)
	for i := range data {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		data[i] = byte(state >> 56)
	}
	return data
}

// Workers that share a queue; the order of their answers does not matter to the sum.
func workers() {
	jobs := make(chan int, 16)
	answers := make(chan uint64)
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for job := range jobs {
				sum := sha256.Sum256([]byte(fmt.Sprint(job)))
				answers <- uint64(sum[0])<<8 | uint64(sum[31])
			}
		}()
	}
	go func() {
		for i := 0; i < 500; i++ {
			jobs <- i
		}
		close(jobs)
		group.Wait()
		close(answers)
	}()
	total := uint64(0)
	for answer := range answers {
		total += answer
	}
	fmt.Println("workers", total)
}

// A number goes through a thousand goroutines over channels that hold nothing.
func chain() {
	first := make(chan int)
	last := first
	for i := 0; i < 1000; i++ {
		next := make(chan int)
		go func(from, to chan int) { to <- 1 + <-from }(last, next)
		last = next
	}
	go func() { first <- 0 }()
	fmt.Println("chain", <-last)
}

// Threads that wait in the kernel: each goroutine keeps one for itself.
func lockedThreads() {
	var group sync.WaitGroup
	var lock sync.Mutex
	var count int64
	turns := 0
	for i := 0; i < 6; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for j := 0; j < 200; j++ {
				lock.Lock()
				turns++
				lock.Unlock()
				atomic.AddInt64(&count, 1)
				if j%50 == 0 {
					runtime.Gosched()
				}
			}
		}()
	}
	group.Wait()
	fmt.Println("threads", turns, atomic.LoadInt64(&count))
}

// A loop without a call can be stopped by a signal only. Where the runtime has one processor,
// nobody else runs before that.
func preemption() {
	var stop int32
	done := make(chan bool)
	go func() {
		n := uint64(0)
		for atomic.LoadInt32(&stop) == 0 {
			n++
		}
		done <- n != 0
	}()
	time.Sleep(5 * time.Millisecond)
	atomic.StoreInt32(&stop, 1)
	fmt.Println("preemption", <-done)
}

type node struct {
	left, right *node
	text        string
}

func tree(depth int) *node {
	if depth == 0 {
		return &node{text: strings.Repeat("x", 3)}
	}
	return &node{tree(depth - 1), tree(depth - 1), fmt.Sprint(depth)}
}

func (n *node) size() int {
	if n == nil {
		return 0
	}
	return len(n.text) + n.left.size() + n.right.size()
}

// Far more garbage than the collector lets stand.
func garbage() {
	old := debug.SetGCPercent(20)
	keep := tree(10)
	total := 0
	for i := 0; i < 30; i++ {
		total += tree(9).size()
	}
	finalized := make(chan bool, 1)
	func() {
		object := &node{text: "gone"}
		runtime.SetFinalizer(object, func(*node) { finalized <- true })
	}()
	// Natively the collector's cycles overlap with the loop: ask until it has run.
	for i := 0; i < 100; i++ {
		runtime.GC()
		select {
		case <-finalized:
			i = 100
		case <-time.After(time.Millisecond):
		}
	}
	debug.FreeOSMemory()
	debug.SetGCPercent(old)
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Println("garbage", total, keep.size(), stats.NumGC > 3)
}

func deep(n int) int {
	var room [64]int
	room[n%64] = n
	if n == 0 {
		return 0
	}
	return deep(n-1) + room[n%64]
}

// A goroutine's stack begins with 2 KiB and is moved as it grows.
func stacks() {
	answer := make(chan int)
	for i := 0; i < 3; i++ {
		go func() { answer <- deep(20000) }()
	}
	fmt.Println("stacks", <-answer+<-answer+<-answer)
}

func recovered(name string, f func()) {
	defer func() { fmt.Printf("%s: %v\n", name, recover()) }()
	f()
}

// Hardware exceptions come back as panics: SIGSEGV and SIGFPE with the runtime's own handlers.
func panics() {
	var none *node
	var values []int
	zero := len(values)
	recovered("nil", func() { fmt.Println(none.text) })
	recovered("divide", func() { fmt.Println(1 / zero) })
	recovered("index", func() { fmt.Println(values[3]) })
	recovered("conversion", func() { fmt.Println(any("text").(int)) })
	recovered("map", func() { var m map[string]int; m["a"] = 1 })
	recovered("error", func() { panic(errors.New("of our own")) })
}

func maps() {
	words := map[string]int{}
	for i := 0; i < 20000; i++ {
		words[fmt.Sprintf("word%d", i*i%7919)] += i
	}
	for i := 0; i < 7919; i += 3 {
		delete(words, fmt.Sprintf("word%d", i))
	}
	keys := make([]string, 0, len(words))
	sum := 0
	for key, value := range words {
		keys = append(keys, key)
		sum += value
	}
	sort.Strings(keys)
	fmt.Println("maps", len(keys), sum, keys[0], keys[len(keys)-1])

	var shared sync.Map
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func(from int) {
			defer group.Done()
			for j := from; j < 400; j += 4 {
				shared.Store(j, j*j)
			}
		}(i)
	}
	group.Wait()
	total := 0
	shared.Range(func(_, value any) bool { total += value.(int); return true })
	fmt.Println("sync.Map", total)
}

func hashes() {
	data := pattern(100003)
	fmt.Printf("sha1 %x\n", sha1.Sum(data))
	fmt.Printf("sha256 %x\n", sha256.Sum256(data))
	fmt.Printf("sha512 %x\n", sha512.Sum512(data))
	fmt.Printf("crc32 %08x %08x\n", crc32.ChecksumIEEE(data),
		crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
	mac := hmac.New(sha512.New384, data[:48])
	mac.Write(data)
	fmt.Println("hmac", hex.EncodeToString(mac.Sum(nil)))
}

func ciphers() {
	data := pattern(4099)
	for _, size := range []int{16, 24, 32} {
		block, err := aes.NewCipher(data[:size])
		if err != nil {
			panic(err)
		}
		gcm, _ := cipher.NewGCM(block)
		sealed := gcm.Seal(nil, data[:12], data, []byte("header"))
		opened, err := gcm.Open(nil, data[:12], sealed, []byte("header"))
		sealed[7] ^= 1
		_, refused := gcm.Open(nil, data[:12], sealed, []byte("header"))
		fmt.Printf("gcm %d %x %v %v %v\n", size*8, sha256.Sum256(sealed), bytes.Equal(opened, data),
			err, refused)
		out := make([]byte, 4096)
		cipher.NewCTR(block, data[:16]).XORKeyStream(out, data[:4096])
		cipher.NewCBCEncrypter(block, data[:16]).CryptBlocks(out, out)
		fmt.Printf("ctr, cbc %d %x\n", size*8, sha256.Sum256(out))
	}
}

func signatures() {
	seed := pattern(32)
	key := ed25519.NewKeyFromSeed(seed)
	signature := ed25519.Sign(key, []byte("message"))
	fmt.Printf("ed25519 %x %v\n", signature,
		ed25519.Verify(key.Public().(ed25519.PublicKey), []byte("message"), signature))

	curve := elliptic.P256()
	private := &ecdsa.PrivateKey{D: new(big.Int).SetBytes(seed)}
	private.Curve = curve
	private.D.Mod(private.D, curve.Params().N)
	private.X, private.Y = curve.ScalarBaseMult(private.D.Bytes())
	digest := sha256.Sum256([]byte("message"))
	// ECDSA in Go mixes in randomness: only the verdict is the same every time.
	r, s, err := ecdsa.Sign(rand.New(rand.NewSource(1)), private, digest[:])
	fmt.Printf("p256 %x %v %v\n", private.X, err, ecdsa.Verify(&private.PublicKey, digest[:], r, s))

	n, _ := new(big.Int).SetString(strings.Repeat("123456789abcdef", 20), 16)
	e := new(big.Int).Exp(big.NewInt(65537), n, new(big.Int).Add(n, big.NewInt(2)))
	fmt.Printf("big %x\n", e)
}

func numbers() {
	values := make([]float64, 5000)
	random := rand.New(rand.NewSource(42))
	for i := range values {
		values[i] = random.NormFloat64()
	}
	sort.Float64s(values)
	sum := 0.0
	for i, v := range values {
		sum += math.Sqrt(math.Abs(v)) * math.Floor(v*10) / float64(i+1)
	}
	fmt.Printf("floats %.12f %.12f\n", values[0], sum)
	ones := 0
	for _, b := range pattern(8192) {
		ones += bits.OnesCount8(b) + bits.TrailingZeros64(uint64(b)|256) + bits.Len8(b)
	}
	fmt.Println("bits", ones)
}

func timers() {
	begin := time.Now()
	time.Sleep(3 * time.Millisecond)
	elapsed := time.Since(begin)
	fmt.Println("slept", elapsed >= 3*time.Millisecond && elapsed < 5*time.Second)

	ticker := time.NewTicker(time.Millisecond)
	for i := 0; i < 4; i++ {
		<-ticker.C
	}
	ticker.Stop()
	select {
	case <-make(chan int):
		fmt.Println("never")
	case <-time.After(2 * time.Millisecond):
		fmt.Println("timeout")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	fmt.Println("context", ctx.Err())
}

// Pipes go through the runtime's poller: the reader's goroutine waits, not its thread.
func pipes() {
	reader, writer, err := os.Pipe()
	if err != nil {
		fmt.Println("pipe", err)
		return
	}
	go func() {
		for i := 0; i < 50; i++ {
			fmt.Fprintln(writer, "line", i)
			if i%10 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
		writer.Close()
	}()
	lines := 0
	scanner := bufio.NewScanner(reader)
	for scanner.Scan() {
		lines++
	}
	fmt.Println("pipe", lines, scanner.Err())

	reader, writer, _ = os.Pipe()
	err = reader.SetReadDeadline(time.Now().Add(2 * time.Millisecond))
	_, late := reader.Read(make([]byte, 1))
	fmt.Println("deadline", err, errors.Is(late, os.ErrDeadlineExceeded))
	reader.Close()
	writer.Close()
}

func files() {
	text := bytes.Repeat(pattern(1000), 30)
	file, err := os.CreateTemp(".", "go")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(file.Name())
	packer := gzip.NewWriter(file)
	packer.Write(text)
	packer.Close()
	file.Seek(0, io.SeekStart)
	unpacker, err := gzip.NewReader(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := io.ReadAll(unpacker)
	info, _ := file.Stat()
	fmt.Println("gzip", err, bytes.Equal(back, text), info.Size(), info.Mode())
	_, err = os.Open("no such file")
	fmt.Println(err)
}

func signals() {
	arrived := make(chan os.Signal, 1)
	signal.Notify(arrived, syscall.SIGUSR1)
	syscall.Kill(syscall.Getpid(), syscall.SIGUSR1)
	fmt.Println("signal", <-arrived)
	signal.Reset(syscall.SIGUSR1)
}

func texts() {
	type record struct {
		Name  string         `json:"name"`
		Sizes []int          `json:"sizes"`
		More  map[string]any `json:"more,omitempty"`
	}
	in := record{"ring", []int{3, 1, 2}, map[string]any{"a": 1.5, "b": nil, "c": []any{true, "x"}}}
	packed, err := json.Marshal(in)
	var out record
	failed := json.Unmarshal(packed, &out)
	fmt.Println(string(packed), err, failed, out.More["c"])
	found := regexp.MustCompile(`(\w+)@(\w+)\.com`).FindAllStringSubmatch("a@b.com, cd@ef.com", -1)
	fmt.Println(found, strings.Fields(" one  two three "), strings.ToUpper("größe"))
}

func main() {
	fmt.Println(runtime.GOOS, runtime.GOARCH, len(os.Args))
	for _, step := range []func(){workers, chain, lockedThreads, preemption, garbage, stacks, panics,
		maps, hashes, ciphers, signatures, numbers, timers, pipes, files, signals, texts} {
		step()
	}
	if len(os.Args) > 1 && os.Args[1] == "crash" {
		var none *node
		none.text = "unrecovered" // exit status 2, with the goroutine's trace on standard error
	}
	os.Exit(len(os.Args) + 6)
}
