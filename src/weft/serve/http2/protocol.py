"""A connection and its socket: back-pressure, keep-alive, and the ends of connections that are idle, dead or old."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Callable
from typing import Final, cast

from msgspec import Struct

from weft.serve.http2.call import Call
from weft.serve.http2.connection import Connection
from weft.serve.http2.errors import Code, ConnectionFaultError
from weft.serve.http2.intake import Intake
from weft.serve.http2.limits import DEFAULT_LIMITS, Limits
from weft.serve.http2.tls import Sealed, Tls

_log: Final = logging.getLogger(__name__)

_ROOM: Final = 64 * 1024
"""Bytes of answers that are gathered before they are sent."""

_GRACE: Final = 5.0
"""Seconds that a client has to take what was sent before its connection was closed."""


class Times(Struct, frozen=True):
    """Seconds. A handshake of TLS must be done after `handshake`. A connection that was silent for `keepalive` is asked
    whether it is there, and has `answer` for it; one without calls ends after `idle`; one that is older than `age`,
    less up to a fifth, takes no new calls.
    """

    handshake: float = 10.0
    keepalive: float = 30.0
    answer: float = 10.0
    idle: float = 30.0
    age: float = 600.0


DEFAULT_TIMES: Final = Times()


class Crowd:
    """The connections of a server: all that are `open`, and those of them whose handshake of TLS is not done.

    All are of one thread, and seal in one place. Long messages come in through one `intake`.
    """

    def __init__(self) -> None:
        self.intake = Intake()
        self.sealed = Sealed()
        self.open: set[ServerProtocol] = set()
        self.shaking: set[ServerProtocol] = set()
        self._waiting: asyncio.Future[None] | None = None

    def remove(self, gone: ServerProtocol) -> None:
        """Takes out a connection that has ended."""
        self.open.discard(gone)
        self.shaking.discard(gone)
        if not self.open and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def emptied(self) -> None:
        """Returns once all connections have ended. One may wait for it."""
        if self.open:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting


class ServerProtocol(asyncio.Protocol):
    """The server's end of one socket. The `crowd` is where it is found while it is open.

    Without a `context` it speaks no TLS.
    """

    def __init__(
        self,
        opened: Callable[[Call], None],
        crowd: Crowd,
        context: ssl.SSLContext | None,
        *,
        times: Times = DEFAULT_TIMES,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._opened = opened
        self._crowd = crowd
        self._times = times
        self._limits = limits
        self._tls = Tls(context, crowd.sealed) if context is not None else None
        self._transport: asyncio.Transport | None = None
        self._connection: Connection | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._answering = False
        self._answers: list[bytes] = []
        self._gathered = 0
        self._age = times.age * random.uniform(0.8, 1.0)  # those that came together shall not go together
        self._told_age = False
        self._began = self._heard = self._busy = self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As in `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being an instance
        self._transport.set_write_buffer_limits(
            high=0
        )  # what a full socket left is enough: `Call` has the rest, shared
        self._began = self._heard = self._busy = asyncio.get_running_loop().time()
        self._crowd.open.add(self)
        if self._tls is None:
            self._start()
        else:
            self._crowd.shaking.add(self)

    def _start(self) -> None:
        self._crowd.shaking.discard(self)
        peer = self._socket().get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._connection = Connection(self, self._opened, address, self._limits, intake=self._crowd.intake)
        self._connection.start()

    def data_received(self, data: bytes) -> None:
        """As in `asyncio.Protocol`. What is answered to it goes out together."""
        self._heard = asyncio.get_running_loop().time()
        self._answering = True
        try:
            self._receive(data)
        finally:
            self._answering = False
            self._send_answers()

    def _receive(self, data: bytes) -> None:
        content = self._unsealed(data) if self._tls is not None else data
        if content and self._connection is not None:
            self._connection.receive(content)
        if self._tls is not None and self._tls.ended:
            if self._connection is not None:
                self._connection.lose()
            self.close()

    def _unsealed(self, data: bytes) -> bytes:
        assert self._tls is not None
        try:
            content = self._tls.open(data)
        except ConnectionFaultError as fault:
            _log.debug("a connection ends: %s", fault)
            self.close()
            return b""
        if self._connection is None and self._tls.established:
            self._start()
        return content

    def pause_writing(self) -> None:
        """As in `asyncio.Protocol`."""
        if self._connection is not None:
            self._connection.paused = True

    def resume_writing(self) -> None:
        """As in `asyncio.Protocol`."""
        if self._connection is not None:
            self._connection.paused = False
            self._connection.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """As in `asyncio.Protocol`."""
        self._crowd.remove(self)
        if self._ending is not None:
            self._ending.cancel()
        if self._connection is not None:
            self._connection.lose()
            self._connection = None  # nothing goes round in a circle: what a connection held is free at once

    def write(self, data: bytes) -> None:
        """As in `connection.Output`."""
        if self._ending is not None or self._socket().is_closing():
            return  # calls that end with the connection have nobody to tell
        self._answers.append(data)
        self._gathered += len(data)
        if not self._answering or self._gathered >= _ROOM:
            self._send_answers()

    def _send_answers(self) -> None:
        answers, self._answers, self._gathered = self._answers, [], 0
        data = answers[0] if len(answers) == 1 else b"".join(answers)
        if self._tls is not None:
            data = self._tls.seal(data) if data else self._tls.take()
        if data and not self._socket().is_closing():
            self._socket().write(data)

    def close(self) -> None:
        """As in `connection.Output`; a client that does not read is not waited for long."""
        if self._ending is not None:
            return
        self._send_answers()
        self._ending = asyncio.get_running_loop().call_later(_GRACE, self._abort)
        if self._tls is not None:
            self._socket().write(self._tls.goodbye())
        self._socket().close()

    def leave(self) -> None:
        """Takes no new calls; the connection ends with the last one."""
        if self._connection is not None:
            self._connection.leave_now()

    def abort(self) -> None:
        """Ends the connection now."""
        self._abort()

    def look(self, now: float) -> None:
        """Does what is due: to be called every few seconds."""
        connection = self._connection
        if connection is None:
            if now - self._began > self._times.handshake:
                self._abort()
            return
        if connection.calls:
            self._busy = now
        if now - self._busy > self._times.idle:
            connection.fail(Code.NO_ERROR, "idle")
        elif now - self._began > self._age:
            self._retire(connection)
        self._keep_alive(connection, now)

    def _retire(self, connection: Connection) -> None:
        """Says good-bye, and the next time means it: calls that were on their way have come by then."""
        if self._told_age:
            connection.leave_now()
        else:
            self._told_age = True
            connection.leave()

    def _keep_alive(self, connection: Connection, now: float) -> None:
        if now - self._heard < self._times.keepalive:
            self._asked = 0.0
        elif not self._asked:
            self._asked = now
            connection.ping()
        elif now - self._asked > self._times.answer:
            self._abort()

    def _socket(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def _abort(self) -> None:
        self._socket().abort()
