"""Stand-ins for what a pod's processes are made of."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from weft.model.local import Action, Credentials, NodeOrders, PodReport
from weft.node.controller import ControllerError
from weft.node.launch import Launch, LaunchError
from weft.node.processes import ProcessRecord


class FakeProcess:
    """A process that ends when a test says so, or by a signal that it does not ignore."""

    def __init__(self, pid: int, *, ignores: Sequence[signal.Signals] = ()) -> None:
        self._record = ProcessRecord(pid=pid, started=pid, boot="b", network=1, mounts=pid)
        self._ignores = ignores
        self._status: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self.signals: list[signal.Signals] = []
        self.swept = False

    @property
    def record(self) -> ProcessRecord:
        return self._record

    async def wait(self) -> int | None:
        return await asyncio.shield(self._status)

    def signal(self, number: signal.Signals) -> None:
        self.signals.append(number)
        if number not in self._ignores:
            self.end(128 + number)

    def kill_all(self) -> None:
        self.swept = True
        self.end(137)

    def end(self, status: int | None) -> None:
        if not self._status.done():
            self._status.set_result(status)


class FakeLauncher:
    """Starts FakeProcesses and remembers them; fails as often as `failures` says."""

    def __init__(self, *, failures: int = 0, ignores: Sequence[signal.Signals] = ()) -> None:
        self.failures = failures
        self.ignores = ignores
        self.started: list[FakeProcess] = []
        self.launches: list[Launch] = []
        self.alive: dict[ProcessRecord, FakeProcess] = {}

    async def start(self, launch: Launch, log: Path, register: Callable[[ProcessRecord], None]) -> FakeProcess:
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise LaunchError("mount: no such file")
        process = FakeProcess(len(self.started) + 1, ignores=self.ignores)
        register(process.record)
        self.started.append(process)
        self.launches.append(launch)
        self.alive[process.record] = process
        return process

    def adopt(self, record: ProcessRecord) -> FakeProcess | None:
        return self.alive.get(record)


class FakeChecker:
    """Answers every check with what the test set for its path."""

    def __init__(self, **answers: str | None) -> None:
        self.answers: dict[str, str | None] = dict(answers)
        self.asked: list[str] = []

    async def check(self, action: Action, timeout: int) -> str | None:  # noqa: ASYNC109
        name = action.http_path or ""
        self.asked.append(name)
        await asyncio.sleep(0)
        return self.answers.get(name, "no answer")


class FakeController:
    """Hands out the orders that a test puts, collects reports, and gives credentials unless it is away."""

    def __init__(self, life: float = 3600) -> None:
        self.queue: asyncio.Queue[NodeOrders] = asyncio.Queue()
        self.reports: dict[str, PodReport] = {}
        self.away = False
        self.life = life
        self.root = "root"
        self.given = 0
        self.now: Callable[[], float] = lambda: 0.0
        self.on_report: Callable[[Sequence[PodReport]], object] = lambda _: None

    async def orders(self) -> AsyncIterator[NodeOrders]:
        while True:
            yield await self.queue.get()

    async def report(self, reports: Sequence[PodReport]) -> None:
        if self.away:
            raise ControllerError("away")
        self.on_report(reports)
        self.reports |= {report.uid: report for report in reports}

    async def credentials(self, uid: str) -> Credentials:
        if self.away:
            raise ControllerError("away")
        self.given += 1
        return Credentials(token=f"token {self.given} of {uid}", root=self.root, expires=int(self.now() + self.life))


async def until(condition: Callable[[], bool], patience: float = 5) -> None:
    """Waits until the condition holds; fails after `patience` seconds."""
    async with asyncio.timeout(patience):
        while not condition():  # noqa: ASYNC110 - it may be a condition of another process
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(work: Awaitable[Any]) -> AsyncIterator["asyncio.Future[Any]"]:
    """Runs something beside the test and cancels it at the end."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


Handler = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
"""Method, target and body of a request to status and body of the answer."""


class Speaker:
    """A tiny HTTP server: one request for each connection."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._busy: set[asyncio.Task[None]] = set()

    def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._speak(reader, writer))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def hang_up(self) -> None:
        for task in list(self._busy):
            task.cancel()
        await asyncio.gather(*self._busy, return_exceptions=True)

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, target, _ = head.split(" ", 2)
            length = re.search(r"content-length: (\d+)", head.lower())
            body = await reader.readexactly(int(length[1])) if length else b""
            status, answer = await self._handler(method, target, body)
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(answer)}\r\n\r\n".encode() + answer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def unix_server(path: Path, handler: Handler) -> AsyncIterator[None]:
    """A server at a unix socket for the time of a `with` block."""
    # Bound by a short name, as the path of a test may be longer than an address.
    bound = socket.socket(socket.AF_UNIX)
    with contextlib.chdir(path.parent):
        bound.bind(path.name)
    speaker = Speaker(handler)
    server = await asyncio.start_unix_server(speaker, sock=bound)
    try:
        async with server:
            yield
    finally:
        await speaker.hang_up()
        os.unlink(path)


@contextlib.asynccontextmanager
async def tcp_server(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on a port of 127.0.0.1 for the time of a `with` block; gives the port."""
    speaker = Speaker(handler)
    server = await asyncio.start_server(speaker, "127.0.0.1", 0, ssl=context)
    try:
        async with server:
            yield server.sockets[0].getsockname()[1]
    finally:
        await speaker.hang_up()
