"""The way into a mesh that has the namespaces of an ordinary user: each port that somebody listens on in there, on the
machine that the mesh is in, is opened outside too.
"""

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from weft.node.foreign_sockets import SocketMaker
from weft.node.listening import listening_ports
from weft.node.ports import first_open_port
from weft.node.state import read_record, write_record

_log: Final = logging.getLogger(__name__)

_LOOK: Final = 0.25
_BLOCK: Final = 64 * 1024
_RAISED_BY: Final = 8000
OWN_PORTS: Final = frozenset({15000, 15001, 15006, 15020, 15021, 15053, 15090})
"""Ports of Envoys themselves, for probes and metrics: every mesh has them, and nobody outside needs them."""


class Forward(Struct, frozen=True):
    """A port inside, and where it is reached outside; `at` is None if it is not, and `problem` says why."""

    port: int
    at: int | None = None
    problem: str = ""

    @property
    def remark(self) -> str:
        """What somebody has to know of it; empty if it is reached by its own number."""
        if self.at is None:
            return f"port {self.port} of the mesh can't be reached from outside: {self.problem}"
        if self.at == self.port:
            return ""
        return f"port {self.port} of the mesh is port {self.at} outside, as ports below 1024 are root's"


def outside_port(port: int, first_free: int) -> int:
    """The port that stands for one inside: itself, or +8000 for one that an ordinary user can't open."""
    return port if port >= first_free else port + _RAISED_BY


def stored_forwards(file: Path) -> tuple[Forward, ...]:
    """What a forwarder wrote down last."""
    return read_record(file, tuple[Forward, ...]) or () if file.exists() else ()


class Forwarder:
    """Opens and closes ports as they come and go inside. `address` is where it listens outside."""

    def __init__(self, maker: SocketMaker, address: str, file: Path) -> None:
        self._maker = maker
        self._address = address
        self._file = file
        self._addresses: Mapping[int, str] = {}
        self._servers: dict[int, asyncio.Server] = {}
        self._forwards: dict[int, Forward] = {}
        self._relays: set[asyncio.Task[None]] = set()
        self._first_free = first_open_port()

    async def run(self) -> None:
        """Forwards until cancelled. Raises OSError once the mesh's namespaces are gone."""
        known: Mapping[int, Forward] | None = None
        while True:
            ports = listening_ports(self._maker.pid)
            await self._follow({port: ports[port] for port in ports.keys() - OWN_PORTS})
            if self._forwards != known:
                known = dict(self._forwards)
                write_record(self._file, tuple(known[port] for port in sorted(known)))
            await asyncio.sleep(_LOOK)

    async def _follow(self, wanted: Mapping[int, str]) -> None:
        self._addresses = wanted
        for port in self._forwards.keys() - wanted.keys():
            del self._forwards[port]
            if (server := self._servers.pop(port, None)) is not None:
                server.close()
        for port in sorted(wanted.keys() - self._servers.keys()):
            self._forwards[port] = await self._open(port)

    async def _open(self, port: int) -> Forward:
        at = outside_port(port, self._first_free)

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            relay = asyncio.ensure_future(self._relay(port, reader, writer))
            self._relays.add(relay)
            relay.add_done_callback(self._relays.discard)

        try:
            self._servers[port] = await asyncio.start_server(accept, self._address, at, limit=_BLOCK)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            return Forward(port, None, f"{self._address}:{at} is taken" if taken else str(error.strerror))
        return Forward(port, at)

    async def _relay(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, KeyError), contextlib.closing(writer):
            address = self._addresses[port]
            inside = self._maker.make(address)
            try:
                inside.setblocking(False)
                await asyncio.get_running_loop().sock_connect(inside, (address, port))
                far_reader, far_writer = await asyncio.open_connection(sock=inside, limit=_BLOCK)
            except OSError:
                inside.close()
                raise
            with contextlib.closing(far_writer):
                await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies to the end of one direction, and passes that end on."""
    while block := await reader.read(_BLOCK):
        writer.write(block)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


@contextlib.contextmanager
def turn(file: Path) -> Iterator[None]:
    """Waits until no other process forwards for the same mesh: one that outlived its supervisor goes on, and we are
    there when it ends."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
