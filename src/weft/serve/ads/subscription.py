"""What one client wants of one resource type, and what is still to be told to it.

No versions are kept of what the client holds: a resource that is not `stale` is at the client as it is in the source.
So a stream costs memory for the names that it asked for and for what it waits for, not for the mesh.
"""

from collections.abc import Callable, Set
from typing import Final

from msgspec import Struct

from weft.serve.ads.batches import Batch, next_batch, versions_of, versions_of_all
from weft.serve.ads.messages import WILDCARD, DeltaRequest, Holdings, RequestError
from weft.serve.ads.names import NONE, Names, NameSets
from weft.serve.ads.views import ResourceSource

MAX_NAMES: Final = 200_000
"""Names that a client may subscribe to, of one type."""

_MAX_UNANSWERED: Final = 4
_WILDCARD: Final = frozenset((WILDCARD,))


class Unanswered(Struct, frozen=True):
    """A response that the client has neither accepted nor refused yet; `adds` unless it only removed."""

    nonce: str
    names: Names
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
    """The state of one resource type on one stream. `sets` are the sets of names that it shares with others."""

    def __init__(self, source: ResourceSource, request: DeltaRequest, sets: NameSets) -> None:
        self.type_url = request.type_url
        self.resumed = bool(request.held)
        self.names = NONE
        self.stale = NONE
        self.refused = NONE
        self.wildcard = False
        self.held_since: float | None = None
        self.last_sent: tuple[str, float] | None = None
        self.last_accepted: tuple[str, float] | None = None
        self.last_refusal: Refusal | None = None
        self._sets = sets
        self._asked = NONE
        self._implicit = not request.subscribe
        self._owes_answer = not self.resumed
        self._parts: list[Names] = []
        self._unanswered: list[Unanswered] = []
        self._open(source, request)

    # what the client wants

    def _open(self, source: ResourceSource, request: DeltaRequest) -> None:
        """Takes the first request: all that it wants is stale but what it already has in the same version."""
        self._add_names(request.subscribe)
        if self._implicit or WILDCARD in request.subscribe:
            self._open_wildcard(source, request.held)
        if self.names:
            current, other = NONE, NONE
            if request.held:
                current, other = source.derived(versions_of, self.type_url, self.names).compare(request.held)
            self.stale = self.stale - current | (self.names - current)
            self._asked = self.names - current - other
        self._unsubscribe(request.unsubscribe)

    def _open_wildcard(self, source: ResourceSource, held: Holdings) -> None:
        if source.wildcard(self.type_url) is not None:
            self.wildcard = True
            there = source.derived(versions_of_all, self.type_url, NONE)
            current, other = there.compare(held) if held else (NONE, NONE)
            self.stale = (there.names - current) | other if held else there.names
            if other:
                self.follow(source, other)

    def update(self, source: ResourceSource, request: DeltaRequest) -> None:
        """Takes a later request. A name that is subscribed to again is sent again, the wildcard is not."""
        if request.subscribe:
            self._subscribe(source, request.subscribe)
        if request.unsubscribe:
            self._unsubscribe(request.unsubscribe)

    def _subscribe(self, source: ResourceSource, names: Names) -> None:
        whole = source.wildcard(self.type_url) if WILDCARD in names else None
        if whole is not None and not self.wildcard:
            self.wildcard = True
            self.stale = self.stale.union(whole)
        if self._implicit and whole is None:  # naming anything ends the wildcard that was never asked for by name
            self._end_wildcard()
        self._implicit = False
        self._add_names(names)
        self._resend(names - _WILDCARD)

    def _unsubscribe(self, names: Names) -> None:
        if not names:
            return
        self.names = self._sets.changed(self.names, NONE, names)
        if WILDCARD in names:
            self._end_wildcard()
        if self.wildcard:  # still wanted through the wildcard: the client must hear whether it exists
            self._resend(names - _WILDCARD)
        else:
            self.stale, self.refused, self._asked = self.stale - names, self.refused - names, self._asked - names

    def _end_wildcard(self) -> None:
        self.wildcard = self._implicit = False
        names = self.names
        self.stale, self.refused, self._asked = self.stale & names, self.refused & names, self._asked & names

    def _add_names(self, names: Names) -> None:
        more = names - _WILDCARD if WILDCARD in names else names
        self.names = self._sets.changed(self.names, more)
        if len(self.names) > MAX_NAMES:
            raise RequestError(f"a stream may subscribe to {MAX_NAMES} resources of one type")

    # what is to be sent

    def changed(self, names: Names) -> None:
        """Notes that resources changed, those that the client does not want left out."""
        wanted = names if self.wildcard or names <= self.names else names & self.names
        self.stale = self.stale | wanted if self.stale else wanted
        if self.refused:
            self.refused -= wanted

    def follow(self, source: ResourceSource, names: Names) -> None:
        """Notes which of these names, told as a part of the whole, are told only to those who ask for them now. The
        client has them: it goes on to hear of them as if it had asked.
        """
        apart = tuple(names.difference(source.wildcard(self.type_url) or ()) if names else ())
        found = [each.name for each in source.find(self.type_url, apart) if each is not None]
        if found:
            self.names = self._sets.changed(self.names, frozenset(found))

    def _resend(self, names: Set[str]) -> None:
        """Sends these again, changed or not. The client waits for them: if they are gone it must hear so at once."""
        self._asked = self._asked.union(names)
        self.stale |= self._asked
        self.refused -= self._asked

    def resend_subscribed(self, names: Names) -> None:
        """The same for those of `names` that the client subscribed to."""
        self._resend(self.names & names)

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
        batch, held, all_seen = Batch(), NONE, True
        while not batch and (self._parts or self.stale - held):
            all_seen = not self._parts
            names = self.stale if all_seen else self._parts.pop(0)
            batch, left = self._look_up(source, names)
            if batch.removed and hold_removals():
                held |= frozenset(batch.removed) - self._asked
                batch = batch.without(held)
            if self._asked:
                self._asked -= names - left if left else names
            self.stale = (NONE if names is self.stale else self.stale - names) | held | left
        if held or all_seen:
            self.held_since = (now if self.held_since is None else self.held_since) if held else None
        owed, self._owes_answer = self._owes_answer, False
        return batch if batch or owed else None

    def _look_up(self, source: ResourceSource, names: Names) -> tuple[Batch, Names]:
        """As much of `names` as fits into a response, and the names that are left."""
        wanted = names if self.wildcard or names <= self.names else names & self.names
        return source.derived(next_batch, self.type_url, wanted)

    # what the client answers

    def sent(self, batch: Batch, nonce: str, now: float) -> None:
        """Notes that a batch goes out under a nonce."""
        self.last_sent = (nonce, now)
        self._unanswered.append(Unanswered(nonce, batch.names, bool(batch.resources), now))

    def awaits(self, nonce: str) -> bool:
        """Whether the answer to this nonce is waited for."""
        return bool(self._unanswered) and (
            self._unanswered[0].nonce == nonce or any(each.nonce == nonce for each in self._unanswered)
        )

    def answered(self, nonce: str, error: str | None, now: float) -> Refusal | None:
        """Takes the client's answer to a response; returns the refusal if it is one. Unknown nonces count for nothing.

        What was refused together is sent again in halves, until each bad resource stands alone: it is then left out
        until it changes, and the good ones are not lost with it.
        """
        place = next((place for place, each in enumerate(self._unanswered) if each.nonce == nonce), None)
        if place is None:
            return None
        answered = self._unanswered.pop(place)
        if error is None:
            self.last_accepted = (nonce, now)
            if self.refused:
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
