"""The application of a source, when it asks for much: one process sends all of its requests.

Reads a list of requests from standard input, as JSON; writes a list of answers for each, in the
same order: [what was seen, the application that answered or null, the client's own port].
"""

import concurrent.futures
import contextlib
import errno
import http.client
import itertools
import json
import os
import re
import socket
import ssl
import subprocess
import sys

PATIENCE = 8
AT_ONCE = 6
OWN_PORTS = itertools.count(10_000 + os.getpid() % 20 * 1_000)


def ask(request):
    with contextlib.closing(Attempt(request)) as attempt:
        try:
            seen, app = WAYS[request["speaks"]](attempt)
        except socket.gaierror:
            seen, app = "no such name", None
        except TimeoutError:
            seen, app = "timeout", None
        except ConnectionRefusedError:
            seen, app = "refused", None
        except http.client.BadStatusLine as error:  # a name before what was sent is an answer, too
            seen, app = named(error.line)
        except (ssl.SSLError, OSError):
            seen, app = "closed", None
        return seen, app, attempt.own_port


class Attempt:
    """One request, and the connection that it goes over."""

    def __init__(self, request):
        self.request = request
        self.own_port = 0
        self.socket = None

    def connect(self):
        where = self.request["address"] or self.request["host"], self.request["port"]
        # Each its own port, whatever the destination: redirected, they all have the same one.
        while not self.socket:
            self.own_port = next(OWN_PORTS)
            try:
                self.socket = socket.create_connection(where, PATIENCE, ("0.0.0.0", self.own_port))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                    raise
        return self.socket

    def close(self):
        if self.socket:
            self.socket.close()


def over_http(attempt):
    return say_http(attempt, attempt.connect())


def over_tls(attempt):
    """TLS by the application itself, and HTTP inside."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    name = attempt.request["sni"] or attempt.request["host"]
    attempt.socket = context.wrap_socket(attempt.connect(), server_hostname=name)
    return say_http(attempt, attempt.socket)


def say_http(attempt, connected):
    request = attempt.request
    connection = http.client.HTTPConnection(request["host"], request["port"])
    connection.sock = connected
    connection.putrequest(
        request["method"], request["path"], skip_host=True, skip_accept_encoding=True
    )
    headers = [("user-agent", request["agent"]), *request["headers"]]
    if "host" not in (name.lower() for name, _ in headers):
        headers.insert(0, ("host", request["authority"]))
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    response.read()
    return f"http {response.status}", response.headers.get("x-pod")


def over_tcp(attempt):
    """A line, and what comes back; an application of ours says its name, whatever it speaks."""
    connected = attempt.connect()
    connected.sendall(b"hello\n")
    return named(connected.makefile("rb").readline(500).decode(errors="replace"))


def named(answer):
    app = re.match(r"(\S+) (hello|GET .*|400)$", answer.rstrip())
    app = app and not app[1].startswith("HTTP/") and app[1]
    return (f"echo {app}" if app else "closed"), app or None


def over_http2(attempt, *more):
    request = attempt.request
    argv = ["curl", "-sS", "-i", "-g", "--http2-prior-knowledge", "-m", str(PATIENCE)]
    argv += ["-A", request["agent"], "-X", request["method"], "-w", "\nown %{local_port}", *more]
    for name, value in request["headers"]:
        argv += ["-H", f"{name}: {value}"]
    if request["address"]:
        address = socket.gethostbyname(request["address"])
        argv += ["--resolve", f"{request['host']}:{request['port']}:{address}"]
    url = f"http://{request['host']}:{request['port']}{request['path']}"
    said = subprocess.run([*argv, url], capture_output=True).stdout.decode(errors="replace")
    if own := re.search(r"^own (\d+)$", said, re.M):
        attempt.own_port = int(own[1])
    status, app = re.match(r"HTTP/2 (\d+)", said), re.search(r"^x-pod: (\S+)", said, re.M)
    return (f"http {status[1]}" if status else "closed"), app and app[1]


def over_grpc(attempt):
    """A call with an empty message."""
    more = ("-H", "content-type: application/grpc", "-H", "te: trailers", "--data-binary", "")
    return over_http2(attempt, *more)


WAYS = {"http": over_http, "http2": over_http2, "grpc": over_grpc, "tcp": over_tcp, "tls": over_tls}


if __name__ == "__main__":
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        asked = json.load(sys.stdin)
        answers = [[pool.submit(ask, one) for _ in range(one["times"])] for one in asked]
        json.dump([[answer.result() for answer in of_one] for of_one in answers], sys.stdout)
