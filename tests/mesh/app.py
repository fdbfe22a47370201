"""An application to send requests to. Arguments: its name, then PROTOCOL:PORT[:BEHAVIOR]...

http:8080 answers 200 and says who it is, to /held a minute late; http:8080:503 answers that status;
tls:8443 does so inside TLS, and grpc:5000 over HTTP/2; tcp:9000 sends each line back, with its name
before it; none:8080 listens nowhere.
"""

import http.server
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time

NAME = sys.argv[1]
HELD = 60  # seconds


class HttpServer(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    server_bind = socketserver.TCPServer.server_bind  # HTTPServer's asks DNS for its own name


def http_handler(status):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        error_message_format = f"{NAME} %(code)d\n"  # of what is no HTTP, too

        def do_GET(self):
            if self.path == "/held":
                time.sleep(HELD)
            body = f"{NAME} {self.path}\n".encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("x-pod", NAME)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_GET

        def log_message(self, *_):
            pass

    return Handler


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(NAME.encode() + b" " + line)


class Grpc(socketserver.StreamRequestHandler):
    """As much of HTTP/2 as says OK to every call: what is asked need not be understood for that."""

    DATA, HEADERS, SETTINGS, PING, ACK, END_STREAM, END_HEADERS = 0, 1, 4, 6, 1, 1, 4

    def handle(self):
        if self.rfile.read(24)[:3] != b"PRI":
            return
        self.send(self.SETTINGS, 0, 0, b"")
        while len(head := self.rfile.read(9)) == 9:
            kind, flags, stream = head[3], head[4], int.from_bytes(head[5:9], "big")
            payload = self.rfile.read(int.from_bytes(head[:3], "big"))
            if kind in (self.SETTINGS, self.PING) and not flags & self.ACK:
                self.send(kind, self.ACK, 0, payload if kind == self.PING else b"")
            elif kind in (self.DATA, self.HEADERS) and flags & self.END_STREAM:
                self.answer(stream)

    def answer(self, stream):
        status = b"\x88"  # :status 200, as HPACK's own table has it
        named = literal("content-type", "application/grpc") + literal("x-pod", NAME)
        self.send(self.HEADERS, self.END_HEADERS, stream, status + named)
        self.send(self.DATA, 0, stream, bytes(5))
        last = self.END_HEADERS | self.END_STREAM
        self.send(self.HEADERS, last, stream, literal("grpc-status", "0"))

    def send(self, kind, flags, stream, payload):
        head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
        self.wfile.write(head + payload)
        self.wfile.flush()


def literal(name, value):
    """A header in HPACK, spelled out."""
    return b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode()


def own_certificate():
    """A certificate that nobody signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = f"{folder}/key", f"{folder}/certificate"
        make = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"]
        make += ["ec_paramgen_curve:P-256", "-subj", "/CN=app", "-keyout", key, "-out", certificate]
        subprocess.run(make, check=True, capture_output=True)
        context.load_cert_chain(certificate, key)
    return context


def serve(protocol, port, behavior):
    address = ("0.0.0.0", port)
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    if protocol in ("http", "tls"):
        server = HttpServer(address, http_handler(int(behavior or 200)))
        if protocol == "tls":
            server.socket = own_certificate().wrap_socket(server.socket, server_side=True)
    else:
        handler = Grpc if protocol == "grpc" else Echo
        server = socketserver.ThreadingTCPServer(address, handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


for argument in sys.argv[2:]:
    protocol, port, behavior = (argument.split(":") + [""])[:3]
    if protocol != "none":
        serve(protocol, int(port), behavior)
threading.Event().wait()
