"""The client of the tests: reads a list of calls from standard input as JSON, makes them, writes what came back.

A call is {"url": "http://...", "method", "headers", "body", "timeout", "repeat", "parallel"} or, for plain TCP,
{"url": "tcp://host:port", "body": what to send, "timeout"}, and the same with udp. Repeated calls share a connection
unless `fresh` is true; `parallel` makes them all at once, each on its own. Each answer is {"status", "headers", "body",
"error", "seconds"}.

With an http_proxy in the environment it is asked for all but what the machine itself is called by: for TCP by CONNECT.
"""

import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

Call = dict[str, Any]
Answer = dict[str, Any]

PROXY: Final = urlsplit(os.environ.get("http_proxy", ""))


def main() -> None:
    answers = [list(made(call)) for call in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


def made(call: Call) -> Iterator[Answer]:
    repeat = int(call.get("repeat", 1))
    exchange = {"tcp": exchanged, "udp": echoed}.get(urlsplit(call["url"]).scheme)
    if exchange is not None:
        yield from (timed(lambda: exchange(call)) for _ in range(repeat))
    elif call.get("parallel"):
        with ThreadPoolExecutor(repeat) as pool:
            yield from pool.map(lambda _: timed(lambda: Connection(call).ask()), range(repeat))
    else:
        connection = Connection(call)
        yield from (timed(connection.ask) for _ in range(repeat))


def timed(action: Callable[[], Answer]) -> Answer:
    started = time.monotonic()
    try:
        answer = action()
    except (OSError, http.client.HTTPException) as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    return {"status": 0, "headers": {}, "body": "", "error": "", **answer, "seconds": time.monotonic() - started}


class Connection:
    """One HTTP/1.1 connection, opened again where it was closed."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._url = urlsplit(call["url"])
        self._connection: http.client.HTTPConnection | None = None

    def ask(self) -> Answer:
        if self._connection is None or self._call.get("fresh"):
            self._connection = self._opened()
        connection, call = self._connection, self._call
        try:
            target = f"{self._origin()}{self._url.path or '/'}"
            target += f"?{self._url.query}" if self._url.query else ""
            connection.request(call.get("method", "GET"), target, call.get("body"), call.get("headers", {}))
            response = connection.getresponse()
            body = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            connection.close()
            self._connection = None
            raise
        headers = {name.lower(): value for name, value in response.getheaders()}
        return {"status": response.status, "headers": headers, "body": body}

    def _origin(self) -> str:
        """What a proxy has to be told; it goes by that, and not by the header."""
        return f"http://{self._call.get('headers', {}).get('host', self._url.netloc)}" if by_proxy(self._url) else ""

    def _opened(self) -> http.client.HTTPConnection:
        place = PROXY if by_proxy(self._url) else self._url
        return http.client.HTTPConnection(place.hostname or "", place.port or 80, timeout=self._call.get("timeout", 10))


def by_proxy(url: SplitResult) -> bool:
    """Whether a call goes through the proxy: not if it is to the machine itself (the no_proxy of meshes)."""
    host = url.hostname or ""
    return bool(PROXY.hostname) and host != "localhost" and not host.startswith("127.")


def exchanged(call: Call) -> Answer:
    """Sends the text and reads one line; the greeting of a server that speaks first is the line if there is no text."""
    with connected(urlsplit(call["url"]), call.get("timeout", 10)) as connection:
        if call.get("body"):
            connection.sendall(call["body"].encode())
        with connection.makefile("r") as lines:
            line = lines.readline()
    return {"status": 200 if line else 0, "body": line.strip(), "error": "" if line else "closed without an answer"}


def connected(url: SplitResult, patience: float) -> socket.socket:
    """A connection to a server of bytes, if need be through a tunnel (RFC 9110, section 9.3.6)."""
    place = PROXY if by_proxy(url) else url
    connection = socket.create_connection((place.hostname or "", place.port or 0), timeout=patience)
    if place is PROXY:
        connection.sendall(f"CONNECT {url.netloc} HTTP/1.1\r\nhost: {url.netloc}\r\n\r\n".encode())
        head = b""
        while not head.endswith(b"\r\n\r\n") and (byte := connection.recv(1)):  # what follows is of the server
            head += byte
        if b" 200 " not in head.partition(b"\r\n")[0]:
            connection.close()
            raise ConnectionRefusedError(head.decode().strip())
    return connection


def echoed(call: Call) -> Answer:
    """Sends the text as one datagram and waits for another one."""
    url = urlsplit(call["url"])
    (family, kind, number, _, place), *_ = socket.getaddrinfo(url.hostname, url.port, type=socket.SOCK_DGRAM)
    with socket.socket(family, kind, number) as sender:
        sender.settimeout(call.get("timeout", 10))
        sender.connect(place)
        sender.send((call.get("body") or "").encode())
        return {"status": 200, "body": sender.recv(4_096).decode(errors="replace")}


if __name__ == "__main__":
    main()
