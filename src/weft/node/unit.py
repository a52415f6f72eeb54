"""One process of a pod, kept as its order says: started, adopted, probed, restarted with back-off, stopped.

A unit's record on disk is its state in memory, so that a new node goes on where the former one was. Cancelling `run`
leaves the process running; only `stop` ends it.
"""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from weft.base.durations import Milliseconds
from weft.node.checks import Checker
from weft.node.launch import Launch, LaunchError
from weft.node.lifecycle import End, UnitRecord, UnitSpec, ended, started, waiting
from weft.node.logs import complaint
from weft.node.probes import Prober
from weft.node.processes import ProcessRecord, Running
from weft.node.settings import Backoff
from weft.node.spawn import Launcher
from weft.node.state import read_record, write_record
from weft.node.waiting import wait_at_most

_log: Final = logging.getLogger(__name__)

_START_FAILED: Final = 128
"""The exit code that container runtimes report for a process that could not be started."""

_UNSEEN: Final = End(None, "ContainerStatusUnknown", "it ended while nobody watched: its exit status is not known")


class UnitTools(Struct, frozen=True):
    """What a unit works with. `changed` is called whenever its record changes; `begin` is set once it may start."""

    launcher: Launcher
    checker: Checker
    backoff: Backoff
    begin: asyncio.Event
    changed: Callable[[], None]


class Unit:
    """Keeps one process."""

    def __init__(self, spec: UnitSpec, record_file: Path, log_file: Path, tools: UnitTools) -> None:
        self._spec = spec
        self._record_file = record_file
        self._log_file = log_file
        self._tools = tools
        self._process: Running | None = None
        self._wake = asyncio.Event()
        self.record = read_record(record_file, UnitRecord) or UnitRecord(digest=spec.digest)
        if self.record.process is not None:
            self._process = tools.launcher.adopt(self.record.process)
            if self._process is None:
                self._note_end(_UNSEEN)

    @property
    def launch(self) -> Launch | None:
        """How the process is started; None if its order can't be carried out."""
        return self._spec.launch

    def change(self, spec: UnitSpec) -> None:
        """Takes a changed order: probes at once, everything else by a restart."""
        if spec != self._spec:
            self._spec = spec
            self._wake.set()

    async def run(self) -> None:
        """Keeps the process until cancelled; then the process goes on by itself."""
        while True:
            if self._process is None:
                await self._start(await self._next_launch())
            else:
                await self._attend(self._process)

    async def stop(self, grace: Milliseconds | None = None) -> None:
        """Ends the process and all that it left behind: SIGTERM, then SIGKILL after `grace` (None: as ordered).

        `run` must have been cancelled before.
        """
        if self._process is not None:
            status = await self._terminate(self._process, grace)
            self._note_end(End(status, _reason(status)))

    async def _next_launch(self) -> Launch:
        """What to start, once there is something and its time has come."""
        while True:
            self._wake.clear()
            changed = self.record.digest != self._spec.digest
            if self._spec.launch is None:
                self._note(waiting(self.record, *self._spec.refusal))
                await self._wake.wait()
            elif changed or (not self.record.done and self._pause() <= 0):
                await self._tools.begin.wait()
                if self._spec.launch is not None:
                    return self._spec.launch
            elif self.record.done:
                await self._wake.wait()
            else:
                message = f"back-off of {self._pause():.0f} s after the last end: {self.record.message}".rstrip(": ")
                self._note(waiting(self.record, "CrashLoopBackOff", message))
                await wait_at_most(self._pause(), self._wake)

    def _pause(self) -> float:
        """Seconds until the next start is due; bounded, for clocks that were set back."""
        return min(self.record.due - time.time(), self._tools.backoff.limit)

    async def _start(self, launch: Launch) -> None:
        before, digest = self.record, self._spec.digest

        def register(process: ProcessRecord) -> None:
            self._note(started(before, digest, process, time.time()))

        try:
            self._process = await self._tools.launcher.start(launch, self._log_file, register)
        except LaunchError as error:
            _log.warning("%s could not be started: %s", self._spec.name, error)
            self.record = started(before, digest, None, time.time())
            self._note_end(End(_START_FAILED, "StartError", str(error)))

    async def _attend(self, process: Running) -> None:
        """Probes the process until it ends, by itself, for its probes or for a changed order."""
        ending = asyncio.ensure_future(process.wait())
        try:
            message = await self._watch(ending)
        finally:
            ending.cancel()
        status = await self._terminate(process) if message else await process.wait()
        process.kill_all()
        self._note_end(End(status, _reason(status), message or self._complaint(status)))

    def _complaint(self, status: int | None) -> str:
        """What the process said of its own end, if that was a failure."""
        mark = self._spec.complaints
        return complaint(self._log_file, mark) if status and mark else ""

    async def _watch(self, ending: "asyncio.Future[int | None]") -> str:
        """Why the process must be ended; empty if it has ended."""
        while not ending.done():
            self._wake.clear()
            if self.record.digest != self._spec.digest:
                return "its order has changed"
            probing = asyncio.ensure_future(self._probe())
            waking = asyncio.ensure_future(self._wake.wait())
            events: list[asyncio.Future[Any]] = [ending, probing, waking]
            try:
                await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
            finally:
                waking.cancel()
                probing.cancel()
            if probing.done() and not ending.done():
                return probing.result()
        return ""

    async def _probe(self) -> str:
        """Probes with what the last prober knew; returns why the process must be restarted."""

        def note() -> None:
            self._note(replace(self.record, passed_startup=prober.started, ready=prober.ready, message=prober.message))

        record, spec = self.record, self._spec
        prober = Prober(spec.probes, self._tools.checker, note, started=record.passed_startup, ready=record.ready)
        return await prober.run()

    async def _terminate(self, process: Running, grace: Milliseconds | None = None) -> int | None:
        patience = self._spec.grace if grace is None else grace
        process.signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience / 1_000):
                await process.wait()
        process.kill_all()
        return await process.wait()

    def _note_end(self, end: End) -> None:
        self._process = None
        self._note(ended(self.record, end, time.time(), self._spec.restart, self._tools.backoff))

    def _note(self, record: UnitRecord) -> None:
        if record != self.record:
            self.record = record
            write_record(self._record_file, record)
            self._tools.changed()


def _reason(status: int | None) -> str:
    if status is None:
        return _UNSEEN.reason
    return "Error" if status else "Completed"
