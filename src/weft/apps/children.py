"""Child processes of the supervisor: kept running, their output in files, ended with it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

_log: Final = logging.getLogger(__name__)
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0
_HEALTHY_AFTER: Final = 10.0
_GRACE: Final = 10.0


class Child(Struct, frozen=True):
    """A program to keep running: its name for people, what gives its command at each start, and the file that takes its
    output. A vital one that ends by itself, and not by a signal, is the end of what we do."""

    name: str
    command: Callable[[], tuple[str, ...]]
    log: Path
    vital: bool = False


class ChildFailedError(Exception):
    """A vital child ended by itself; the message is the last that it said."""


class Keeper:
    """Keeps children running until it is stopped; one that ends is started again, after ever longer pauses."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """`environment` is added to that of the children."""
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Gets the ChildFailedError of a vital child."""
        self._environment = dict(environment or {})
        self._tasks: list[asyncio.Task[None]] = []
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        self.failure.cancel()

    def start(self, child: Child) -> None:
        """Starts a child and looks after it."""
        self._tasks.append(asyncio.create_task(self._keep(child), name=child.name))

    def pid(self, name: str) -> int | None:
        """The process id of a child that runs."""
        process = self._processes.get(name)
        return process.pid if process is not None else None

    async def stop(self) -> None:
        """Ends all children: asks first, and kills what does not follow."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(_end(process) for process in self._processes.values()))
        self._processes.clear()

    async def _keep(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while True:
            started = loop.time()
            process = await _spawn(child, self._environment)
            self._processes[child.name] = process
            code = await process.wait()
            if child.vital and code > 0 and not self.failure.done():
                self.failure.set_exception(ChildFailedError(_last_words(child.log)))
            pause = _FIRST_PAUSE if loop.time() - started > _HEALTHY_AFTER else min(pause * 2, _LONGEST_PAUSE)
            _log.warning("%s ended (%s), starts again in %.1f s; see %s", child.name, _reason(code), pause, child.log)
            await asyncio.sleep(pause)


async def _spawn(child: Child, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    log = _open_log(child.log)
    try:
        return await asyncio.create_subprocess_exec(
            *child.command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, **environment},
        )
    finally:
        os.close(log)


def _open_log(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else f"it ended without a word in {log}"


def _reason(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def end_with_parent(parent: int) -> None:
    """Called by a child at its start: it gets SIGTERM when `parent` (its process id) dies, however that happens."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        raise SystemExit(0)


def in_namespace(namespace: str, command: Sequence[str]) -> tuple[str, ...]:
    """A command as it runs in a named network namespace; the process id stays that of the command."""
    return ("nsenter", f"--net=/run/netns/{namespace}", "--", *command)
