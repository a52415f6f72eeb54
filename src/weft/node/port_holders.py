"""Who else listens on a port: a port may be shared (SO_REUSEPORT, socket(7)), and its connections with it."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from weft.node.procfs import pids

_LISTEN: Final = "0A"
_TABLES: Final = ("tcp", "tcp6")
_EVERYWHERE: Final = ("0.0.0.0", "::")
_WORD: Final = 8
_SOCKET: Final = "socket:["


class Bind(Struct, frozen=True, order=True):
    """An address and port that something listens on, or shall."""

    address: str
    port: int

    def meets(self, other: Bind) -> bool:
        """Whether connections to one may come to the other."""
        places = {self.address, other.address}
        return self.port == other.port and (len(places) == 1 or not places.isdisjoint(_EVERYWHERE))


class Listening(Struct, frozen=True):
    """A socket that listens, by the number of its inode."""

    bind: Bind
    inode: int


class Holder(Struct, frozen=True):
    """A process that listens where another one shall; None and empty where it is not known who it is."""

    bind: Bind
    pid: int | None = None
    program: str = ""

    def __str__(self) -> str:
        return f"process {self.pid} ({self.program})" if self.pid is not None else "another process"


def other_holders(wanted: Collection[Bind], own: Iterable[int]) -> list[Holder]:
    """Who listens in our network where processes `own` shall, besides these; one for each socket. Raises OSError."""
    here = [each for each in _listening() if any(each.bind.meets(bind) for bind in wanted)]
    known = {inode for pid in own for inode in _sockets(pid)} if here else set()
    others = {each.inode: each for each in here if each.inode not in known}
    found = dict(_holders(others))
    return [found.get(inode, Holder(each.bind)) for inode, each in others.items()]


def listening_in(table: str) -> Iterator[Listening]:
    """The sockets that listen, by the text of a table (proc(5), /proc/PID/net/tcp): behind the heading, the second word
    is the local address, the fourth the state, the tenth the inode."""
    for line in table.splitlines()[1:]:
        words = line.split()
        if words[3] == _LISTEN:
            address, _, port = words[1].partition(":")
            yield Listening(Bind(_address(address), int(port, 16)), int(words[9]))


def _address(digits: str) -> str:
    """An address of the table: words of 32 bits in the machine's byte order."""
    words = (digits[start : start + _WORD] for start in range(0, len(digits), _WORD))
    packed = b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _listening() -> Iterator[Listening]:
    for name in _TABLES:
        path = Path("/proc/self/net", name)
        if path.exists():
            yield from listening_in(path.read_text())


def _holders(wanted: Mapping[int, Listening]) -> Iterator[tuple[int, Holder]]:
    """Processes with these sockets, as far as we may look at them. Costs a look at all processes, if any is wanted."""
    for pid in pids() if wanted else ():
        for inode in _sockets(pid) & wanted.keys():
            yield inode, Holder(wanted[inode].bind, pid, _program(pid))


def _sockets(pid: int) -> set[int]:
    """The inodes of a process's sockets; none of one that is gone or not ours to see."""
    found = set()
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as descriptors:
        for descriptor in descriptors:
            target = os.readlink(descriptor.path)
            if target.startswith(_SOCKET):
                found.add(int(target[len(_SOCKET) : -1]))
    return found


def _program(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except OSError:
        return ""
