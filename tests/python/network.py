# Python's socket, selectors, asyncio, socketserver and http over the machine's own loopback.
import asyncio
import http.client
import http.server
import selectors
import socket
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"path " + self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[::-1])

    def log_message(self, *arguments):
        pass


def web():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = http.client.HTTPConnection("127.0.0.1", server.server_address[1])
    for path in "/one", "/two":
        client.request("GET", path)
        answer = client.getresponse()
        print(answer.status, answer.read())
    data = bytes(range(256)) * 2000
    client.request("POST", "/", data)
    print(client.getresponse().read() == data[::-1])
    client.close()
    server.shutdown()
    server.server_close()


async def serve_lines(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def lines():
    server = await asyncio.start_server(serve_lines, "::1", 0)
    port = server.sockets[0].getsockname()[1]

    async def client(number):
        reader, writer = await asyncio.open_connection("::1", port)
        answers = []
        for word in "alpha", "beta", str(number):
            writer.write(word.encode() + b"\n")
            answers.append(await reader.readline())
        writer.write_eof()
        answers.append(await reader.read())
        writer.close()
        return answers

    results = await asyncio.gather(*(client(n) for n in range(10)))
    print(results[3], len(results))
    try:
        await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1)
    except OSError as error:
        print(type(error).__name__)
    server.close()
    loop = asyncio.get_running_loop()
    got = loop.create_future()

    class Datagrams(asyncio.DatagramProtocol):
        def datagram_received(self, data, address):
            got.set_result((data, address[0]))

    transport, _ = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
    other, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol,
                                                   remote_addr=transport.get_extra_info("sockname"))
    other.sendto(b"datagram")
    print(await got)
    transport.close()
    other.close()


def selected():
    chooser = selectors.DefaultSelector()
    with socket.create_server(("", 0), dualstack_ipv6=True, family=socket.AF_INET6) as server:
        chooser.register(server, selectors.EVENT_READ)
        with socket.create_connection(("127.0.0.1", server.getsockname()[1])) as one:
            print([key.fileobj is server for key, _ in chooser.select(1)])
            other, address = server.accept()
            print(address[0], one.getpeername()[0], other.family.name)
            other.settimeout(0.05)
            try:
                other.recv(1)
            except TimeoutError as error:
                print("timeout", error)
            other.settimeout(None)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            one.sendall(b"x" * 300000)
            print(len(other.recv(300000, socket.MSG_WAITALL)))
            other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            other.close()
            try:
                print(one.recv(1))
            except ConnectionResetError as error:
                print(error)


def names():
    for host in "127.0.0.1", "::1":
        print(socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST))
    print(socket.if_nameindex()[0], socket.has_ipv6)


web()
asyncio.run(lines())
selected()
names()
