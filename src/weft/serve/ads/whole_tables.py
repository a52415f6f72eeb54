"""A source whose route tables have all their virtual hosts inside: in state of the world there is no VHDS."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from weft.envoy.resource import Resource
from weft.envoy.type_urls import CDS, ON_DEMAND, RDS, VHDS
from weft.envoy.whole_table import JoinedHosts, joined_hosts, whole_table
from weft.serve.ads.host_subscription import table_of
from weft.serve.ads.names import Names
from weft.serve.ads.recent import Recent
from weft.serve.ads.views import Changes, ResourceSource, Rule

T = TypeVar("T")

SIZE: Final = 16 * 1024 * 1024
"""Bytes of tables that are kept in case that another stream needs them."""


class Tables:
    """Tables that were joined, the last used ones."""

    def __init__(self, size: int = SIZE) -> None:
        self._joined: Recent[tuple[str, str, str], Resource] = Recent(size)

    def whole(self, frame: Resource, hosts: JoinedHosts) -> Resource:
        """The table of a frame with its hosts."""
        key = (frame.name, frame.version, hosts.version)
        found = self._joined.get(key)
        if found is None:
            found = whole_table(frame, hosts)
            self._joined.put(key, found, len(found.wire))
        return found


class WholeTables:
    """As `source`, which tells tables in parts."""

    def __init__(self, source: ResourceSource, tables: Tables) -> None:
        self._source = source
        self._tables = tables

    def wildcard(self, type_url: str) -> Mapping[str, Resource] | None:
        """As in `ResourceSource`; there are no virtual hosts of their own, and no clusters on demand."""
        if type_url in (VHDS, ON_DEMAND):
            return None
        found, apart = self._source.wildcard(type_url), self._source.wildcard(ON_DEMAND) if type_url == CDS else None
        return {**found, **apart} if found is not None and apart else found

    def named(self, type_url: str, name: str) -> Resource | None:
        """As in `ResourceSource`."""
        return self.find(type_url, (name,))[0]

    def find(self, type_url: str, names: Sequence[str]) -> Sequence[Resource | None]:
        """As in `ResourceSource`."""
        if type_url == VHDS:
            return [None] * len(names)
        found = self._source.find(type_url, names)
        return found if type_url != RDS else [None if each is None else self._whole(each) for each in found]

    def derived(self, rule: Rule[T], type_url: str, names: Names) -> T:
        """As in `ResourceSource`."""
        if type_url in (RDS, VHDS) or (type_url == CDS and self._source.wildcard(ON_DEMAND)):  # it follows from both
            return rule(self, type_url, names)
        return self._source.derived(rule, type_url, names)

    def _whole(self, frame: Resource) -> Resource:
        return self._tables.whole(frame, self._source.derived(_hosts_of, VHDS, frozenset((frame.name,))))


def changed_tables(changes: Changes) -> Changes:
    """What changes for tables that are whole, where it changed in parts."""
    apart = changes.get(ON_DEMAND)
    if apart:
        others = {kind: names for kind, names in changes.items() if kind != ON_DEMAND}
        return changed_tables({**others, CDS: frozenset(apart).union(changes.get(CDS, ()))})
    hosts = changes.get(VHDS)
    if not hosts:
        return changes
    tables = frozenset(map(table_of, hosts))
    return {**{kind: names for kind, names in changes.items() if kind != VHDS}, RDS: tables.union(changes.get(RDS, ()))}


def _hosts_of(source: ResourceSource, type_url: str, tables: Names) -> JoinedHosts:
    found = source.wildcard(type_url) or {}
    return joined_hosts(each for name, each in found.items() if table_of(name) in tables)
