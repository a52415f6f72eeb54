"""The delta xDS protocol of one stream as a state machine without I/O: requests and changes in, responses out.

Source: "xDS REST and gRPC protocol" in Envoy's documentation (api-docs/xds_protocol). What goes beyond it was seen with
Envoy 1.40 and is tested with it:

- A client whose clusters wait for endpoints (warming) withholds the ACK of the clusters, and requests to a cluster that
  is still warming fail. So listeners and routes wait for the ACK of clusters: make before break.
- A cluster that changes waits for its endpoints again, though they did not change: they are sent again behind it.
  Certificates need not be.
- Removals wait until whatever may refer to the removed resource is settled: break after make.
- Virtual hosts are those of the tables that the client asked for: see `host_subscription`. A client goes on to tell the
  hosts of a table that it has forgotten. If it gets the table anew, and the stream breaks before its hosts came, it
  would tell that it has all. So such a table comes under a version of its own (`UNSURE`) until its hosts were taken.
- Only the writer asks for responses, one at a time, so that changes merge while it is busy or an ACK is awaited.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from weft.envoy.resource import with_version
from weft.envoy.type_urls import CDS, ECDS, EDS, LDS, ON_DEMAND, PUSH_ORDER, RDS, SDS, VHDS
from weft.serve.ads.batches import Batch
from weft.serve.ads.bodies import Bodies
from weft.serve.ads.host_subscription import HostSubscription
from weft.serve.ads.messages import DeltaRequest, RequestError, encode_rest
from weft.serve.ads.names import NONE, Names, NameSets
from weft.serve.ads.subscription import Refusal, Subscription
from weft.serve.ads.views import Changes, ResourceSource, differences

_MAX_TYPES: Final = 32

_ADDED_AFTER: Final = {LDS: (CDS,), ECDS: (CDS,), RDS: (CDS, LDS), VHDS: (CDS, LDS, RDS)}
_REMOVED_AFTER: Final = {
    CDS: (LDS, ECDS, RDS, VHDS),
    EDS: (CDS, LDS, ECDS, RDS, VHDS),
    ECDS: (LDS,),
    RDS: (LDS,),
    SDS: (CDS, LDS),
}
UNSURE: Final = "?"
"""At the end of a version: a client that tells it may have the table without its virtual hosts."""
_MOSTLY_ASKED_FOR: Final = frozenset((CDS, LDS, RDS))


Response = tuple[bytes, bytes]
"""A DeltaDiscoveryResponse: what streams are sent alike, and what is this stream's."""


class Pacing(Struct, frozen=True):
    """How long one thing waits for another, in seconds.

    `ack`: for the answer to a response. One resource that never gets ready (a cluster whose DNS does not answer) must
    not hold up all others. `removal`: for the removal of a resource, from when it could first have been told.
    """

    ack: float = 5.0
    removal: float = 10.0


DEFAULT_PACING: Final = Pacing()


