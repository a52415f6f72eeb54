"""What one client is told of virtual hosts (VHDS): those of the route tables that it asked for, each ahead of demand.

Envoy asks for no virtual host by name. It takes those of a table by the table's name before the last slash, if it has
the table; else it loses them, and yet answers that it took them. And it keeps them as long as the table, which it keeps
for requests on their way when no listener is left. All of this was seen with Envoy 1.40, and is tested with it:

- A client is told the hosts of a table from when it asks for the table, all of them each time that it asks.
- They come in one response, however many: a listener serves once its table has any host, and a domain that moves from
  one host to another may neither be lost in between nor be in both, for which Envoy would refuse the response.
- Hosts of a table that is gone are not removed. They are when the table comes back without them.
- When the client wants a table no more its hosts are removed: it would go on to tell that it has them.
"""

from collections.abc import Callable, Iterable

from weft.envoy.type_urls import RDS, VHDS
from weft.serve.ads.batches import Batch, Versions
from weft.serve.ads.messages import DeltaRequest, Holdings
from weft.serve.ads.names import NONE, Names, NameSets
from weft.serve.ads.subscription import Refusal, Subscription
from weft.serve.ads.views import ResourceSource


class HostSubscription(Subscription):
    """The state of VHDS on one stream. To others it looks like a wildcard."""

    def __init__(self, source: ResourceSource, request: DeltaRequest, sets: NameSets) -> None:
        self._tables = NONE
        self._held = request.held
        self._parked = NONE
        self._unwanted = NONE
        self._retried = NONE
        self._in_parts = False
        super().__init__(source, request, sets)

    def _open(self, source: ResourceSource, request: DeltaRequest) -> None:
        self.wildcard, self._implicit = True, False

    # what the client wants

    def ask(self, source: ResourceSource, tables: Names, held: Names) -> None:
        """Takes tables that the client asks for. Of those that it has `held` since before this stream, only what
        differs from the versions that it told is told to it.
        """
        self._tables |= tables
        there = source.derived(_hosts_of, VHDS, tables)
        if self._held:
            self._tell(there, tables, held)
            self._held = Holdings()
        else:
            self.stale |= there.names
        if self._unwanted:
            self._unwanted -= _of_tables(self._unwanted, tables)
        if self.refused:
            self.refused -= self.stale

    def _tell(self, there: Versions, tables: Names, held: Names) -> None:
        """Makes stale what differs from what the client has, and forgets what it has of tables that it has no more."""
        current, other = there.compare(self._held)
        if not tables <= held:
            current = _of_tables(current, held)
        of_tables = _of_tables(other, tables)
        self.stale |= (there.names - current) | of_tables
        self._forget(other - of_tables)

    def drop(self, source: ResourceSource, tables: Names) -> None:
        """Takes note of tables that the client does not want any more: it is told that their hosts are gone."""
        if not tables:
            return
        self._tables -= tables
        names = (self.stale, self.refused, self._parked, source.wildcard(VHDS) or {})
        self._forget(_of_tables(NONE.union(*names), tables))

    def _forget(self, hosts: Names) -> None:
        self.stale |= hosts
        self._unwanted |= hosts
        self._parked -= hosts
        self.refused -= hosts

    def changed(self, names: Names) -> None:
        """As in `Subscription`."""
        wanted = _of_tables(names, self._tables)
        super().changed(names if len(wanted) == len(names) else wanted)

    # what is to be sent

    def take(self, source: ResourceSource, now: float, hold_removals: Callable[[], bool]) -> Batch | None:
        """As in `Subscription`."""
        self._park(source)
        return super().take(source, now, hold_removals)

    def _park(self, source: ResourceSource) -> None:
        """Sets the hosts of tables that are gone aside, and takes those of tables that are there again."""
        gone = frozenset(table for table in self._tables if source.named(RDS, table) is None)
        if not gone and not self._parked:
            return
        names = self.stale | self._parked
        self._parked = _of_tables(names, gone)
        self.stale = names - self._parked

    def _look_up(self, source: ResourceSource, names: Names) -> tuple[Batch, Names]:
        """As in `Subscription`. Hosts of tables that the client has no more are removed, whether they exist or not."""
        unwanted = names & self._unwanted
        batch, left = super()._look_up(source, names - unwanted if unwanted else names)
        if not unwanted:
            return batch, left
        self._unwanted -= unwanted
        return Batch(batch.resources, (*batch.removed, *sorted(unwanted)), batch.names | unwanted), left

    # what the client answers

    def answered(self, nonce: str, error: str | None, now: float) -> Refusal | None:
        """As in `Subscription`, and what was refused alone is tried again when something else was taken since: it may
        have been refused for a domain that another host had until then.
        """
        before = len(self.refused)
        refusal = super().answered(nonce, error, now)
        self._in_parts = self._in_parts or bool(self._parts)
        settled = not self._parts and not self._unanswered
        if settled and self.refused and (self._in_parts or len(self.refused) < before):
            self._in_parts = False
            if self.refused != self._retried:
                self._retried = self.refused
                self._parts.append(self._retried)
        return refusal


def table_of(name: str) -> str:
    """The table that a virtual host belongs to."""
    return name.rpartition("/")[0]


def _of_tables(names: Iterable[str], tables: Names) -> Names:
    return frozenset(name for name in names if table_of(name) in tables) if tables else NONE


def _hosts_of(source: ResourceSource, type_url: str, tables: Names) -> Versions:
    """The hosts of some tables."""
    found = source.wildcard(type_url) or {}
    return Versions.of(each for name, each in found.items() if table_of(name) in tables)
