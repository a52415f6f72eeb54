"""HTTP for the services: GET and HEAD over HTTP/1.1 with keep-alive, /healthz, and one log line a request."""

import os
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

from .messages import Reply, Request, json_reply, peer_identity, read_request
from .serving import Connection, log, run

Application = Callable[[Request], Reply]


class Service(NamedTuple):
    """An application with the name and version under which it shows up."""

    name: str
    version: str
    application: Application


class HttpConnection(Connection, BaseHTTPRequestHandler):
    """The requests of one connection, one after the other."""

    service: Service
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # the base class would answer garbage as HTTP/0.9, without a status

    def handle_one_request(self) -> None:
        if self.wait_for_request():
            super().handle_one_request()
        else:
            self.close_connection = True

    def do_GET(self) -> None:
        started = time.perf_counter()
        if self.path == "/healthz":
            self._send(self._health())
            return
        reply = self._answer()
        self._send(reply)
        self._log(reply.status, time.perf_counter() - started)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _health(self) -> Reply:
        if self.server.stopping.is_set():
            return json_reply({"status": "stopping"}, status=503)
        return json_reply({"status": "ok"})

    def _answer(self) -> Reply:
        name, version, application = self.service
        try:
            request = read_request(self.path, self.headers, service=name, version=version)
        except ValueError:
            return json_reply({"error": "malformed target"}, status=400)
        try:
            return application(request)
        except Exception as error:  # noqa: BLE001 whatever it is, the caller gets an answer and the log the reason
            log(f"failed on {self.path!r}: {error!r}")
            return json_reply({"error": "internal error"}, status=500)

    def _send(self, reply: Reply) -> None:
        # No request here needs a body. Left unread it would be taken for the next request, so the connection ends.
        lengths = self.headers.get_all("Content-Length", ())
        has_body = any(length != "0" for length in lengths) or "Transfer-Encoding" in self.headers
        self.close_connection = self.close_connection or has_body or self.server.stopping.is_set()
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("X-Served-By", f"{self.service.name} {self.service.version}")
        self.send_header("Content-Length", str(len(reply.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def _log(self, status: int, seconds: float) -> None:
        """Text that came in is written quoted and escaped."""
        caller, request_id = peer_identity(self.headers), self.headers.get("x-request-id", "")
        log(f"{self.command} {self.path!r} {status} {seconds * 1_000:.0f}ms caller={caller!r} id={request_id!r}")

    def version_string(self) -> str:
        """The Server header; the version of Python is nobody's business."""
        return "bookshop"

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Requests are logged once they are answered, with their duration."""

    def log_message(self, message: str, *args: object) -> None:
        """The base class reports malformed requests here."""
        log(f"malformed request: {message % args!r}")


def serve(name: str, application: Application, *, version: str | None = None) -> None:
    """Run an application as the service `name` until it is told to stop. The environment's VERSION is its version."""
    shown = version or os.environ.get("VERSION", "v1")
    handler = type("Handler", (HttpConnection,), {"service": Service(name, shown, application)})
    run(f"{name} {shown}", handler, port=8080)
