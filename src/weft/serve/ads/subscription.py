"""What one client wants of one resource type, and what is still to be told to it.

No versions are kept of what the client holds: a resource that is not `stale` is at the client as it is in the source.
So a stream costs memory for the names that it asked for and for what it waits for, not for the mesh.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Set
from typing import Final

from msgspec import Struct

from weft.envoy.resource import Resource
from weft.envoy.type_urls import LDS, VHDS
from weft.serve.ads.messages import WILDCARD, DeltaRequest, RequestError
from weft.serve.ads.views import ResourceSource

MAX_NAMES: Final = 200_000
"""Names that a client may subscribe to, of one type."""

MAX_RESPONSE_BYTES: Final = 1024 * 1024
"""Size of a response, unless one resource alone is larger."""

_MAX_UNANSWERED: Final = 4
_AT_ONCE: Final = (LDS, VHDS)


class Batch(Struct, frozen=True):
    """What one response tells: resources that are new or different, and names that are gone."""

    resources: tuple[Resource, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether it tells anything."""
        return bool(self.resources or self.removed)

    @property
    def names(self) -> frozenset[str]:
        """All names in it."""
        return frozenset(resource.name for resource in self.resources).union(self.removed)


class Unanswered(Struct, frozen=True):
    """A response that the client has neither accepted nor refused yet; `adds` unless it only removed."""

    nonce: str
    names: frozenset[str]
    adds: bool
    sent: float


class Refusal(Struct, frozen=True):
    """A NACK: the client did not take a response. `names` are all that was in it, good or bad."""

    type_url: str
    nonce: str
    names: tuple[str, ...]
    message: str
    time: float


