"""Constant load on one URL until SIGTERM; then the result as JSON on standard output.

A number of clients keep their connection, others open one for each request. Each sends at fixed times, whatever the
answers take, as long as it is not behind by more than its own request. What counts as a failure: a status other than
200, and a connection that can't be made, breaks, or is silent for too long.

To a URL `tcp://host:port` lines are sent instead of requests, and the server has to answer each. There a connection
that is kept has a number of lines to live: if it ends before, that is a failure, too.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import time
from collections import Counter
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

_PATIENCE: Final = 20.0
_KEPT_FAILURES: Final = 50


class BrokenError(Exception):
    """The connection ended in the middle of an answer, or before it."""


class Tally:
    """What came back."""

    def __init__(self) -> None:
        self.started = time.time()
        self.seconds = 0.0
        self.statuses: Counter[str] = Counter()
        self.versions: Counter[str] = Counter()
        self.pods: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.failures: list[dict[str, object]] = []
        self.slowest = 0.0
        self.pause = 0.0
        self._last = time.monotonic()

    def sends(self) -> None:
        """Takes note of a request that is about to be sent, or of the end."""
        now = time.monotonic()
        self.pause, self._last = max(self.pause, now - self._last), now

    def answered(self, status: int, headers: dict[str, str], seconds: float) -> None:
        self.statuses[str(status)] += 1
        self.versions[headers.get("x-version", "")] += 1
        self.pods[headers.get("x-pod", "")] += 1
        self.slowest = max(self.slowest, seconds)
        if status != 200:
            self.failed(f"status {status} flags {headers.get('x-envoy-response-flags', '')}")

    def broken(self, error: BaseException) -> None:
        text = f"{type(error).__name__}: {error}"
        self.errors[text] += 1
        self.failed(text)

    def failed(self, what: str) -> None:
        if len(self.failures) < _KEPT_FAILURES:
            self.failures.append({"at": time.time(), "what": what})

    def result(self) -> dict[str, Any]:
        return {
            "seconds": self.seconds,
            "statuses": self.statuses,
            "versions": self.versions,
            "pods": self.pods,
            "errors": self.errors,
            "failures": self.failures,
            "slowest": self.slowest,
            "pause": self.pause,
        }


class Client:
    """Sends one request after the other."""

    def __init__(self, url: SplitResult, tally: Tally, *, keeps: bool, proxy: str = "", to: str = "") -> None:
        place = urlsplit(f"//{proxy or to}") if proxy or to else url
        self._host, self._port = place.hostname or "", place.port or 80
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        target = f"http://{url.netloc}{target}" if proxy else target
        connection = "keep-alive" if keeps else "close"
        self._request = f"GET {target} HTTP/1.1\r\nhost: {url.netloc}\r\nconnection: {connection}\r\n\r\n".encode()
        self._tally = tally
        self._keeps = keeps
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, interval: float, first: float, ended: asyncio.Event) -> None:
        """Sends until the end, and waits for the last answer."""
        due = time.monotonic() + first
        while not await happens(ended, within=due - time.monotonic()):
            due += interval
            await self._send()
        self._close()

    async def _send(self) -> None:
        started = time.monotonic()
        self._tally.sends()
        try:
            async with asyncio.timeout(_PATIENCE):
                status, headers = await self._exchange()
        except (OSError, BrokenError, ValueError, TimeoutError) as error:
            self._tally.broken(error)
            self._close()
            return
        self._tally.answered(status, headers, time.monotonic() - started)
        if not self._keeps or headers.get("connection") == "close":
            self._close()

    async def _exchange(self) -> tuple[int, dict[str, str]]:
        if self._streams is not None and self._streams[0].at_eof():  # an idle connection may be closed at any time
            self._close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(self._request)
        await writer.drain()
        try:
            status, headers = parsed(await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(int(headers.get("content-length", "0")))
        except asyncio.IncompleteReadError as error:
            raise BrokenError(f"closed after {len(error.partial)} bytes") from None
        return status, headers

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


class LineClient(Client):
    """Sends one line after the other, and opens a new connection when one has had its lines."""

    def __init__(self, url: SplitResult, tally: Tally, *, lines: int) -> None:
        super().__init__(url, tally, keeps=True)
        self._lines = self._left = lines

    async def _exchange(self) -> tuple[int, dict[str, str]]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
            self._left = self._lines
        reader, writer = self._streams
        writer.write(b"line\n")
        await writer.drain()
        answer = await reader.readline()
        if not answer.endswith(b"\n"):
            raise BrokenError(f"closed with {self._left} of {self._lines} lines to go")
        self._left -= 1
        version, pod, _ = answer.decode().split(maxsplit=2)
        return 200, {"x-version": version, "x-pod": pod, "connection": "" if self._left else "close"}


def client_of(options: argparse.Namespace, tally: Tally, *, keeps: bool) -> Client:
    url = urlsplit(options.url)
    if url.scheme == "tcp":
        return LineClient(url, tally, lines=options.lines if keeps else 1)
    return Client(url, tally, keeps=keeps, proxy=options.proxy, to=options.to)


async def happens(event: asyncio.Event, *, within: float) -> bool:
    if within > 0:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), within)
    return event.is_set()


def parsed(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    return int(first.split(" ")[1]), {name.lower(): value.strip() for name, _, value in pairs}


async def run(options: argparse.Namespace) -> dict[str, Any]:
    tally = Tally()
    kinds = [True] * options.kept + [False] * options.fresh
    interval = len(kinds) / options.rate
    clients = [client_of(options, tally, keeps=keeps) for keeps in kinds]
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    print("started", flush=True)
    tasks = [
        asyncio.create_task(client.run(interval, interval * number / len(clients), ended))
        for number, client in enumerate(clients)
    ]
    await ended.wait()
    tally.sends()
    tally.seconds = time.time() - tally.started
    await asyncio.gather(*tasks)
    return tally.result()


def main() -> None:
    parser = argparse.ArgumentParser(description="Constant load until SIGTERM.")
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=150.0, help="requests a second")
    proxy = urlsplit(os.environ.get("http_proxy", "")).netloc
    parser.add_argument("--proxy", default=proxy, help="host:port of an HTTP proxy to send them through")
    parser.add_argument("--to", default="", help="host:port to connect to, if it is not the URL's")
    parser.add_argument("--kept", type=int, default=8, help="clients that keep their connection")
    parser.add_argument("--lines", type=int, default=10, help="lines of a connection that is kept")
    parser.add_argument("--fresh", type=int, default=2, help="clients that open a connection for each request")
    print(json.dumps(asyncio.run(run(parser.parse_args()))), flush=True)


if __name__ == "__main__":
    main()
