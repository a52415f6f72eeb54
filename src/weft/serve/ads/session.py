"""One stream at work: a state machine between a reader, a writer and the views that it shows.

One task writes, and only it asks the machine for responses. While it waits for a slow client nothing piles up: the
machine only remembers names. A client that does not read at all keeps its one response, and its place among the
streams that its pod may have, until the stream's time is up: let go earlier, gRPC would hold the response all the same,
and the client could come again for more. Nothing here knows gRPC: a `Channel` is all that a transport has to offer.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct

from weft.serve.ads.messages import DeltaRequest, RequestError, parse_request
from weft.serve.ads.states import ProxyState, type_state
from weft.serve.ads.stream import DEFAULT_PACING, DeltaStream, Pacing
from weft.serve.ads.subscription import Refusal
from weft.serve.ads.views import Changes, Layered, View
from weft.serve.callers import Caller, Pod, RefusedError


class Channel(Protocol):
    """Both directions of a stream, message by message."""

    async def read(self) -> bytes | None:
        """Returns the next message; None at the end."""

    async def write(self, message: bytes) -> None:
        """Returns once there is room for another message."""


class Proxy(Struct, frozen=True):
    """Who is at the other end: the authenticated pod, its checked node id, its address, and its Envoy's version."""

    caller: Caller
    node_id: str
    address: str
    version: str = ""


class Session:
    """One stream of a proxy, from its first request to its end.

    `own` is the view of what only this proxy gets, `shared` of what it has in common with others. After `lifetime`
    seconds the stream ends well, when its token expires with a refusal.
    """

    def __init__(self, proxy: Proxy, own: View, shared: View, lifetime: float, pacing: Pacing = DEFAULT_PACING) -> None:
        self._proxy = proxy
        self._own = own
        self._shared = shared
        started = time.monotonic()
        self._offset = time.time() - started
        self._connected = started + self._offset
        self._expires = proxy.caller.expires - self._offset
        self._ends = min(started + lifetime, self._expires)
        self._stream = DeltaStream(Layered(own.source, shared.source), started, pacing)
        self._wake = asyncio.Event()
        self._limit: asyncio.Timeout | None = None
        self._ended = False
        self._refusal: RefusedError | None = None

    @property
    def pod(self) -> Pod:
        """The pod that the proxy belongs to."""
        return self._proxy.caller.pod

    @property
    def node_id(self) -> str:
        """How the proxy names itself."""
        return self._proxy.node_id

    def state(self) -> ProxyState:
        """Returns how far the proxy has got."""
        return ProxyState(
            node_id=self.node_id,
            pod_uid=self.pod.uid,
            namespace=self.pod.namespace,
            pod=self.pod.name,
            address=self._proxy.address,
            version=self._proxy.version,
            view=self._shared.name,
            connected=self._connected,
            types=tuple(type_state(s, self._offset) for s in self._stream.subscriptions),
        )

    def changed(self, changes: Changes) -> None:
        """Hears of a change from a view."""
        self._stream.changed(changes)
        self._wake.set()

    def move(self, shared: View) -> None:
        """Shows another shared view from now on; only what differs is sent."""
        if shared is not self._shared:
            self._shared.detach(self)
            self._stream.move(Layered(self._own.source, shared.source))
            self._shared = shared
            shared.attach(self)
            self._wake.set()

    def end(self, refusal: RefusedError | None = None) -> None:
        """Ends the stream, with a refusal or well; the first end counts."""
        if not self._ended:
            self._ended, self._refusal = True, refusal
            if self._limit is not None:
                self._limit.reschedule(0.0)

    async def run(self, channel: Channel, first: DeltaRequest, on_nack: Callable[[Refusal], None]) -> None:
        """Serves the stream until its end; raises RefusedError where that is how it ends."""
        self._own.attach(self)
        self._shared.attach(self)
        reader = asyncio.create_task(self._read(channel, first, on_nack))
        reader.add_done_callback(lambda _: self.end())
        try:
            await self._write(channel)
        finally:
            reader.cancel()
            self._own.detach(self)
            self._shared.detach(self)
        if self._refusal is not None:
            raise self._refusal
        if reader.done():
            reader.result()

    async def _read(self, channel: Channel, first: DeltaRequest, on_nack: Callable[[Refusal], None]) -> None:
        request: DeltaRequest | None = first
        try:
            while request is not None:
                refusal = self._stream.receive(request, time.monotonic())
                self._wake.set()
                if refusal is not None:
                    on_nack(refusal)
                message = await channel.read()
                request = parse_request(message) if message is not None else None
        except RequestError as error:
            self.end(RefusedError("invalid", str(error)))

    async def _write(self, channel: Channel) -> None:
        while not self._ended:
            now = time.monotonic()
            self._wake.clear()
            if now >= self._ends:
                self.end(RefusedError("unauthenticated", "the token expired") if now >= self._expires else None)
            elif (response := self._stream.poll(now)) is not None:
                await self._at_most(self._ends - now, channel.write(response))
            else:
                wake_at = min(self._ends, self._stream.wake_at(now) or self._ends)
                await self._at_most(wake_at - now, self._wake.wait())

    async def _at_most(self, seconds: float, waiting: Awaitable[object]) -> None:
        """Waits for a write, or to be woken; an end of the stream ends both."""
        try:
            async with asyncio.timeout(seconds) as self._limit:
                await waiting
        except TimeoutError:
            return
        finally:
            self._limit = None
