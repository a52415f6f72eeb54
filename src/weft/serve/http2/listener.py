"""Lets connections in, no faster than they can be served.

A few are accepted at a turn of the event loop, and the next ones after a pause. So between them everybody who is
connected has their turn, and the busier the loop is, the fewer come in. All others wait in the kernel's queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

_log: Final = logging.getLogger(__name__)
_BACKLOG: Final = 4_096
_FULL: Final = 0.05
"""Seconds after which it is looked again whether there is room."""

_SHORTAGE: Final = 1.0
"""Seconds without new connections when there are no descriptors left for them."""


class Entry(Struct, frozen=True):
    """How fast connections come in: `rate` a second at most, and `at_once` at a turn, with `handshakes` of TLS under
    way, and `connections` open.
    """

    rate: float = 400.0
    at_once: int = 4
    handshakes: int = 64
    connections: int = 10_000


DEFAULT_ENTRY: Final = Entry()


def listening_socket(address: str) -> socket.socket:
    """A socket that listens on `<IP address>:<port>`, in the calling thread's namespace. OSError if it can't."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise OSError(f"can't listen on {address}: {error.strerror or error}") from error
    return listener


class Listener:
    """Accepts from a socket; `admit` takes a connection in, `full` tells whether no more can be."""

    def __init__(
        self,
        listener: socket.socket,
        admit: Callable[[socket.socket], Awaitable[None]],
        full: Callable[[], bool],
        entry: Entry = DEFAULT_ENTRY,
    ) -> None:
        self._socket = listener
        self._admit = admit
        self._full = full
        self._entry = entry
        self._coming: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._closed = False

    def start(self) -> None:
        """Begins to accept."""
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Accepts no more."""
        if self._closed:
            return
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()
        with contextlib.suppress(RuntimeError):  # without a loop it was never started
            asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def _accept(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        count, pause = 0, 0.0
        try:
            while count < self._entry.at_once and not self._full():
                self._take(self._socket.accept()[0])
                count += 1
            pause = count / self._entry.rate or _FULL
        except (BlockingIOError, ConnectionError):
            pause = count / self._entry.rate
        except OSError as error:
            _log.warning("can't accept connections: %s", error.strerror)
            pause = _SHORTAGE
        self._pause = asyncio.get_running_loop().call_later(pause, self.start)

    def _take(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        task = asyncio.ensure_future(self._admit(accepted))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)
