"""The discovery service: lets proxies in, gives each stream its session, and ends streams whose pod is gone."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from msgspec import Struct

from weft.model.proxy_node import parse_node_id
from weft.serve.ads.messages import DeltaRequest, Node, RequestError
from weft.serve.ads.reading import RequestReader
from weft.serve.ads.registry import Registry
from weft.serve.ads.session import Means, Proxy, Session
from weft.serve.ads.stream import DEFAULT_PACING, Pacing
from weft.serve.ads.views import View
from weft.serve.callers import Caller, Pod, PodLookup, RefusedError
from weft.serve.http2.call import Call
from weft.serve.http2.status import INTERNAL
from weft.serve.tokens.guard import ReviewGuard
from weft.serve.transport import Methods, bearer_token, end, refuse

SERVICE: Final = "envoy.service.discovery.v3.AggregatedDiscoveryService"

_FIRST_REQUEST: Final = 15.0
_log = logging.getLogger(__name__)


class Views(Protocol):
    """Says what a proxy shall hold: the compiled configuration."""

    def view_of(self, pod: Pod, node: Node) -> View | None:
        """Returns the view that the pod's proxy shares with its equals; None where it is not computed (yet)."""


class Secrets(Protocol):
    """Says what only one proxy gets: its keys."""

    async def view_of(self, pod: Pod) -> View:
        """Returns the view of a pod's secrets, its certificate issued."""


class Limits(Struct, frozen=True):
    """Bounds of the service. `lifetime` of a stream in seconds; a random part of up to a fifth is taken off."""

    streams: int = 10_000
    streams_of_pod: int = 8
    lifetime: float = 1_800.0
    pacing: Pacing = DEFAULT_PACING


DEFAULT_LIMITS: Final = Limits()


class DiscoveryService:
    """Serves authenticated proxies, each its own view and its own keys only: by DeltaAggregatedResources as a rule, by
    StreamAggregatedResources (state of the world) who asks for that.
    """

    def __init__(
        self,
        *,
        guard: ReviewGuard,
        pods: PodLookup,
        views: Views,
        secrets: Secrets,
        registry: Registry,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._guard = guard
        self._views = views
        self._secrets = secrets
        self._registry = registry
        self._pods = pods
        self._limits = limits
        self._calls: Counter[str] = Counter()
        self._open = 0
        self._delta = Means.new(limits.pacing, registry.watching)
        self._state = self._delta.of_state()
        self._nodes: dict[Session, Node] = {}
        self._serving: set[asyncio.Task[None]] = set()

    def methods(self) -> Methods:
        """Returns what to serve."""
        return {
            f"/{SERVICE}/DeltaAggregatedResources": lambda call: self._take(call, self._delta),
            f"/{SERVICE}/StreamAggregatedResources": lambda call: self._take(call, self._state),
        }

    def _take(self, call: Call, means: Means) -> None:
        """Serves a call. Returns at once."""
        task = asyncio.create_task(self._attend(call, means))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    def reassign(self, uid: str) -> None:
        """Looks up again which view the streams of a pod show: after its labels changed, for example."""
        for session in self._registry.of_pod(uid):
            view = self._views.view_of(session.pod, self._nodes[session])
            if view is not None:
                session.move(view)

    async def _attend(self, call: Call, means: Means) -> None:
        try:
            await self._serve(call, means)
        except RefusedError as refusal:
            _log.warning("xds stream of %s refused: %s", call.peer, refusal)
            refuse(call, refusal)
        except Exception:  # noqa: BLE001 - an error of ours ends this stream, and no other
            _log.exception("xds stream of %s failed", call.peer)
            end(call, INTERNAL, "internal error")
        else:
            end(call)

    async def _serve(self, call: Call, means: Means) -> None:
        caller = await self._guard.review(bearer_token(call), call.peer)
        with self._admitted(caller.pod):
            session = await self._begin(call, caller, means)
            try:
                await session.run()
            finally:
                self._forget(session)

    async def _begin(self, call: Call, caller: Caller, means: Means) -> Session:
        """Makes the session of a call. Nothing keeps its first request, which may tell thousands of versions, and
        nothing is waited for once it is there.
        """
        own = await self._secrets.view_of(caller.pod)
        first = await _first_request(call, means.reader)
        node = _check_node(first, caller.pod)
        if self._pods(caller.pod.uid) is None:  # it may have gone while we waited
            raise RefusedError("forbidden", "the token's pod does not exist any more")
        shared = self._views.view_of(caller.pod, node)
        if shared is None:
            raise RefusedError("unavailable", f"nothing is known of pod {caller.pod.namespace}/{caller.pod.name} yet")
        proxy = Proxy(caller, node.id, call.peer, node.version)
        session = Session(proxy, own, shared, self._lifetime(), means)
        self._registry.add(session)
        self._nodes[session] = node
        try:
            session.begin(call, first, lambda refusal: self._registry.refused(session, refusal))
        except BaseException:
            self._forget(session)
            raise
        return session

    def _forget(self, session: Session) -> None:
        session.leave()
        del self._nodes[session]
        self._registry.remove(session)

    @contextmanager
    def _admitted(self, pod: Pod) -> Iterator[None]:
        if self._open >= self._limits.streams:
            raise RefusedError("overloaded", f"{self._limits.streams} streams are open")
        if self._calls[pod.uid] >= self._limits.streams_of_pod:
            raise RefusedError("overloaded", f"the pod has {self._limits.streams_of_pod} streams open")
        self._calls[pod.uid] += 1
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._calls[pod.uid] -= 1
            if not self._calls[pod.uid]:
                del self._calls[pod.uid]

    def _lifetime(self) -> float:
        """Streams that began together do not end together."""
        return self._limits.lifetime * random.uniform(0.8, 1.0)


class _First:
    """Takes the first message of a call, and leaves the others where they are."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.message: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

    def received(self, message: bytes) -> None:
        self._call.hold()
        if not self.message.done():
            self.message.set_result(message)

    def drained(self) -> None:
        """Nothing was sent yet."""

    def ended(self) -> None:
        if not self.message.done():
            self.message.set_result(None)


async def _first_request(call: Call, reader: RequestReader) -> DeltaRequest:
    first = _First(call)
    call.accept(first)
    before = False, 0
    while not (await asyncio.wait((first.message,), timeout=_FIRST_REQUEST))[0]:
        now = call.kept_waiting, call.gathered
        if now == before and not call.kept_waiting:
            raise RefusedError("invalid", f"no request came within {_FIRST_REQUEST:.0f} s")
        before = now
    message = first.message.result()
    if message is None:
        raise RefusedError("invalid", "the stream ended before its first request")
    try:
        return reader.read(message)
    except RequestError as error:
        raise RefusedError("invalid", str(error)) from error


def _check_node(first: DeltaRequest, pod: Pod) -> Node:
    """A proxy gets what is its pod's, whatever it says of itself."""
    if first.node is None:
        raise RefusedError("invalid", "the first request must have a node")
    try:
        node = parse_node_id(first.node.id)
    except ValueError as error:
        raise RefusedError("invalid", str(error)) from error
    if (node.namespace, node.pod) != (pod.namespace, pod.name):
        raise RefusedError(
            "forbidden", f"the token is of pod {pod.namespace}/{pod.name}, not of node {first.node.id!r}"
        )
    return first.node
