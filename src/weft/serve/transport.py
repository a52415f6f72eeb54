"""gRPC over TLS: the one way in to the control plane. There is none in plaintext."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from msgspec import Struct

from weft.serve.callers import RefusedError
from weft.serve.http2 import status
from weft.serve.http2.call import Call
from weft.serve.http2.errors import Code
from weft.serve.http2.limits import Limits
from weft.serve.http2.listener import Entry, Listener, listening_socket
from weft.serve.http2.protocol import Crowd, ServerProtocol, Times

_CODES: Final = {
    "unauthenticated": status.UNAUTHENTICATED,
    "forbidden": status.PERMISSION_DENIED,
    "overloaded": status.RESOURCE_EXHAUSTED,
    "unavailable": status.UNAVAILABLE,
    "invalid": status.INVALID_ARGUMENT,
}
_BEARER: Final = "bearer "
_LOOK: Final = 5.0

Methods = Mapping[str, Callable[[Call], None]]
"""What serves the calls of a path, as `/<service>/<method>`."""


class ServerSettings(Struct, frozen=True):
    """Bounds of a server: how connections come in, what one may cost, and how long it lives.

    A connection that is older than `times.age` takes no new calls: the next one shakes hands with the certificate of
    then, and may reach another replica. Calls that are open go on.
    """

    entry: Entry = Entry()
    limits: Limits = Limits()
    times: Times = Times()


DEFAULT_SETTINGS: Final = ServerSettings()


class SecureServer:
    """Serves gRPC calls on TLS ports. Messages are bytes."""

    def __init__(self, methods: Methods, settings: ServerSettings = DEFAULT_SETTINGS) -> None:
        self._methods = methods
        self._settings = settings
        self._crowd = Crowd()
        self._listeners: list[Listener] = []
        self._looking: asyncio.Task[None] | None = None

    def listen(self, address: str, context: Callable[[], ssl.SSLContext]) -> int:
        """Listens on `<IP address>:<port>` (port 0: any free one); returns the port. OSError where that fails.

        The socket is made before this returns, by the calling thread: in the network namespace that it is in now.
        `context` is asked for each connection, so that it can follow renewals of the certificate.
        """
        listener = listening_socket(address)
        port: int = listener.getsockname()[1]

        async def admit(accepted: socket.socket) -> None:
            protocol = ServerProtocol(
                self._opened, self._crowd, context(), times=self._settings.times, limits=self._settings.limits
            )
            await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, accepted)

        self._listeners.append(Listener(listener, admit, self._full, self._settings.entry))
        return port

    async def start(self) -> None:
        """Begins to serve. Do so when there is something to serve: a proxy takes what it gets for the truth."""
        self._looking = asyncio.create_task(self._look())
        for listener in self._listeners:
            listener.start()

    async def stop(self, grace: float) -> None:
        """Takes no more calls, and ends those that are left after `grace` seconds."""
        for listener in self._listeners:
            listener.close()
        if self._looking is not None:
            self._looking.cancel()
        for connection in tuple(self._crowd.open):
            connection.leave()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._crowd.emptied()
        for connection in tuple(self._crowd.open):
            connection.abort()
        await asyncio.sleep(0)

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._crowd.open)

    @property
    def handshakes(self) -> int:
        """How many are under way."""
        return len(self._crowd.shaking)

    def _full(self) -> bool:
        entry = self._settings.entry
        return len(self._crowd.open) >= entry.connections or len(self._crowd.shaking) >= entry.handshakes

    def _opened(self, call: Call) -> None:
        method = self._methods.get(call.request.path)
        kinds = call.request.values("content-type")
        if call.request.method != "POST" or not any(kind.startswith("application/grpc") for kind in kinds):
            call.finish(status.INVALID_ARGUMENT, "this is no gRPC call")
        elif method is None:
            call.finish(status.UNIMPLEMENTED, "there is no such method")
        else:
            method(call)

    async def _look(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(min(_LOOK, self._settings.times.age / 4, self._settings.times.idle / 4))
            self._crowd.intake.look()
            for connection in tuple(self._crowd.open):
                connection.look(clock())


def bearer_token(call: Call) -> str | None:
    """Returns the token in the `authorization` header, with or without `Bearer ` before it; None unless there is one.

    Envoy's credential injector sends the bare token.
    """
    values = call.request.values("authorization")
    if len(values) != 1:
        return None
    value = values[0].strip()
    return value[len(_BEARER) :].strip() if value.lower().startswith(_BEARER) else value


def refuse(call: Call, refusal: RefusedError) -> None:
    """Ends a call with the status that a refusal stands for."""
    end(call, _CODES[refusal.reason], str(refusal))


def end(call: Call, code: int = status.OK, message: str = "") -> None:
    """Ends a call with a status; a caller who does not read is not waited for."""
    if call.stuck:
        call.reset(Code.CANCEL)
    else:
        call.finish(code, message)
