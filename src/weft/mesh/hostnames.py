"""Which names lead to which addresses, for hosts files and for proxies that answer DNS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from weft.base.families import is_address
from weft.graph.core import Graph
from weft.graph.tables import Derived
from weft.ir.inventory import Endpoint, Service, ServicePort
from weft.ir.settings import MeshSettings, ProxyScope
from weft.ir.view import HostTable
from weft.mesh.endpoints import EndpointTable
from weft.mesh.names import short_names
from weft.mesh.scope import Scopes

_ANY_PORT: Final = ServicePort(0, "", "tcp", 0)
"""Names are those of endpoints on whatever port, and of services without ports."""


class Hostname(Struct, frozen=True):
    """A host and its addresses, sorted."""

    host: str
    addresses: tuple[str, ...]


class Hostnames:
    """Names by service, and the tables of scopes."""

    def __init__(
        self, graph: Graph, scopes: Scopes, endpoints: EndpointTable, settings: Derived[None, MeshSettings]
    ) -> None:
        self._scopes = scopes
        self._endpoints = endpoints
        self._settings = settings
        self._names: Derived[Service, tuple[Hostname, ...]] = Derived(graph, "hostnames", self._find)
        self._table: Derived[ProxyScope, HostTable] = Derived(graph, "host table", self._build_table)

    def of(self, service: Service) -> tuple[Hostname, ...]:
        """The service's own name, then those of single endpoints; only names that have an address.

        A service that has no address of its own has those of its endpoints that are ready.
        """
        return self._names.get(service)

    def table(self, scope: ProxyScope) -> HostTable:
        """What a proxy of a scope answers to its workload's questions."""
        return self._table.get(scope)

    def _find(self, service: Service) -> tuple[Hostname, ...]:
        own = tuple(address for _, address in service.addresses if is_address(address))
        if own:
            return (Hostname(service.host, own),)
        if service.resolution != "endpoints":
            return ()
        ready = [each for each in self._endpoints.of(service, _ANY_PORT) if each.healthy]
        by_host: dict[str, set[str]] = {}
        for endpoint in ready:
            for host in filter(None, (service.host, endpoint.host)):
                by_host.setdefault(host, set()).update(_addresses(endpoint))
        return tuple(Hostname(host, tuple(sorted(found))) for host, found in by_host.items() if found)

    def _build_table(self, scope: ProxyScope) -> HostTable:
        found: dict[str, tuple[str, ...]] = {}
        for service in self._scopes.services(scope):
            for name in self._asked_here(service):
                for host in self._hosts(scope, service, name):
                    found.setdefault(host, name.addresses)
        resolvers = scope.resolvers or self._settings.get(None).resolvers
        return HostTable(hosts=tuple(sorted(found.items())), resolvers=resolvers, families=scope.families)

    def _asked_here(self, service: Service) -> tuple[Hostname, ...]:
        elsewhere = self._settings.get(None).cluster_dns and service.registry == "cluster"
        return () if elsewhere else self.of(service)

    def _hosts(self, scope: ProxyScope, service: Service, name: Hostname) -> Iterator[str]:
        """A name with all that it is known by: other names of its service, and shorter forms."""
        aliases = self._scopes.aliases(scope, service.host) if name.host == service.host else ()
        for host in (name.host, *aliases):
            yield host
            yield from short_names(host, scope.namespace, self._settings.get(None).cluster_domain)


def _addresses(endpoint: Endpoint) -> Iterator[str]:
    return filter(is_address, (endpoint.address, *endpoint.also))
