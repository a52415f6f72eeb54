"""Processes as /proc shows them; always named by process id and start time, for ids are given out again."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

_STATE, _PARENT, _START = 0, 1, 19
"""Places in /proc/<pid>/stat behind the name (proc_pid_stat(5): fields 3, 4 and 22)."""


class Process(Struct, frozen=True):
    """One process for ever."""

    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        return find(self.pid) == self

    def kill(self) -> None:
        """kill -9 of exactly this process."""
        assert self.alive, f"{self} has ended before it was killed"
        os.kill(self.pid, signal.SIGKILL)


def find(pid: int) -> Process | None:
    """The process with this id, None if there is none."""
    fields = _stat(pid)
    return Process(pid, int(fields[_START])) if fields and fields[_STATE] != "Z" else None


def children(pid: int) -> list[Process]:
    """The processes that a process started."""
    return [found for child in pids() if _parent(child) == pid and (found := find(child))]


def descendants(pid: int) -> list[Process]:
    """The processes that a process started, those that these started, and so on."""
    return [found for child in children(pid) for found in (child, *descendants(child.pid))]


def command(pid: int) -> list[str]:
    """Its command line; empty if it has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def network(pid: int) -> int | None:
    """The inode of its network namespace; None if it has gone."""
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return None


def in_networks(inodes: set[int]) -> list[Process]:
    """All processes in these network namespaces."""
    return [found for pid in pids() if network(pid) in inodes and (found := find(pid))]


def in_user_namespace(of: int) -> list[Process]:
    """All processes in the user namespace of a process."""
    inode = user_namespace(of)
    members = (pid for pid in pids() if user_namespace(pid) == inode) if inode is not None else ()
    return [found for pid in members if (found := find(pid))]


def user_namespace(pid: int) -> int | None:
    """The inode of its user namespace; None if it has gone, or is none of ours."""
    try:
        return Path(f"/proc/{pid}/ns/user").stat().st_ino
    except OSError:
        return None


def mentioning(text: str) -> list[Process]:
    """All processes with a text in their command line or as their folder, this one left out."""
    return [found for pid in pids() if pid != os.getpid() and _mentions(pid, text) and (found := find(pid))]


def tagged(tag: str) -> list[Process]:
    """All processes that have a text in their environment; of others than ours nothing is known."""
    return [found for pid in pids() if _has_in_environment(pid, tag.encode()) and (found := find(pid))]


def private_memory(pid: int) -> int:
    """Bytes that the process has for itself: anonymous memory, and private pages that it wrote (smaps_rollup)."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) * 1024 for line in text.splitlines() if line.startswith("Private_Dirty:"))


def pids() -> Iterator[int]:
    """The ids of all processes."""
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _mentions(pid: int, text: str) -> bool:
    if any(text in word for word in command(pid)):
        return True
    try:
        return text in os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return False


def _has_in_environment(pid: int, text: bytes) -> bool:
    try:
        return text in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _parent(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[_PARENT]) if fields else None


def _stat(pid: int) -> list[str]:
    """The fields behind the name, which may hold spaces and brackets itself."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
