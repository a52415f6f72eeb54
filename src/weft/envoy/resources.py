"""Everything a proxy gets, as graph nodes: built to bytes once per distinct value, shared by all views that hold it.

Leaves (a cluster, its endpoints, a virtual host, a listener) are keyed by the value that they are built from, so equal
values of different scopes are one resource. Tables of what a scope or a proxy holds are joins of leaves: a change costs
the leaves that it touches.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Final, TypeVar

from google.protobuf.message import Message
from msgspec import structs

from weft.base.protobuf import serialize
from weft.envoy.built import BuildFailure, Built, Contents, Overlaid, built, by_name
from weft.envoy.cluster import cluster_bytes
from weft.envoy.endpoints import load_assignment
from weft.envoy.inbound_routes import inbound_route_configuration
from weft.envoy.listener.dns import dns_listener, dns_stream_listener, resolvers_cluster
from weft.envoy.listener.gateway import gateway_listener
from weft.envoy.listener.inbound import inbound_listener
from weft.envoy.listener.outbound import outbound_listener, virtual_outbound
from weft.envoy.listener.uncaptured import bound_listener, bound_ports, http_proxy_listener
from weft.envoy.names import (
    BLACKHOLE_CLUSTER,
    DNS_LISTENER,
    DNS_STREAM_LISTENER,
    PASSTHROUGH_CLUSTER,
    RESOLVERS_CLUSTER,
    RESOLVING_CLUSTER,
    VIRTUAL_INBOUND,
    VIRTUAL_OUTBOUND,
    inbound_name,
    listener_name,
)
from weft.envoy.route_tables import RouteTables
from weft.envoy.secrets import references, secret
from weft.envoy.special_clusters import blackhole_cluster, inbound_cluster, passthrough_cluster, resolving_cluster
from weft.envoy.tls_context import secret_name
from weft.envoy.type_urls import CDS, EDS, LDS, ON_DEMAND, RDS, SDS, VHDS
from weft.graph.core import Graph
from weft.graph.tables import Derived
from weft.ir import view
from weft.ir.settings import MeshSettings, ProxyKey, ProxyScope
from weft.ir.values import SecretRef

WHOLE_TYPES: Final = frozenset({CDS, LDS, VHDS})
"""Types that proxies discover as a whole; resources of others are asked for by name."""

_OF_GATEWAYS: Final = frozenset({LDS, RDS, VHDS})
"""Types whose resources depend on which gateway it is."""

_OF_TABLES: Final = frozenset({RDS, VHDS})

V = TypeVar("V", bound=Hashable)


class ProxyResources:
    """The resources of all proxies by name. `contents` holds them by (key of the view, type URL).

    It is the union of two parts: `scope_contents`, which all views of a scope share, and `own_contents`. In the former
    clusters on demand stand apart.
    """

    types: Final = (CDS, EDS, LDS, RDS, VHDS, SDS)
    parts: Final = (CDS, ON_DEMAND, EDS, LDS, RDS, VHDS, SDS)

    def __init__(self, graph: Graph, mesh: view.MeshReader) -> None:
        self.graph = graph
        self._mesh = mesh
        self._clusters = self._leaf(CDS, "cluster resource", lambda v: v.name, cluster_bytes)
        self._endpoints: Derived[view.Endpoints, Built] = Derived(
            graph, "endpoints resource", lambda v: built(EDS, v.name, lambda: load_assignment(v))
        )
        self._tables = RouteTables(graph, mesh)
        self._listeners = self._leaf(
            LDS, "listener resource", lambda v: listener_name(v.address, v.port), outbound_listener
        )
        self._gateway_listeners = self._leaf(
            LDS, "gateway listener resource", lambda v: listener_name(v.bind or "0.0.0.0", v.port), gateway_listener
        )
        self._inbound = self._leaf(LDS, "inbound resource", lambda _: VIRTUAL_INBOUND, inbound_listener)
        self._bound = self._leaf(LDS, "bound port resource", lambda v: v.name, bound_listener)
        self._http_proxy = self._leaf(LDS, "http proxy resource", lambda _: view.HTTP_PROXY, http_proxy_listener)
        self._dns = self._leaf(LDS, "dns resource", lambda _: DNS_LISTENER, dns_listener)
        self._dns_streams = self._leaf(LDS, "dns stream resource", lambda _: DNS_STREAM_LISTENER, dns_stream_listener)
        self._resolvers = self._leaf(CDS, "resolvers resource", lambda _: RESOLVERS_CLUSTER, resolvers_cluster)
        self._inbound_clusters = self._leaf(
            CDS, "inbound cluster resource", lambda v: inbound_name(v.port), inbound_cluster
        )
        self._inbound_routes = self._leaf(
            RDS, "inbound route resource", lambda v: inbound_name(v.port), inbound_route_configuration
        )
        self._secrets: Derived[tuple[str, SecretRef], Built | None] = Derived(
            graph, "secret resource", self._build_secret
        )
        self._references: Derived[ProxyScope, tuple[SecretRef, ...]] = Derived(
            graph, "secrets of scope", self._find_references
        )
        self._fixed: Derived[bool, tuple[Built, ...]] = Derived(graph, "fixed resources", self._build_fixed)
        self._of_scope: Derived[tuple[ProxyScope, str], tuple[Built, ...]] = Derived(
            graph, "resources of scope", self._join_scope
        )
        self._own_hosts: Derived[ProxyScope, tuple[Built, ...] | None] = Derived(
            graph, "own hosts of scope", self._tables.own_hosts
        )
        self.scope_contents: Derived[tuple[ProxyScope, str], Contents] = Derived(
            graph, "view of scope", self._show_scope
        )
        self.own_contents: Derived[tuple[ProxyKey, str], Contents] = Derived(
            graph, "view of key", lambda key: by_name(self._of_key(*key))
        )
        self.contents: Derived[tuple[ProxyKey, str], Contents] = Derived(graph, "view", self._join_view)
        self._scope_failures: Derived[tuple[ProxyScope, str], tuple[BuildFailure, ...]] = Derived(
            graph, "failures of scope", self._find_scope_failures
        )
        self.failures: Derived[ProxyKey, tuple[BuildFailure, ...]] = Derived(
            graph, "failures of view", self._find_failures
        )
        """What a view should hold but could not be built: resources, and virtual hosts of tables (as `host:port`)."""

    def whole_routes(self, key: ProxyKey) -> Contents:
        """All route tables of a view with their virtual hosts inside, however they travel."""
        own = (each for each in self._of_key(key, RDS))
        return {**by_name(own), **self._tables.whole(_owner_of_tables(key))}

    # ---- leaves ------------------------------------------------------------------------------------------------
    def _leaf(
        self, type_url: str, label: str, name: Callable[[V], str], build: Callable[[V, MeshSettings], Message | bytes]
    ) -> Derived[V, Built]:
        def body(value: V) -> bytes:
            found = build(value, self._mesh.settings())
            return found if isinstance(found, bytes) else serialize(found)

        def compute(value: V) -> Built:
            return built(type_url, name(value), lambda: body(value))

        return Derived(self.graph, label, compute)

    def _build_fixed(self, captured: bool) -> tuple[Built, ...]:
        settings = self._mesh.settings()
        passthrough = built(CDS, PASSTHROUGH_CLUSTER, lambda: serialize(passthrough_cluster(settings)))
        resolving = built(CDS, RESOLVING_CLUSTER, lambda: serialize(resolving_cluster(settings)))
        blackhole = built(CDS, BLACKHOLE_CLUSTER, lambda: serialize(blackhole_cluster()))
        return passthrough if captured else resolving, blackhole

    def _build_secret(self, key: tuple[str, SecretRef]) -> Built | None:
        namespace, reference = key
        found = secret(reference, self._mesh.credential(namespace, reference))
        return built(SDS, secret_name(reference), lambda: serialize(found)) if found is not None else None

    # ---- joins -------------------------------------------------------------------------------------------------
    def _join_scope(self, key: tuple[ProxyScope, str]) -> tuple[Built, ...]:
        scope, type_url = key
        if scope.role == "edge" and type_url in _OF_GATEWAYS:
            return ()
        common, own = self._over_common(scope, type_url)
        if own is not None and type_url != VHDS:
            return self._of_scope.get((common, type_url))
        if type_url in (CDS, ON_DEMAND):
            waiting = self._mesh.clusters_on_demand(scope)
            names = (n for n in self._mesh.cluster_names(scope) if (n in waiting) == (type_url == ON_DEMAND))
            clusters = (self._mesh.cluster(scope, name) for name in names)
            return tuple(self._clusters.get(each) for each in clusters if each is not None)
        if type_url == EDS:
            found = (self._mesh.endpoints(scope, name) for name in self._mesh.cluster_names(scope))
            return tuple(self._endpoints.get(each) for each in found if each is not None)
        if type_url == RDS:
            return tuple(self._tables.tables(scope))
        if type_url == VHDS:
            return tuple(self._tables.shared_hosts(scope))
        if type_url != LDS or not scope.captured:
            return ()
        settings = self._mesh.settings()
        fallback = self._mesh.outbound_fallback(scope)
        virtual = built(LDS, VIRTUAL_OUTBOUND, lambda: serialize(virtual_outbound(fallback, settings, scope.families)))
        return (virtual, *(self._listeners.get(each) for each in self._mesh.outbound_listeners(scope)))

    def _show_scope(self, key: tuple[ProxyScope, str]) -> Contents:
        """The resources of a scope by name. Scopes that have a common one share its table, or stand over it."""
        scope, type_url = key
        common, own = self._over_common(scope, type_url)
        if own is None:
            return by_name(self._of_scope.get(key))
        below = self.scope_contents.get((common, type_url))
        return Overlaid(below, by_name(own)) if own else below

    def _over_common(self, scope: ProxyScope, type_url: str) -> tuple[ProxyScope, tuple[Built, ...] | None]:
        """The scope whose resources others stand over, and what these are; None if a scope has all for itself."""
        common = self._mesh.common_scope(scope)
        if common == scope or (scope.role == "edge" and type_url in _OF_GATEWAYS):
            return scope, None
        if type_url not in _OF_TABLES:
            return common, ()
        own = self._own_hosts.get(scope)
        return (scope, None) if own is None else (common, own if type_url == VHDS else ())

    def _join_view(self, key: tuple[ProxyKey, str]) -> Contents:
        proxy, type_url = key
        waiting = self.scope_contents.get((proxy.scope, ON_DEMAND)) if type_url == CDS else {}
        return {**self.scope_contents.get((proxy.scope, type_url)), **waiting, **self.own_contents.get(key)}

    def _find_failures(self, key: ProxyKey) -> tuple[BuildFailure, ...]:
        found = (
            failure
            for type_url in self.parts
            for failure in (
                *self._scope_failures.get((key.scope, type_url)),
                *_failures(self._of_key(key, type_url)),
                *(self._failed_hosts(key) if type_url == RDS else ()),
            )
        )
        return tuple(found)

    def _find_scope_failures(self, key: tuple[ProxyScope, str]) -> tuple[BuildFailure, ...]:
        scope, type_url = key
        common, own = self._over_common(scope, type_url)
        if own is None:
            return _failures(self._of_scope.get(key))
        return (*self._scope_failures.get((common, type_url)), *_failures(own))

    def _failed_hosts(self, key: ProxyKey) -> Iterator[BuildFailure]:
        if key.scope.role == "edge":
            return self._tables.failures(key)
        common, own = self._over_common(key.scope, RDS)
        return self._tables.failures(key.scope if own is None else common)

    def _of_key(self, key: ProxyKey, type_url: str) -> Iterator[Built]:
        """What does not follow from the scope alone."""
        if type_url == CDS:
            yield from self._fixed.get(key.scope.captured)
        if type_url == SDS:
            yield from self._named_secrets(key)
        yield from self._of_gateway(key, type_url) if key.scope.role == "edge" else self._of_sidecar(key, type_url)

    def _find_references(self, scope: ProxyScope) -> tuple[SecretRef, ...]:
        clusters = (self._mesh.cluster(scope, name) for name in self._mesh.cluster_names(scope))
        return tuple(dict.fromkeys(references(each.settings.tls for each in clusters if each is not None)))

    def _named_secrets(self, key: ProxyKey) -> Iterator[Built]:
        scope = key.scope
        found = dict.fromkeys(self._references.get(self._mesh.common_scope(scope)))
        if scope.role == "edge":
            ends = [server.tls for each in self._mesh.gateway_listeners(key) for server in each.servers]
            found |= dict.fromkeys(references(ends))
        yield from _present(self._secrets.get((scope.namespace, reference)) for reference in found)

    def _of_sidecar(self, key: ProxyKey, type_url: str) -> Iterator[Built]:
        inbound = self._mesh.inbound(key.server)
        captured = key.scope.captured
        ports = (*inbound.ports, inbound.other) if captured else tuple(each.port for each in bound_ports(inbound))
        if type_url == CDS:
            yield from (self._inbound_clusters.get(port) for port in ports)
        elif type_url == LDS:
            yield from (self._inbound.get(inbound),) if captured else self._at_address(inbound)
        elif type_url == RDS:
            yield from (self._inbound_routes.get(port) for port in ports)
        table = self._mesh.host_table(key.scope) if type_url in (CDS, LDS) else None
        if table is not None:
            yield from self._of_names(table, type_url)

    def _of_names(self, table: view.HostTable, type_url: str) -> Iterator[Built]:
        """What answers questions about hosts. All but one of these do not depend on the hosts themselves."""
        without_hosts = structs.replace(table, hosts=())
        if type_url == LDS:
            yield self._dns.get(table)
            yield self._dns_streams.get(without_hosts)
        elif table.resolvers:
            yield self._resolvers.get(without_hosts)

    def _at_address(self, inbound: view.Inbound) -> Iterator[Built]:
        if inbound.address:
            yield self._http_proxy.get(inbound.address)
            yield from (self._bound.get(each) for each in bound_ports(inbound))

    def _of_gateway(self, key: ProxyKey, type_url: str) -> Iterator[Built]:
        if type_url == LDS:
            yield from (self._gateway_listeners.get(each) for each in self._mesh.gateway_listeners(key))
        elif type_url == RDS:
            yield from self._tables.tables(key)
        elif type_url == VHDS:
            yield from self._tables.shared_hosts(key)


def _owner_of_tables(key: ProxyKey) -> ProxyScope | ProxyKey:
    return key if key.scope.role == "edge" else key.scope


def _failures(found: Iterable[Built]) -> tuple[BuildFailure, ...]:
    return tuple(each for each in found if isinstance(each, BuildFailure))


def _present(found: Iterable[Built | None]) -> Iterator[Built]:
    return (each for each in found if each is not None)
