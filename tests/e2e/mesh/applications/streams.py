"""A server of HTTP/1.1 whose answers go on: GET /large writes megabytes, as fast as they are read; with `Upgrade` a
connection of bytes begins, which come back as they are. All else gets 200."""

import os
import select
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

PORT: Final = 8080
SIZE: Final = 64 * 2**20
_CHUNK: Final = bytes(2**16)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.headers.get("upgrade"):
            self.echo()
        elif self.path == "/large":
            self.answer(SIZE)
            for _ in range(SIZE // len(_CHUNK)):
                self.wfile.write(_CHUNK)
        else:
            self.answer(0)

    def answer(self, size: int) -> None:
        self.send_response(200)
        self.send_header("content-length", str(size))
        self.end_headers()

    def echo(self) -> None:
        self.send_response(101)
        self.send_header("connection", "upgrade")
        self.send_header("upgrade", self.headers["upgrade"])
        self.end_headers()
        self.close_connection = True
        while select.select([self.connection], [], [], 30)[0]:
            read = self.connection.recv(4096)
            if not read:
                break
            self.connection.sendall(read)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


if __name__ == "__main__":
    Server((os.environ.get("BIND", "0.0.0.0"), PORT), Handler).serve_forever()
