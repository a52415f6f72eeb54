"""One stream at work: a state machine between a call and the views that it shows.

Nothing is asked of the machine while the call has no room. So nothing piles up for a slow client: the machine only
remembers names, and the newest of each resource is sent when there is room again. A client that does not read at all
keeps the rest of one response, which it shares with others, and its place among the streams that its pod may have,
until the stream's time is up. Nothing here knows the transport: a `Channel` is all that it has to offer.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec import Struct

from weft.serve.ads.alarms import Alarms
from weft.serve.ads.bodies import Bodies
from weft.serve.ads.messages import DeltaRequest, RequestError, encode_state, parse_state_request
from weft.serve.ads.names import NameSets
from weft.serve.ads.observer import StreamObserver, Unobserved
from weft.serve.ads.reading import RequestReader
from weft.serve.ads.state_stream import StateStream
from weft.serve.ads.states import ProxyState, type_state
from weft.serve.ads.stream import DEFAULT_PACING, DeltaStream, Pacing
from weft.serve.ads.subscription import Refusal
from weft.serve.ads.turns import Turns
from weft.serve.ads.views import Layered, ResourceSource, Told, View
from weft.serve.ads.whole_tables import Tables
from weft.serve.callers import Caller, Pod, RefusedError
from weft.serve.http2.call import Receiver


class Channel(Protocol):
    """Both directions of a stream, message by message."""

    @property
    def room(self) -> bool:
        """Whether another message can be sent; `Receiver.drained` is called when there is room again."""

    def accept(self, receiver: Receiver) -> None:
        """Gives messages to `receiver` from now on."""

    def send(self, pieces: tuple[bytes, ...]) -> None:
        """Sends a message, given in pieces."""


class Proxy(Struct, frozen=True):
    """Who is at the other end: the authenticated pod, its checked node id, its address, and its Envoy's version."""

    caller: Caller
    node_id: str
    address: str
    version: str = ""


class Means(Struct):
    """What sessions have in common: how long things wait, what they share, turns, alarms, and who counts what they do.

    `tables` are there where sessions speak state of the world.
    """

    pacing: Pacing
    bodies: Bodies
    sets: NameSets
    reader: RequestReader
    turns: Turns
    alarms: Alarms
    observer: StreamObserver
    tables: Tables | None = None

    @classmethod
    def new(cls, pacing: Pacing = DEFAULT_PACING, observer: StreamObserver | None = None) -> "Means":
        """Means of their own."""
        sets = NameSets()
        return cls(pacing, Bodies(), sets, RequestReader(sets), Turns(), Alarms(), observer or Unobserved())

    def of_state(self) -> "Means":
        """The same for sessions that speak state of the world, which take turns with the others."""
        reader = RequestReader(self.sets, parse_state_request)
        return msgspec.structs.replace(self, bodies=Bodies(encode=encode_state), reader=reader, tables=Tables())

    def stream(self, source: ResourceSource, started: float) -> DeltaStream:
        """A new stream."""
        if self.tables is None:
            return DeltaStream(source, started, self.pacing, self.bodies, self.sets)
        return StateStream(source, started, self.pacing, bodies=self.bodies, sets=self.sets, tables=self.tables)


