"""What every service stands on: a threaded TCP server with limits that finishes its work when it is told to stop."""

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from io import BufferedReader
from socket import AF_INET, AF_INET6, SHUT_RD, socket
from socketserver import BaseRequestHandler, StreamRequestHandler, ThreadingTCPServer
from typing import Any, Final

MAX_CONNECTIONS: Final = 512
# Envoy drops an idle upstream connection after one hour. The service waits longer, so that it never closes a connection
# at the moment when the next request arrives on it.
IDLE_SECONDS: Final = 3_660.0
READ_SECONDS: Final = 10.0
GRACE_SECONDS: Final = 10.0
STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def log(line: str) -> None:
    """Write one line to standard output. A full disk or a closed pipe costs the line and not the request."""
    with suppress(OSError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


class Server(ThreadingTCPServer):
    """One thread a connection, at most MAX_CONNECTIONS; those beyond are closed at once. It listens at an address of
    IPv4 or IPv6."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseRequestHandler]) -> None:
        self.stopping = threading.Event()
        self.address_family = AF_INET6 if ":" in address[0] else AF_INET
        self._open: set[socket] = set()
        super().__init__(address, handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return len(self._open) < MAX_CONNECTIONS

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self._open.discard(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log(f"connection from {client_address[0]} ended: {sys.exc_info()[1]!r}")

    def drain(self, grace: float) -> None:
        """Accept nothing more and let the requests that have arrived be answered, for at most `grace` seconds."""
        self.shutdown()
        self.server_close()
        for connection in self._open.copy():
            with suppress(OSError):
                connection.shutdown(SHUT_RD)
        deadline = time.monotonic() + grace
        while self._open and time.monotonic() < deadline:
            time.sleep(0.02)


class Connection(StreamRequestHandler):
    """A connection that may be idle for long between two requests, but must send each of them quickly."""

    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def wait_for_request(self) -> bool:
        """Whether more has arrived. False when the peer is gone or was silent for IDLE_SECONDS."""
        assert isinstance(self.rfile, BufferedReader)
        self.connection.settimeout(IDLE_SECONDS)
        try:
            arrived = self.rfile.peek(1) != b""
            self.connection.settimeout(READ_SECONDS)
        except OSError:
            return False
        return arrived


def run(name: str, handler: type[BaseRequestHandler], *, port: int) -> None:
    """Serve until SIGTERM or SIGINT.

    Environment: BIND or POD_IP is the address to listen on (0.0.0.0 without them) and PORT the port. After the signal
    the service goes on for LINGER_SECONDS (1), unready, until callers have heard that it leaves; then it drains.
    """
    bind = os.environ.get("BIND") or os.environ.get("POD_IP") or "0.0.0.0"
    server = Server((bind, int(os.environ.get("PORT", port))), handler)
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.25}, daemon=True).start()
    host, port = server.server_address[:2]
    log(f"{name} listens on {host!s}:{port}")
    signal.sigwait(STOP_SIGNALS)
    log(f"{name} stops")
    server.stopping.set()
    time.sleep(float(os.environ.get("LINGER_SECONDS", "1")))
    server.drain(GRACE_SECONDS)
