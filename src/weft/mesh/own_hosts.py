"""By which virtual hosts a namespace's route tables differ from those of the common scope: its own services have one
name more, the short one.

So the hosts of a table are joined once for all namespaces, and each has what differs over it. A namespace that most
hosts are in has little from that, and its table is joined for itself. So it is where short names meet names of other
hosts: a domain may be in one virtual host only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from msgspec import Struct

from weft.graph.core import Graph
from weft.graph.tables import Derived
from weft.ir.settings import ProxyScope
from weft.ir.view import RouteConfiguration, VirtualHost
from weft.mesh.names import namespace_of

HostPort = tuple[str, int]
OwnHost = tuple[str, VirtualHost]
"""The name of a route table, and a virtual host of it."""

_NONE: Final = ()


class Tables(Protocol):
    """What is asked of the tables of scopes (`Outbound`)."""

    def shared_names(self, scope: ProxyScope) -> tuple[str, ...]:
        """Names of the tables that services share."""

    def members(self, scope: ProxyScope, name: str) -> list[HostPort]:
        """The ports of hosts that are in such a table."""

    def hosts_of(self, scope: ProxyScope, host: str, port: int) -> tuple[VirtualHost, ...]:
        """The virtual hosts of a port of a host."""

    def routes(self, scope: ProxyScope, name: str) -> RouteConfiguration | None:
        """A table."""


class _Joined(Struct, frozen=True, eq=False):
    """The virtual hosts of a table by name, and all their domains."""

    hosts: dict[str, VirtualHost]
    domains: frozenset[str]

    def takes(self, hosts: Iterable[VirtualHost]) -> bool:
        """Whether hosts can stand over those of the same names: what they have more is nobody's domain yet."""
        seen: set[str] = set()
        for host in hosts:
            known = self.hosts.get(host.name)
            if known is None:
                return False
            more = set(host.domains).difference(known.domains)
            if len(more) != len(host.domains) - len(known.domains):
                return False
            if not more.isdisjoint(self.domains) or not more.isdisjoint(seen):
                return False
            seen |= more
        return True


class OwnHosts:
    """What differs, by scope. `aliases` gives the other names that a scope's clients have for services."""

    def __init__(
        self, graph: Graph, tables: Tables, aliases: Callable[[ProxyScope], Mapping[str, tuple[str, ...]]]
    ) -> None:
        self._tables = tables
        self._aliases = aliases
        self._joined: Derived[tuple[ProxyScope, str], _Joined] = Derived(graph, "joined hosts", self._join)
        self._by_namespace: Derived[tuple[ProxyScope, str], dict[str, tuple[HostPort, ...]]] = Derived(
            graph, "hosts by namespace", self._group
        )
        self._main: Derived[tuple[ProxyScope, str], str | None] = Derived(graph, "main namespace", self._find_main)
        self._members: Derived[tuple[ProxyScope, str, str], tuple[HostPort, ...]] = Derived(
            graph, "hosts of namespace", lambda key: self._by_namespace.get(key[:2]).get(key[2], _NONE)
        )

    def of(self, scope: ProxyScope, common: ProxyScope) -> tuple[OwnHost, ...] | None:
        """The virtual hosts of a scope's shared tables that differ from those of the common scope; None where they
        are its own as a whole."""
        found: list[OwnHost] = []
        for name in self._tables.shared_names(common):
            if self.is_main(common, name, scope.namespace):
                return None
            members = self._members.get((common, name, scope.namespace))
            hosts = [each for host, port in members for each in self._tables.hosts_of(scope, host, port)]
            if hosts and not self._joined.get((common, name)).takes(hosts):
                return None
            found += ((name, host) for host in hosts)
        return tuple(found)

    def is_main(self, common: ProxyScope, name: str, namespace: str) -> bool:
        """Whether more than half of the hosts of a shared table are a namespace's."""
        return self._main.get((common, name)) == namespace

    def _find_main(self, key: tuple[ProxyScope, str]) -> str | None:
        """The namespace that more than half of a table's hosts are in, if there is one."""
        sizes = {namespace: len(members) for namespace, members in self._by_namespace.get(key).items()}
        main = max(sizes, key=sizes.__getitem__, default="")
        return main if sizes and sizes[main] > len(self._tables.members(*key)) / 2 else None

    def _join(self, key: tuple[ProxyScope, str]) -> _Joined:
        table = self._tables.routes(*key)
        hosts = {host.name: host for host in table.hosts} if table is not None else {}
        return _Joined(hosts, frozenset(domain for host in hosts.values() for domain in host.domains))

    def _group(self, key: tuple[ProxyScope, str]) -> dict[str, tuple[HostPort, ...]]:
        scope, name = key
        found: dict[str, list[HostPort]] = {}
        aliases = self._aliases(scope)
        for host, port in self._tables.members(scope, name):
            for namespace in {namespace_of(each) for each in (host, *aliases.get(host, ()))}:
                found.setdefault(namespace, []).append((host, port))
        return {namespace: tuple(members) for namespace, members in found.items()}