class DeltaStream:
    """One stream. Times are seconds of any clock that never goes back; `started` is now.

    `bodies` and `sets` are what it shares with other streams.
    """

    def __init__(
        self,
        source: ResourceSource,
        started: float,
        pacing: Pacing = DEFAULT_PACING,
        bodies: Bodies | None = None,
        sets: NameSets | None = None,
    ) -> None:
        self._bodies = bodies or Bodies()
        self._sets = sets or NameSets()
        self._source = source
        self._started = started
        self._pacing = pacing
        self._subscriptions: dict[str, Subscription] = {}
        self._order: tuple[Subscription, ...] = ()
        self._due: set[str] = set()  # types that may be pending: none, most of the time
        self._rewarming = NONE
        self._tables_held = NONE
        self._tables_dropped = NONE
        self._unsure = NONE
        self._responses = 0
        self.last_type = ""
        """The type of the last response."""

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """All that the client asked for, in the order of pushes. To be read only."""
        return self._order

    @property
    def settled(self) -> bool:
        """Whether all was sent, when it was last looked."""
        return not self._due

    def awaits(self, request: DeltaRequest) -> bool:
        """Whether a request that answers anything answers a response that is waited for."""
        subscription = self._subscriptions.get(request.type_url)
        return not request.nonce or (subscription is not None and subscription.awaits(request.nonce))

    def receive(self, request: DeltaRequest, now: float) -> Refusal | None:
        """Takes a request; returns a refusal if that is what it brings. RequestError where a limit is passed."""
        subscription = self._subscriptions.get(request.type_url)
        refusal = None
        if subscription is None:
            self._open(request)
        else:
            refusal = subscription.answered(request.nonce, request.error, now) if request.nonce else None
            if request.type_url == RDS and request.subscribe:
                self._doubt(request.subscribe & (subscription.names | self._tables_dropped))
            subscription.update(self._source, request)
            if self._unsure:
                self._confirm_tables()
            if not (refusal or request.subscribe or request.unsubscribe or subscription.pending):
                return None
        self._due.add(request.type_url)
        if request.type_url == RDS:
            self._relate_hosts(request)
        return refusal

    def changed(self, changes: Changes) -> None:
        """Notes what changed in the source, which has the new content already."""
        for type_url, names in changes.items():
            subscription = self._subscriptions.get(CDS if type_url == ON_DEMAND else type_url)
            if subscription is not None:
                self._due.add(subscription.type_url)
                subscription.changed(frozenset(names) if type_url != ON_DEMAND else subscription.names & names)
        if ON_DEMAND in changes and CDS in changes and CDS in self._subscriptions:
            self._subscriptions[CDS].follow(self._source, frozenset(changes[CDS]) & changes[ON_DEMAND])

    def move(self, source: ResourceSource) -> None:
        """Shows another source from now on: only what differs is sent. Tell all changes of the old one before."""
        self._due.update(self._subscriptions)
        for subscription in self._subscriptions.values():
            different = differences(self._source, source, subscription.type_url, subscription.names)
            subscription.changed(frozenset(different))
            if subscription.type_url == CDS:
                subscription.follow(source, frozenset(different))
        self._source = source

    def poll(self, now: float) -> Response | None:
        """Returns the next response to write; None if there is none before something is received or `wake_at`."""
        if not self._due:
            return None
        for subscription in self._order:
            if subscription.type_url not in self._due:
                continue
            response = None
            if subscription.pending and not self._must_wait(subscription, now):
                response = self._respond(subscription, now)
            if not subscription.pending:
                self._due.discard(subscription.type_url)
            if response is not None:
                return response
        return None

    def wake_at(self, now: float) -> float | None:
        """Returns when `poll` may have something though nothing more happens; None if never."""
        if not self._due or not any(subscription.pending for subscription in self._order):
            return None
        times = [s.blocked_until(now, self._pacing.ack) for s in self._subscriptions.values()]
        times += [s.held_since + self._pacing.removal for s in self._subscriptions.values() if s.held_since is not None]
        return min((time for time in times if now < time < float("inf")), default=None)

    def _open(self, request: DeltaRequest) -> None:
        if len(self._subscriptions) >= _MAX_TYPES:
            raise RequestError(f"a stream may ask for {_MAX_TYPES} types of resources")
        subscription = self._new_subscription(request)
        self._subscriptions[request.type_url] = subscription
        self._order = tuple(self._ordered())
        if request.type_url == EDS:
            subscription.resend_subscribed(self._rewarming)
            self._rewarming = NONE

    def _new_subscription(self, request: DeltaRequest) -> Subscription:
        if request.type_url != VHDS:
            return Subscription(self._source, request, self._sets)
        hosts, tables = HostSubscription(self._source, request, self._sets), self._subscriptions.get(RDS)
        if tables is not None:
            hosts.ask(self._source, tables.names, self._tables_held)
        return hosts

    def _relate_hosts(self, request: DeltaRequest) -> None:
        """Virtual hosts come with the tables that a client asks for."""
        asked, unwanted = request.subscribe, request.unsubscribe
        told = request.held.without(frozenset()).items() if request.held else ()
        held = frozenset(name for name, version in told if not version.endswith(UNSURE))
        self._tables_held = (self._tables_held - asked - unwanted) | held
        self._tables_dropped |= unwanted
        if asked - held and any(subscription.resumed for subscription in self._order):
            self._doubt(asked - held)
        hosts = self._subscriptions.get(VHDS)
        if isinstance(hosts, HostSubscription):
            self._due.add(VHDS)
            hosts.drop(self._source, unwanted)
            hosts.ask(self._source, asked - unwanted, self._tables_held)

    def _doubt(self, tables: Names) -> None:
        if tables and self._source.wildcard(VHDS):
            self._unsure |= tables

    def _confirm_tables(self) -> None:
        """Tells tables under their true version once the client has taken all hosts."""
        hosts, tables = self._subscriptions.get(VHDS), self._subscriptions[RDS]
        if not tables.unsettled and (hosts is None or not hosts.unsettled):
            self._due.add(RDS)
            tables.changed(self._unsure)
            self._unsure = NONE

    def _ordered(self) -> Iterator[Subscription]:
        for type_url in PUSH_ORDER:
            if type_url in self._subscriptions:
                yield self._subscriptions[type_url]
        for type_url, subscription in self._subscriptions.items():
            if type_url not in PUSH_ORDER:
                yield subscription

    def _must_wait(self, subscription: Subscription, now: float) -> bool:
        patience = self._pacing.ack
        if subscription.blocked_until(now, patience) > now:
            return True
        before = _ADDED_AFTER.get(subscription.type_url, ())
        return any(each in self._subscriptions and self._subscriptions[each].adding(now, patience) for each in before)

    def _respond(self, subscription: Subscription, now: float) -> Response | None:
        batch = subscription.take(self._source, now, lambda: self._hold_removals(subscription, now))
        if batch is None:
            return None
        self._responses += 1
        self.last_type = subscription.type_url
        nonce = f"{self._responses:x}"
        subscription.sent(batch, nonce, now)
        if subscription.type_url == CDS:
            self._resend_endpoints(batch.present)
        resources = batch.resources
        if self._unsure and subscription.type_url == RDS:
            resources = tuple(with_version(r, r.version + UNSURE) if r.name in self._unsure else r for r in resources)
        return self._bodies.body(subscription.type_url, resources), self._rest(nonce, batch)

    def _rest(self, nonce: str, batch: Batch) -> bytes:
        return encode_rest(nonce, batch.removed)

    def _resend_endpoints(self, clusters: Names) -> None:
        endpoints = self._subscriptions.get(EDS)
        if endpoints is None:  # a client that comes back may tell that it has them; it waits for them nevertheless
            self._rewarming |= clusters
        else:
            self._due.add(EDS)
            endpoints.resend_subscribed(clusters)

    def _hold_removals(self, subscription: Subscription, now: float) -> bool:
        since = now if subscription.held_since is None else subscription.held_since
        if now >= since + self._pacing.removal:
            return False
        return any(
            self._may_refer(type_url, subscription, now) for type_url in _REMOVED_AFTER.get(subscription.type_url, ())
        )

    def _may_refer(self, type_url: str, removing: Subscription, now: float) -> bool:
        """True if resources of this type may still refer to removed ones.

        A client that comes back tells its types one by one: what it has not asked for yet is still as it was.
        """
        referring = self._subscriptions.get(type_url)
        if referring is not None:
            return referring.unsettled
        expected = type_url in _MOSTLY_ASKED_FOR or (type_url == VHDS and bool(self._source.wildcard(VHDS)))
        return expected and removing.resumed and now < self._started + self._pacing.removal
