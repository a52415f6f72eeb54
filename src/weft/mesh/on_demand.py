"""Clusters that a sidecar does without until a request asks for them."""

from __future__ import annotations

from collections.abc import Iterator

from weft.graph.tables import Derived
from weft.ir.routing import RouteTable
from weft.ir.settings import MeshSettings, ProxyScope
from weft.mesh.clusters import Clusters
from weft.mesh.fragments import Fragments
from weft.mesh.names import is_http, parse_cluster
from weft.mesh.outbound import Outbound
from weft.mesh.scope import Scopes


class OnDemand:
    """Which clusters of a scope only requests of HTTP lead to.

    Bytes, and copies of requests, never wait for a cluster: they would be lost. What is known by DNS is looked up
    ahead, and endpoints that are called by their own address belong to connections that are already there.
    """

    def __init__(
        self,
        fragments: Fragments,
        scopes: Scopes,
        *,
        clusters: Clusters,
        outbound: Outbound,
        settings: Derived[None, MeshSettings],
    ) -> None:
        self._scopes = scopes
        self._clusters = clusters
        self._outbound = outbound
        self._settings = settings
        self._mirrored = fragments.index("hosts of copies", _mirrored_hosts, RouteTable)
        self._names: Derived[ProxyScope, frozenset[str]] = Derived(fragments.graph, "clusters on demand", self._find)

    def names(self, scope: ProxyScope) -> frozenset[str]:
        """Names of these clusters; none unless the mesh is set so."""
        return self._names.get(scope)

    def _find(self, scope: ProxyScope) -> frozenset[str]:
        if not self._settings.get(None).on_demand or scope.role != "own" or not scope.captured:
            return frozenset()
        mirrored = frozenset(self._mirrored.buckets())
        listeners = self._outbound.listeners(scope)
        streams = {d.cluster for each in listeners for stream in each.streams for d in stream.destinations}
        names = (name for name in self._clusters.names(scope) if self._may_wait(scope, name, mirrored))
        return frozenset(names) - streams

    def _may_wait(self, scope: ProxyScope, name: str, mirrored: frozenset[str]) -> bool:
        parts = parse_cluster(name)
        if parts is None or parts[2] in mirrored:
            return False
        service = self._scopes.service(scope, parts[2])
        if service is None or service.headless or service.resolution != "endpoints":
            return False
        return any(port.number == parts[0] and is_http(port.protocol) for port in service.ports)


def _mirrored_hosts(table: RouteTable) -> Iterator[str]:
    for rule in table.rules:
        yield from (backend.host for backend, _ in rule.mirrors)
