"""An application to send requests to. Arguments: its name, then PROTOCOL:PORT[:BEHAVIOR]...

http:8080 answers 200 and says who it is; http:8080:503 answers that status; tcp:9000 sends each
line back, with its name before it; none:8080 listens nowhere.
"""

import http.server
import socketserver
import sys
import threading

NAME = sys.argv[1]


class HttpServer(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    server_bind = socketserver.TCPServer.server_bind  # HTTPServer's asks DNS for its own name


def http_handler(status):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = f"{NAME} {self.path}\n".encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("x-pod", NAME)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(NAME.encode() + b" " + line)


def serve(protocol, port, behavior):
    address = ("0.0.0.0", port)
    if protocol == "http":
        server = HttpServer(address, http_handler(int(behavior or 200)))
    else:
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        server = socketserver.ThreadingTCPServer(address, Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()


for argument in sys.argv[2:]:
    protocol, port, behavior = (argument.split(":") + [""])[:3]
    if protocol != "none":
        serve(protocol, int(port), behavior)
threading.Event().wait()