class Subscription:
    """The state of one resource type on one stream."""

    def __init__(self, source: ResourceSource, request: DeltaRequest) -> None:
        self.type_url = request.type_url
        self.resumed = bool(request.initial_versions)
        self.names: set[str] = set()
        self.stale: set[str] = set()
        self.refused: set[str] = set()
        self.wildcard = False
        self.held_since: float | None = None
        self.last_sent: tuple[str, float] | None = None
        self.last_accepted: tuple[str, float] | None = None
        self.last_refusal: Refusal | None = None
        self._asked: set[str] = set()
        self._implicit = not request.subscribe
        self._owes_answer = not self.resumed
        self._parts: deque[frozenset[str]] = deque()
        self._unanswered: list[Unanswered] = []
        self._open(source, request)

    # what the client wants

    def _open(self, source: ResourceSource, request: DeltaRequest) -> None:
        """Takes the first request: all that it wants is stale but what it already has in the same version."""
        self._add_names(request.subscribe)
        known = request.initial_versions
        whole = source.wildcard(self.type_url) if self._implicit or WILDCARD in request.subscribe else None
        if whole is not None:
            self.wildcard = True
            self.stale = {name for name, resource in whole.items() if known.get(name) != resource.version}
            self.stale.update(name for name in known if name not in whole)
        names = tuple(self.names)
        for name, found in zip(names, source.find(self.type_url, names), strict=True):
            if found is not None and found.version == known.get(name):
                self.stale.discard(name)
            else:
                self.stale.add(name)
                self._asked.update(() if name in known else (name,))
        self._unsubscribe(request.unsubscribe)

    def update(self, source: ResourceSource, request: DeltaRequest) -> None:
        """Takes a later request. A name that is subscribed to again is sent again, the wildcard is not."""
        if request.subscribe:
            self._subscribe(source, request.subscribe)
        if request.unsubscribe:
            self._unsubscribe(request.unsubscribe)

    def _subscribe(self, source: ResourceSource, names: tuple[str, ...]) -> None:
        whole = source.wildcard(self.type_url) if WILDCARD in names else None
        if whole is not None and not self.wildcard:
            self.wildcard = True
            self.stale.update(whole)
        if self._implicit and whole is None:  # naming anything ends the wildcard that was never asked for by name
            self._end_wildcard()
        self._implicit = False
        self._add_names(names)
        self._resend(name for name in names if name != WILDCARD)

    def _unsubscribe(self, names: tuple[str, ...]) -> None:
        self.names.difference_update(names)
        if WILDCARD in names:
            self._end_wildcard()
        if self.wildcard:  # still wanted through the wildcard: the client must hear whether it exists
            self._resend(name for name in names if name != WILDCARD)
        else:
            for kept in (self.stale, self.refused, self._asked):
                kept.difference_update(names)

    def _end_wildcard(self) -> None:
        self.wildcard = self._implicit = False
        for kept in (self.stale, self.refused, self._asked):
            kept.intersection_update(self.names)

    def _add_names(self, names: tuple[str, ...]) -> None:
        self.names.update(names)
        self.names.discard(WILDCARD)
        if len(self.names) > MAX_NAMES:
            raise RequestError(f"a stream may subscribe to {MAX_NAMES} resources of one type")

    # what is to be sent

    def changed(self, names: Set[str]) -> None:
        """Notes that resources changed, those that the client does not want left out."""
        wanted = names if self.wildcard else names & self.names
        self.stale |= wanted
        self.refused -= wanted

    def _resend(self, names: Iterable[str]) -> None:
        """Sends these again, changed or not. The client waits for them: if they are gone it must hear so at once."""
        self._asked.update(names)
        self.stale |= self._asked
        self.refused -= self._asked

    def resend_subscribed(self, names: Iterable[str]) -> None:
        """The same for those of `names` that the client subscribed to."""
        self._resend(self.names.intersection(names))

    @property
    def pending(self) -> bool:
        """True if there is anything to be sent."""
        return bool(self.stale or self._parts or self._owes_answer)

    def blocked_until(self, now: float, patience: float) -> float:
        """Until when nothing may be sent because an answer is awaited; `now` or earlier if nothing hinders.

        A client that takes its time longer than `patience` (seconds) is not waited for, up to a few responses.
        """
        if len(self._unanswered) >= _MAX_UNANSWERED:
            return float("inf")
        return self._unanswered[-1].sent + patience if self._unanswered else now

    def adding(self, now: float, patience: float) -> bool:
        """True while the client has not answered for additions, or more waits behind an unanswered response."""
        waiting = bool(self.stale or self._parts)
        return any((unanswered.adds or waiting) and unanswered.sent + patience > now for unanswered in self._unanswered)

    @property
    def unsettled(self) -> bool:
        """True unless the client has taken all that there is."""
        return bool(self._unanswered) or self.pending

    def take(self, source: ResourceSource, now: float, hold_removals: Callable[[], bool]) -> Batch | None:
        """Takes what the next response shall tell; None if nothing can be told now. The rest stays for later, and so do
        removals if `hold_removals` says so, which is asked only if there are any.

        A response is kept small, so that a client that does not read holds little of our memory. Only listeners come
        all at once: Envoy is ready, and says so, once it has the first response with some. So do virtual hosts.
        """
        batch, held, all_seen = Batch(), set[str](), True
        while not batch and (self._parts or self.stale - held):
            all_seen = not self._parts
            names = self.stale if all_seen else self._parts.popleft()
            batch, left = self._look_up(source, names)
            if batch.removed and hold_removals():
                held.update(set(batch.removed) - self._asked)
                batch = Batch(batch.resources, tuple(name for name in batch.removed if name not in held))
            self._asked -= names - left
            self.stale = (self.stale - names) | held | left
        if held or all_seen:
            self.held_since = (now if self.held_since is None else self.held_since) if held else None
        owed, self._owes_answer = self._owes_answer, False
        return batch if batch or owed else None

    def _look_up(self, source: ResourceSource, names: Set[str]) -> tuple[Batch, Set[str]]:
        """As much of `names` as fits into a response, and the names that are left."""
        room = sys.maxsize if self.type_url in _AT_ONCE else MAX_RESPONSE_BYTES
        resources: list[Resource] = []
        removed: list[str] = []
        ordered = sorted(names if self.wildcard else names & self.names)
        for index, found in enumerate(source.find(self.type_url, ordered)):
            if found is None:
                removed.append(ordered[index])
                continue
            room -= len(found.wire)
            if room < 0 and resources:
                return Batch(tuple(resources), tuple(removed)), set(ordered[index:])
            resources.append(found)
        return Batch(tuple(resources), tuple(removed)), frozenset()

    # what the client answers

    def sent(self, batch: Batch, nonce: str, now: float) -> None:
        """Notes that a batch goes out under a nonce."""
        self.last_sent = (nonce, now)
        self._unanswered.append(Unanswered(nonce, batch.names, bool(batch.resources), now))

    def awaits(self, nonce: str) -> bool:
        """Whether the answer to this nonce is waited for."""
        return any(unanswered.nonce == nonce for unanswered in self._unanswered)

    def answered(self, nonce: str, error: str | None, now: float) -> Refusal | None:
        """Takes the client's answer to a response; returns the refusal if it is one. Unknown nonces count for nothing.

        What was refused together is sent again in halves, until each bad resource stands alone: it is then left out
        until it changes, and the good ones are not lost with it.
        """
        answered = next((unanswered for unanswered in self._unanswered if unanswered.nonce == nonce), None)
        if answered is None:
            return None
        self._unanswered.remove(answered)
        if error is None:
            self.last_accepted = (nonce, now)
            self.refused -= answered.names
            return None
        self.last_refusal = Refusal(self.type_url, nonce, tuple(sorted(answered.names)), error, now)
        if len(answered.names) > 1:
            self._part(sorted(answered.names - self.stale))
        else:
            self.refused |= answered.names - self.stale
        return self.last_refusal

    def _part(self, names: list[str]) -> None:
        middle = (len(names) + 1) // 2
        self._parts.extend(frozenset(half) for half in (names[:middle], names[middle:]) if half)
