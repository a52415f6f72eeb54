"""Starting recorded processes: the other side of the script in `launch`."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, Self

from weft.node.launch import GO, READY, Launch, LaunchError
from weft.node.logs import begin_run
from weft.node.processes import ChildProcess, ProcessRecord, Running, adopt, record_of
from weft.node.tools import Tools

_PATIENCE: Final = 20.0
"""Seconds that the preparations may take."""
_COMPLAINT_LIMIT: Final = 4_096

# What we, or whoever started us, may ignore: programs expect the default.
_RESET: Final = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)


class Launcher(Protocol):
    """Starts processes and finds those that a former node started."""

    async def start(self, launch: Launch, log: Path, register: Callable[[ProcessRecord], None]) -> Running:
        """Starts a process with its output in `log`, from which what a former run wrote is put aside; `register` gets
        its record before it really runs.

        Raises LaunchError with what the failing step said.
        """

    def adopt(self, record: ProcessRecord) -> Running | None:
        """The recorded process, if it still runs."""


class SystemLauncher:
    """Starts processes of this machine."""

    def __init__(self, tools: Tools, vector: Callable[[Launch], list[str]]) -> None:
        """`vector` is the `start` of a `Chain`."""
        self._vector = vector
        folders = dict.fromkeys(str(Path(path).parent) for path in tools.paths.values())
        self._environment = {"PATH": os.pathsep.join(folders)}

    def adopt(self, record: ProcessRecord) -> Running | None:
        """The recorded process, if it still runs."""
        return adopt(record)

    async def start(self, launch: Launch, log: Path, register: Callable[[ProcessRecord], None]) -> Running:
        """Starts a process with its output in `log`, from which what a former run wrote is put aside; `register` gets
        its record before it really runs.

        Raises LaunchError with what the failing step said.
        """
        vector = self._vector(launch)
        check_program(launch)
        try:
            begin_run(log)
            with _Pipes(log) as pipes:
                pid = self._spawn(vector, pipes)
                return await _handshake(pid, launch.tag, pipes, register)
        except OSError as error:
            raise LaunchError(str(error)) from error

    def _spawn(self, vector: list[str], pipes: "_Pipes") -> int:
        """Own session, our end of the pipes alone, nothing else inherited: all our descriptors close on exec."""
        pid = os.posix_spawn(
            vector[0],
            vector,
            self._environment,
            file_actions=pipes.actions(),
            setsid=True,
            setsigmask=(),
            setsigdef=_RESET,
        )
        pipes.close_far_ends()
        return pid


def check_program(launch: Launch) -> None:
    """Raises LaunchError if the program does not exist, which would only be seen in the log otherwise."""
    program = launch.command[0]
    if "/" in program:
        found = Path(launch.folder, program).exists()
    else:
        found = shutil.which(program, path=dict(launch.environment).get("PATH", os.defpath)) is not None
    if not found:
        where = launch.folder if "/" in program else "the PATH of the container"
        raise LaunchError(f"program {program!r} is not found in {where}")


async def _handshake(pid: int, tag: str, pipes: "_Pipes", register: Callable[[ProcessRecord], None]) -> ChildProcess:
    """Waits until all is prepared, records the process and lets it go."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await pipes.wait_ready()
        process = ChildProcess(record_of(pid, tag), os.pidfd_open(pid), ours=True)
    except TimeoutError as error:
        _end(pid)
        raise LaunchError(f"the preparations took longer than {_PATIENCE:.0f} s") from error
    except BaseException:
        _end(pid)
        raise
    try:
        register(process.record)
        pipes.send_go()
    except BaseException:
        process.kill_all()
        raise
    return process


def _end(pid: int) -> None:
    """Kills and reaps our child. It was not reaped yet, so the id still means it."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


class _Pipes:
    """What a new process reads its word from and writes complaints and output to."""

    def __init__(self, log: Path) -> None:
        self._word, self._send = os.pipe()
        self._receive, self._complaints = os.pipe()
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._open = {self._word, self._send, self._receive, self._complaints, self._log}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close(*self._open)

    def actions(self) -> list[tuple[int, int, int]]:
        """For posix_spawn: standard input, output and error of the new process."""
        ends = (self._word, self._log, self._complaints)
        return [(os.POSIX_SPAWN_DUP2, descriptor, number) for number, descriptor in enumerate(ends)]

    def close_far_ends(self) -> None:
        """Closes what only the new process uses: its end is then seen as the end of the pipe."""
        self._close(self._word, self._complaints, self._log)

    async def wait_ready(self) -> None:
        """Waits for the script's READY. Raises LaunchError with what was said instead."""
        said = b""
        while not said.endswith(READY):
            await self._readable()
            part = os.read(self._receive, _COMPLAINT_LIMIT)
            said += part
            if not part or len(said) > _COMPLAINT_LIMIT:
                raise LaunchError(said.decode(errors="replace").strip() or "the preparations ended without a word")

    def send_go(self) -> None:
        """Lets the application start."""
        os.write(self._send, GO)

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        event = asyncio.Event()
        loop.add_reader(self._receive, event.set)
        try:
            await event.wait()
        finally:
            loop.remove_reader(self._receive)

    def _close(self, *descriptors: int) -> None:
        for descriptor in descriptors:
            if descriptor in self._open:
                self._open.remove(descriptor)
                with contextlib.suppress(OSError):
                    os.close(descriptor)
