#!/bin/sh
# --net host: what rules allow is reached, and nothing else; both ways, with TCP and UDP.
. "${SOURCE:?}/tests/lib/native.sh"

python=/usr/bin/python3
[ -x $python ] || { echo "$python is not installed"; exit 77; }
servers=
trap 'for pid in $servers; do kill "$pid" 2>/dev/null; done; rm -rf "$work"' EXIT

# A server of the host that answers each line with its length, and each datagram with itself; it tells its port, which is
# the same for both.
cat >"$work/server.py" <<'END'
import socketserver, sys, threading
class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(b"%d\n" % len(line))
class Datagrams(socketserver.BaseRequestHandler):
    def handle(self):
        self.request[1].sendto(self.request[0], self.client_address)
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
while True:
    tcp = Server((sys.argv[1], 0), Lines)
    try:
        udp = socketserver.UDPServer((sys.argv[1], tcp.server_address[1]), Datagrams)
        break
    except OSError:
        tcp.server_close()
threading.Thread(target=udp.serve_forever, daemon=True).start()
with open(sys.argv[2], "w") as file:
    file.write("%d\n" % tcp.server_address[1])
tcp.serve_forever()
END
serve() { # FILE with the port
    $python "$work/server.py" 127.0.0.1 "$1" &
    servers="$servers $!"
    for i in 1 2 3 4 5 6 7 8 9 10; do
        [ -s "$1" ] && return
        sleep 0.3
    done
    fail "the host's server does not start"
    finish
}
serve "$work/port"
port=$(cat "$work/port")

cat >"$tree/client.py" <<'END'
import select, socket, sys
port = int(sys.argv[1])
def attempt(kind, address):
    s = socket.socket(socket.AF_INET, kind)
    s.settimeout(5)
    try:
        s.connect(address)
        s.sendall(b"four\n")
        return s.recv(16)
    except OSError as error:
        return error.errno or type(error).__name__
    finally:
        s.close()
print("tcp", attempt(socket.SOCK_STREAM, ("127.0.0.1", port)))
print("udp", attempt(socket.SOCK_DGRAM, ("127.0.0.1", port)))
print("elsewhere", attempt(socket.SOCK_STREAM, ("192.0.2.99", 9)), attempt(socket.SOCK_DGRAM, ("192.0.2.99", 9)))
print("other port", attempt(socket.SOCK_STREAM, ("127.0.0.1", 1)))
own = socket.create_server(("127.0.0.1", 0))
print("own", socket.create_connection(own.getsockname()).getpeername()[0])
def many():
    watched, sent, right = select.epoll(), {}, 0
    for n in range(20):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", port))
        watched.register(s, select.EPOLLOUT)
        sent[s.fileno()] = [s, n * 1000]
    while sent:
        for fd, events in watched.poll(5):
            s, size = sent[fd]
            try:
                if events & select.EPOLLOUT:
                    s.sendall(b"x" * size + b"\n")
                    watched.modify(s, select.EPOLLIN)
                    continue
                right += int(s.recv(16)) == size + 1
            except OSError as error:
                right = error.errno
            watched.unregister(s)
            del sent[fd]
    return right
print("many", many())
END

# expect NAME WANTED OPTION...
expect() {
    name=$1
    wanted=$2
    shift 2
    count=$((count + 1))
    "$timeout" "$limit" "$RINGFORT" run "$@" --root /:ro --env LC_ALL=C -- $python -I -S "$tree/client.py" "$port" \
        >"$work/out" 2>"$work/err" || fail "$name: exit status $?"
    printf '%s\n' "$wanted" | diff - "$work/out" || { fail "$name"; tail -n 3 "$work/err"; }
}
closed="tcp 111
udp 111
elsewhere 101 101
other port 111
own 127.0.0.1
many 111"
open="tcp b'5\\n'
udp b'four\\n'
elsewhere 101 101
other port 111
own 127.0.0.1
many 20"
expect 'nothing allowed' "$closed"
expect 'another port' "$closed" --net host:connect=127.0.0.1:1
expect 'listening only' "$closed" --net "host:listen=127.0.0.1:$port"
expect 'the port' "$open" --net "host:connect=127.0.0.1:$port"
"$RINGFORT" run --strict --mount /bin/busybox:/busybox -- /busybox true 2>/dev/null && # needs Landlock
    expect 'locked down' "$open" --strict --net "host:connect=127.0.0.1:$port"
expect 'a range' "$open" --net "host:connect=[::1]:80,connect=127.0.0.0/8:$port-$port"

# Listening: a client of the host reaches a server in the machine.
cat >"$tree/inside.py" <<'END'
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    print("listening", flush=True)
    for i in range(2):
        s, address = server.accept()
        s.sendall(b"to " + s.makefile("rb").readline())
        s.close()
inside = socket.create_server(("127.0.0.1", 0)) # not the host's
print(socket.create_connection(inside.getsockname()).getpeername() == inside.getsockname())
try:
    socket.create_server(("0.0.0.0", 81)).close()
    print("bound in the machine")
except OSError as error:
    print(error.errno)
END
serve "$work/free" # for a number that is likely to be free
free=$(cat "$work/free")
kill "${servers##* }"
wait "${servers##* }" 2>/dev/null
count=$((count + 1))
"$timeout" "$limit" "$RINGFORT" run --net "host:listen=127.0.0.1:$free" --root /:ro -- $python -I -S "$tree/inside.py" "$free" \
    >"$work/out" 2>"$work/err" &
inside=$!
$python - "$free" >"$work/answers" <<'END'
import socket, sys, time
for name in b"one\n", b"two\n":
    for attempt in range(50):
        try:
            s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
            break
        except OSError:
            time.sleep(0.1)
    s.sendall(name)
    print(s.makefile("rb").read())
    s.close()
END
wait $inside || fail "the server in the machine: exit status $?"
printf "b'to one\\\\n'\nb'to two\\\\n'\n" | diff - "$work/answers" || fail "answers from the machine"
printf 'listening\nTrue\nbound in the machine\n' | diff - "$work/out" || { fail "the server in the machine"; tail -n 3 "$work/err"; }

# Rules that cannot be read.
for rules in host:x host:connect host:connect= host:connect=1.2.3 host:connect=1.2.3.4:x host:connect=1.2.3.4/33 \
    host:connect=1.2.3.4:5-4 host:connect=1.2.3.4:99999 'host:connect=[::1' 'host:connect=[::1]/129' 'host:connect=*/8' \
    host:connect=1.2.3.4:80x host:connect=1.2.3.4,,listen=* host: other ''; do
    count=$((count + 1))
    "$RINGFORT" run --net "$rules" /bin/true >/dev/null 2>"$work/err"
    status=$?
    [ $status = 125 ] && [ "$(wc -l <"$work/err")" = 1 ] && grep -q -- --net "$work/err" ||
        fail "--net '$rules': exit status $status, $(cat "$work/err")"
done
finish
