"""Applications behind the proxy under test, and clients in front of it."""

import http.client
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[str, dict[str, str]], int]


class HttpApp:
    """Speaks HTTP/1.1 only; says in JSON what it was sent, and remembers it."""

    def __init__(self, answer: Answer = lambda path, headers: 200) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answer = answer

    @contextmanager
    def at(self, address: str, port: int) -> Iterator["HttpApp"]:
        """Serves on an address until the block ends."""
        app = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                headers = {name.lower(): ",".join(self.headers.get_all(name, [])) for name in self.headers}
                request = {"version": self.request_version, "path": self.path, "headers": headers}
                app.requests.append(request)
                body = json.dumps(request).encode()
                self.send_response(app.answer(self.path, headers))
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Says nothing."""

        yield from _serving(_HttpServer((address, port), Handler), app)


class StreamApp:
    """Sends a greeting, if it has one, before it has read anything; then echoes. `seen` is told of each connection."""

    def __init__(self, greeting: bytes = b"", seen: Callable[[socket.socket], None] = lambda _: None) -> None:
        self.greeting = greeting
        self.seen = seen

    @contextmanager
    def at(self, address: str, port: int) -> Iterator["StreamApp"]:
        """Serves on an address until the block ends."""
        app = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                app.seen(self.request)
                self.request.sendall(app.greeting)
                while data := self.request.recv(4096):
                    self.request.sendall(data)

        yield from _serving(_StreamServer((address, port), Handler), self)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *arguments: object) -> None:
        """A client that went away before its answer is what some tests are about."""


class _StreamServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def _serving(server: socketserver.BaseServer, app: Any) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield app
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Reply:
    """An answer to `get`: status, headers in lower case, and the body's bytes."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self) -> Any:
        """What the application was sent, as it says."""
        return json.loads(self.body)


def get(address: str, port: int, path: str = "/", headers: dict[str, str] | None = None) -> Reply:
    """Asks by HTTP/1.1 on a connection of its own."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        return Reply(connection.getresponse())
    finally:
        connection.close()


def exchange(address: str, port: int, data: bytes, expect: int) -> bytes:
    """Sends bytes and returns the first `expect` that come back, or fewer if the connection ends."""
    with socket.create_connection((address, port), timeout=10) as connection:
        if data:
            connection.sendall(data)
        received = b""
        while len(received) < expect and (more := connection.recv(4096)):
            received += more
        return received
