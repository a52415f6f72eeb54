"""Processes that outlive us: named by records that can't be mistaken, watched and signalled through pidfds.

A process id alone may mean another process after a while. A record also holds the start time, the boot and the
namespaces; a pidfd that was opened before they were compared belongs to the recorded process for ever (pidfd_open(2)).
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Final, Protocol

from msgspec import Struct

from weft.node.procfs import boot_id, namespace_file, namespace_inode, pids, start_time, tag_of


class ProcessRecord(Struct, frozen=True):
    """Names one process for ever, and the namespaces (inodes) that it and all its descendants are in.

    With a `tag` (`procfs.tag_of`) its descendants are known by that instead: they share their namespaces with others.
    """

    pid: int
    started: int
    boot: str
    network: int
    mounts: int
    tag: str = ""


class Running(Protocol):
    """A process that was started or adopted."""

    @property
    def record(self) -> ProcessRecord:
        """What names it."""

    async def wait(self) -> int | None:
        """Waits for its end: the exit status as a shell gives it, None where it can't be known."""

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal; nothing happens if it has ended."""

    def kill_all(self) -> None:
        """Kills it and every process that it left behind."""


def record_of(pid: int, tag: str = "") -> ProcessRecord:
    """The record of a process that now runs, and may have a tag. Raises OSError if it has gone."""
    return ProcessRecord(
        pid=pid,
        started=start_time(pid),
        boot=boot_id(),
        network=namespace_inode(pid, "net"),
        mounts=namespace_inode(pid, "mnt"),
        tag=tag,
    )


def is_alive(record: ProcessRecord) -> bool:
    """Whether the recorded process still runs."""
    try:
        return record_of(record.pid, record.tag) == record
    except OSError:
        return False


def kill_members(network: int, mounts: int | None = None) -> None:
    """Kills every process in a network namespace; with `mounts`, only those that are in this mount namespace too.

    The caller sees to it that the numbers still mean those namespaces. One of ours is refused with ValueError.
    """
    if network == namespace_inode("self", "net") and mounts in (None, namespace_inode("self", "mnt")):
        raise ValueError("refused to kill the processes of our own namespaces")
    for pid in pids():
        with contextlib.suppress(OSError), _opened(pid) as descriptor:
            inside = namespace_inode(pid, "net") == network
            if inside and mounts in (None, namespace_inode(pid, "mnt")):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)


def kill_tagged(tag: str) -> None:
    """Kills every process that was started with exactly this tag, which must not be empty."""
    if not tag:
        raise ValueError("refused to kill all processes that have no tag")
    for pid in pids():
        with contextlib.suppress(OSError), _opened(pid) as descriptor:
            if tag_of(pid) == tag:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)


@contextlib.contextmanager
def _opened(pid: int) -> Iterator[int]:
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class ChildProcess:
    """A process that is our child, or was a former node's (`ours` is false: its exit status is nobody's to read).

    `descriptor` is its pidfd, which this object closes.
    """

    def __init__(self, record: ProcessRecord, descriptor: int, *, ours: bool) -> None:
        self._record: Final = record
        self._descriptor = descriptor
        self._ours = ours
        # Keeps the number of the mount namespace from being given to another one before `kill_all` has used it.
        self._mounts: int | None = os.open(namespace_file(record.pid, "mnt"), os.O_RDONLY | os.O_CLOEXEC)
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[int | None] = self._loop.create_future()
        self._loop.add_reader(descriptor, self._on_end)

    @property
    def record(self) -> ProcessRecord:
        """What names it."""
        return self._record

    async def wait(self) -> int | None:
        """Waits for its end: the exit status as a shell gives it, None where it can't be known."""
        return await asyncio.shield(self._ended)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal; nothing happens if it has ended."""
        if not self._ended.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._descriptor, number)

    def kill_all(self) -> None:
        """Kills it and every process with its tag, or in its mount namespace, which is its own: descendants can't leave
        it.

        To be called at last; what it was for is over afterwards.
        """
        self.signal(signal.SIGKILL)
        if self._mounts is not None:
            _kill_left(self._record)
            os.close(self._mounts)
            self._mounts = None

    def _on_end(self) -> None:
        self._loop.remove_reader(self._descriptor)
        status = exit_status(self._descriptor) if self._ours else None
        os.close(self._descriptor)
        self._ended.set_result(status)


def exit_status(descriptor: int) -> int | None:
    """Reaps the child that the pidfd means: its exit status, 128 + n after signal n as in a shell; None if it runs."""
    result = os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOHANG)
    if result is None:
        return None
    return result.si_status if result.si_code == os.CLD_EXITED else 128 + result.si_status


def adopt(record: ProcessRecord) -> ChildProcess | None:
    """The recorded process, if it still runs. If not, what it left behind in its pod is killed."""
    if record.boot != boot_id():
        return None
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(record.pid)
        try:
            if is_alive(record):
                return ChildProcess(record, descriptor, ours=False)
        except OSError:
            pass  # ended between the two looks at it
        os.close(descriptor)
    if record.tag or record.network != namespace_inode("self", "net"):
        # The pod's own namespace is pinned, so its number is not another's; the machine's may hold anything.
        _kill_left(record)
    return None


def _kill_left(record: ProcessRecord) -> None:
    if record.tag:
        kill_tagged(record.tag)
    else:
        kill_members(record.network, record.mounts)