class Session:
    """One stream of a proxy, from its first request to its end.

    `own` is the view of what only this proxy gets, `shared` of what it has in common with others. After `lifetime`
    seconds the stream ends well, when its token expires with a refusal.
    """

    def __init__(self, proxy: Proxy, own: View, shared: View, lifetime: float, means: Means | None = None) -> None:
        self._proxy = proxy
        self._own = own
        self._shared = shared
        self._means = means or Means.new()
        started = time.monotonic()
        self._offset = time.time() - started
        self._connected = started + self._offset
        self._expires = proxy.caller.expires - self._offset
        self._ends = min(started + lifetime, self._expires)
        source = Layered(own.source, shared.source)
        self._stream = self._means.stream(source, started)
        self._channel: Channel | None = None
        self._on_nack: Callable[[Refusal], None] = _unheard
        self._observer = self._means.observer
        self._since: float | None = None  # when the first change happened that is not sent yet
        self._wanted = 0.0
        self._queued = False
        self._end: asyncio.Future[None] | None = None
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

    @property
    def version(self) -> str:
        """What the proxy says of its Envoy."""
        return self._proxy.version

    @property
    def stalled(self) -> bool:
        """Whether the proxy has to read before anything can be sent."""
        return self._channel is not None and not self._ended and not self._channel.room

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

    # what happens to it

    def changed(self, changes: Told) -> None:
        """Hears of a change from a view."""
        self._stream.changed(changes)
        self._remember_change()
        self._want_turn()

    def move(self, shared: View) -> None:
        """Shows another shared view from now on; only what differs is sent."""
        if shared is not self._shared:
            self._shared.detach(self)
            self._stream.move(Layered(self._own.source, shared.source))
            self._shared = shared
            shared.attach(self)
            self._remember_change()
            self._want_turn()

    def end(self, refusal: RefusedError | None = None) -> None:
        """Ends the stream, with a refusal or well; the first end counts."""
        if not self._ended:
            self._ended, self._refusal = True, refusal
            if self._end is not None:
                self._end.set_result(None)

    def received(self, message: bytes) -> None:
        """As in `Receiver`."""
        try:
            self._take(self._means.reader.read(message))
        except RequestError as error:
            self.end(RefusedError("invalid", str(error)))

    def drained(self) -> None:
        """As in `Receiver`."""
        self._want_turn()

    def ended(self) -> None:
        """As in `Receiver`."""
        self.end()

    def wake(self) -> None:
        """As in `alarms.Sleeper`."""
        self._want_turn()

    # its life

    def begin(self, channel: Channel, first: DeltaRequest, on_nack: Callable[[Refusal], None]) -> None:
        """Takes the first request, and then all that comes. `run` must follow."""
        self._channel, self._on_nack = channel, on_nack
        self._own.attach(self)
        self._shared.attach(self)
        try:
            self._take(first)
            channel.accept(self)
        except RequestError as error:
            self.end(RefusedError("invalid", str(error)))

    async def run(self) -> None:
        """Serves the stream until its end; raises RefusedError where that is how it ends."""
        loop = asyncio.get_running_loop()
        self._end = loop.create_future()
        if self._ended:
            self._end.set_result(None)
        limit = loop.call_later(self._ends - time.monotonic(), self._time_is_up)
        try:
            await self._end
        finally:
            limit.cancel()
            self.leave()
        if self._refusal is not None:
            raise self._refusal

    def leave(self) -> None:
        """Hears of nothing any more, and holds nothing."""
        self._ended, self._channel, self._on_nack = True, None, _unheard
        self._means.alarms.cancel(self)
        self._own.detach(self)
        self._shared.detach(self)

    def _time_is_up(self) -> None:
        expired = time.monotonic() >= self._expires
        self.end(RefusedError("unauthenticated", "the token expired") if expired else None)

    def _remember_change(self) -> None:
        if self._since is None:
            self._since = self._observer.change_time()

    def _take(self, request: DeltaRequest) -> None:
        if request.nonce and not self._stream.awaits(request):
            self._observer.expired(request.type_url)
        refusal = self._stream.receive(request, time.monotonic())
        if refusal is not None:
            self._on_nack(refusal)
        if not self._queued:
            self._send()

    def _want_turn(self) -> None:
        if not self._queued and not self._ended and self._channel is not None:
            self._queued = True
            self._wanted = time.monotonic()
            self._means.turns.want(self._turn)

    def _turn(self) -> None:
        self._queued = False
        self._observer.waited(time.monotonic() - self._wanted)
        self._send()

    def _send(self) -> None:
        """Sends what can be sent now, and comes back when more may be."""
        if self._ended or self._channel is None:
            return
        self._means.alarms.cancel(self)
        now = time.monotonic()
        while self._channel.room and self._respond(self._channel, now):
            now = time.monotonic()
        if self._since is not None and self._stream.settled:
            self._observer.converged(time.monotonic() - self._since)
            self._since = None
        wake_at = self._stream.wake_at(now)
        if wake_at is not None:
            self._means.alarms.set(self, wake_at)

    def _respond(self, channel: Channel, began: float) -> bool:
        """Sends the next response; False if there is none."""
        response = self._stream.poll(began)
        if response is None:
            return False
        made = time.monotonic()
        channel.send(response)
        size = len(response[0]) + len(response[1])
        self._observer.sent(self._stream.last_type, size, made - began, time.monotonic() - made)
        return True


def _unheard(_: Refusal) -> None:
    """Nobody hears of refusals."""
