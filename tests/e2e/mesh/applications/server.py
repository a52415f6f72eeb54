"""The server of the tests: HTTP on some ports, lines of text on others. Every answer tells who asked and who answers.

Environment: VERSION; HTTP_PORTS, TCP_PORTS and UDP_PORTS (numbers with commas between them); BIND, the addresses to
listen at (`::` is every address of IPv6 and none of IPv4), by default all, or POD_IP where pods share the machine's
network; FAILING=1 answers 503 to all but /healthz; GREETS=1 makes the TCP ports speak first. It ends at once when it is
told to, as a careless application does.
"""

import json
import os
import socket
import socketserver
import threading
import time
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, Final, TypeVar
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

VERSION: Final = os.environ.get("VERSION", "v1")
FAILING: Final = os.environ.get("FAILING") == "1"
GREETS: Final = os.environ.get("GREETS") == "1"
POD: Final = os.environ.get("HOSTNAME") or os.uname().nodename
CERTIFICATE_HEADER: Final = "x-forwarded-client-cert"
_KEPT: Final = 500

S = TypeVar("S", bound=socketserver.TCPServer)


class Server(ThreadingHTTPServer):
    """An HTTP server that takes a crowd of connections at once."""

    daemon_threads = True
    request_queue_size = 256


METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")


class Handler(BaseHTTPRequestHandler):
    """Answers every method and path.

    /healthz is well, /requests lists what came of late. In the query of all others: `status` to answer with, `delay` in
    seconds, `fail` with `key` (so many requests of that key get 503 first), and `via`, another server (host:port) that
    is asked first: if that fails, so does this.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    seen: ClassVar[deque[dict[str, str]]] = deque(maxlen=_KEPT)
    failures: ClassVar[Counter[str]] = Counter()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        if parts.path == "/healthz":
            self.reply(200, {})
        elif parts.path == "/requests":
            self.reply(200, {"requests": list(self.seen)})
        else:
            self.seen.append({"path": self.path, "host": self.headers.get("host", "")})
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            time.sleep(float(query.get("delay", "0")))
            self.reply(self.status(query), self.told(body))

    def status(self, query: dict[str, str]) -> int:
        if FAILING or ("via" in query and not well(query["via"])):
            return 503
        key = query.get("key", "")
        if "fail" in query and self.failures[key] < int(query["fail"]):
            self.failures[key] += 1
            return 503
        return int(query.get("status", "200"))

    def told(self, body: bytes) -> dict[str, object]:
        return {
            "version": VERSION,
            "pod": POD,
            "method": self.command,
            "path": self.path,
            "host": self.headers.get("host", ""),
            "port": self.connection.getsockname()[1],
            "peer": self.client_address[0],
            "body": body.decode(errors="replace"),
            "headers": {name.lower(): value for name, value in self.headers.items()},
        }

    def reply(self, status: int, told: dict[str, object]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-version", VERSION)
        self.send_header("x-pod", POD)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged: the sidecar's access log is what tests read."""


def well(server: str) -> bool:
    """Whether another server answers with 200. It is called through the HTTP proxy of the environment, if any."""
    try:
        with urlopen(f"http://{server}/", timeout=10):
            return True
    except OSError:
        return False


for method in METHODS:
    setattr(Handler, f"do_{method}", Handler.answer)


class Lines(socketserver.StreamRequestHandler):
    """Answers each line with `<version> <pod> <line>`."""

    def handle(self) -> None:
        if GREETS:
            self.wfile.write(f"{VERSION} {POD} welcome\n".encode())
        for line in self.rfile:
            self.wfile.write(f"{VERSION} {POD} {line.decode(errors='replace').strip()}\n".encode())


class LineServer(socketserver.ThreadingTCPServer):
    """A TCP server whose port is free again as soon as it ends."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


class Datagrams(socketserver.BaseRequestHandler):
    """Answers each datagram with `<version> <pod> <sender> <text>`."""

    def handle(self) -> None:
        text, connection = self.request
        told = f"{VERSION} {POD} {self.client_address[0]} {text.decode(errors='replace')}"
        connection.sendto(told.encode(), self.client_address)


def listening(kind: type[S], address: str, port: int, handler: type[socketserver.BaseRequestHandler]) -> S:
    """A server of some kind at an address of one family."""
    server = kind((address, port), handler, bind_and_activate=False)
    if ":" in address:
        server.socket.close()
        server.socket = socket.socket(socket.AF_INET6, server.socket_type)
        server.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.address_family = socket.AF_INET6
    server.server_bind()
    server.server_activate()
    return server


def places() -> list[str]:
    """The addresses to listen at."""
    own = os.environ.get("POD_IP", "")
    return os.environ.get("BIND", own if own.startswith("127.") else "0.0.0.0").split(",")


def ports(variable: str) -> list[int]:
    return [int(port) for port in os.environ.get(variable, "").split(",") if port]


def main() -> None:
    servers: list[socketserver.TCPServer] = []
    for address in places():
        servers += [listening(Server, address, port, Handler) for port in ports("HTTP_PORTS")]
        servers += [listening(LineServer, address, port, Lines) for port in ports("TCP_PORTS")]
        servers += [listening(socketserver.UDPServer, address, port, Datagrams) for port in ports("UDP_PORTS")]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
