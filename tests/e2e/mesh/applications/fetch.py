"""The client of the tests: reads a list of calls from standard input as JSON, makes them, writes what came back.

A call is {"url": "http://...", "method", "headers", "body", "timeout", "repeat", "parallel"} or, for plain TCP,
{"url": "tcp://host:port", "body": what to send, "timeout"}, and the same with udp. Repeated calls share a connection
unless `fresh` is true; `parallel` makes them all at once, each on its own. Each answer is {"status", "headers", "body",
"error", "seconds"}.
"""

import http.client
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import SplitResult, urlsplit

Call = dict[str, Any]
Answer = dict[str, Any]


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
            target = self._url.path or "/"
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

    def _opened(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(
            self._url.hostname or "", self._url.port or 80, timeout=self._call.get("timeout", 10)
        )


def exchanged(call: Call) -> Answer:
    """Sends the text and reads one line; the greeting of a server that speaks first is the line if there is no text."""
    url: SplitResult = urlsplit(call["url"])
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=call.get("timeout", 10)) as connection:
        if call.get("body"):
            connection.sendall(call["body"].encode())
        with connection.makefile("r") as lines:
            line = lines.readline()
    return {"status": 200 if line else 0, "body": line.strip(), "error": "" if line else "closed without an answer"}


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
