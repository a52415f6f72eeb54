"""The mesh as the proxy layer reads it: all joins in one place (`ir.view.MeshReader`)."""

from __future__ import annotations

from typing import Literal

from weft.base.provenance import Provenance
from weft.graph.tables import Derived
from weft.ir.inventory import Service, Workload
from weft.ir.routing import RouteTable
from weft.ir.settings import MeshSettings, ProxyKey, ProxyScope, WorkloadClass
from weft.ir.values import SecretRef
from weft.ir.view import (
    Cluster,
    Credential,
    Endpoints,
    GatewayListener,
    HostTable,
    Inbound,
    OutboundListener,
    RouteConfiguration,
    VirtualHost,
)
from weft.mesh.clusters import Clusters
from weft.mesh.credentials import CredentialFlaw, Credentials
from weft.mesh.endpoints import EndpointTable
from weft.mesh.fragments import Fragments
from weft.mesh.gateways import Gateways
from weft.mesh.hostnames import Hostnames
from weft.mesh.inventory import Inventory, class_of
from weft.mesh.names import parse_cluster
from weft.mesh.on_demand import OnDemand
from weft.mesh.outbound import Outbound
from weft.mesh.routes import Level, RouteResolver, RouteTables
from weft.mesh.scope import Role, Scopes
from weft.mesh.servers import Servers
from weft.mesh.traffic import TrafficPolicies


class Mesh:
    """Builds the joins over fragments and answers what proxies shall do."""

    def __init__(self, fragments: Fragments, settings: Derived[None, MeshSettings]) -> None:
        graph = fragments.graph
        self._settings = settings
        self.inventory = Inventory(fragments)
        self.scopes = Scopes(fragments, self.inventory, settings)
        self._servers = Servers(fragments, self.inventory, settings)
        self.endpoint_table = EndpointTable(graph, self.inventory, self._servers.mutual)
        policies = TrafficPolicies(fragments, settings)
        self._clusters = Clusters(
            graph, self.scopes, endpoints=self.endpoint_table, policies=policies, settings=settings
        )
        self._tables = RouteTables(fragments, self.scopes, settings)
        resolver = RouteResolver(self.scopes, policies, settings)
        self._outbound = Outbound(
            graph,
            self.scopes,
            tables=self._tables,
            resolver=resolver,
            endpoints=self.endpoint_table,
            settings=settings,
        )
        self._on_demand = OnDemand(
            fragments, self.scopes, clusters=self._clusters, outbound=self._outbound, settings=settings
        )
        self.hostnames = Hostnames(graph, self.scopes, self.endpoint_table, settings)
        self._credentials = Credentials(fragments.objects)
        self._gateways = Gateways(
            fragments,
            self.inventory,
            tables=self._tables,
            resolver=resolver,
            authorizations=self._servers.authorizations,
            settings=settings,
        )
        self._policies = policies

    def key(self, workload: Workload, role: Role) -> ProxyKey:
        """The key of the view that a workload's proxy gets."""
        return ProxyKey(scope=self.scopes.of(workload, role), server=class_of(workload))

    def settings(self) -> MeshSettings:
        """Settings of the mesh."""
        return self._settings.get(None)

    def common_scope(self, scope: ProxyScope) -> ProxyScope:
        """The scope that stands for all whose clients have the same clusters, endpoints and listeners."""
        return self.scopes.common(scope)

    def cluster_names(self, scope: ProxyScope) -> tuple[str, ...]:
        """Names of all outbound clusters in a scope, sorted."""
        return self._clusters.names(scope)

    def clusters_on_demand(self, scope: ProxyScope) -> frozenset[str]:
        """Names of those that are told only to a proxy that asks for them."""
        return self._on_demand.names(scope)

    def cluster(self, scope: ProxyScope, name: str) -> Cluster | None:
        """One outbound cluster of a scope."""
        return self._clusters.cluster(scope, name)

    def endpoints(self, scope: ProxyScope, name: str) -> Endpoints | None:
        """The endpoints of an outbound cluster that discovers them."""
        return self._clusters.endpoints(scope, name)

    def route_names(self, scope: ProxyScope) -> tuple[str, ...]:
        """Names of the route tables that a scope's listeners refer to, sorted."""
        return self._outbound.route_names(scope)

    def routes(self, scope: ProxyScope, name: str) -> RouteConfiguration | None:
        """One route table of a scope."""
        return self._outbound.routes(scope, name)

    def own_hosts(self, scope: ProxyScope) -> tuple[tuple[str, VirtualHost], ...] | None:
        """The virtual hosts of shared route tables, each with its table's name, by which a scope differs from the
        common one; None where its tables are its own as a whole."""
        return self._outbound.own_hosts(scope)

    def outbound_listeners(self, scope: ProxyScope) -> tuple[OutboundListener, ...]:
        """Listeners for what workloads of a scope send, sorted by port and address."""
        return self._outbound.listeners(scope)

    def outbound_fallback(self, scope: ProxyScope) -> Literal["allow", "deny"]:
        """What happens to destinations that no listener names."""
        return self.scopes.fallback(scope)

    def host_table(self, scope: ProxyScope) -> HostTable | None:
        """What a scope's proxies answer to questions about hosts; None where they are not asked."""
        return self.hostnames.table(scope) if scope.captures_dns else None

    def inbound(self, server: WorkloadClass) -> Inbound:
        """The server side of workloads that have their own proxy."""
        return self._servers.inbound(server)

    def gateway_listeners(self, key: ProxyKey) -> tuple[GatewayListener, ...]:
        """Listeners of a gateway's proxy, sorted by port and bind address."""
        return self._gateways.listeners(key)

    def gateway_route_names(self, key: ProxyKey) -> tuple[str, ...]:
        """Names of the route tables that a gateway's listeners refer to, sorted."""
        return self._gateways.route_names(key)

    def gateway_routes(self, key: ProxyKey, name: str) -> RouteConfiguration | None:
        """One route table of a gateway."""
        return self._gateways.routes(key, name)

    def subset_names(self, scope: ProxyScope, service: Service) -> tuple[str, ...]:
        """Names of the subsets that a scope's clients can use of a service, sorted."""
        return tuple(subset.name for subset in self._policies.subsets(scope, service))

    def route_owner(self, scope: ProxyScope, host: str, level: Level) -> RouteTable | None:
        """The route table of a level that a scope's clients use for a host."""
        return self._tables.owner(scope, host, level)

    def credential(self, namespace: str, reference: SecretRef) -> Credential | None:
        """What a reference leads to for proxies of a namespace."""
        return self._credentials.credential(namespace, reference)

    def credential_flaw(self, namespace: str, reference: SecretRef) -> CredentialFlaw | None:
        """Why what a reference leads to can't be used; None if it can, or is not there."""
        return self._credentials.flaw(namespace, reference)

    def explain(self, scope: ProxyScope, name: str) -> tuple[Provenance, ...]:
        """The objects that an outbound cluster or a virtual host (`host:port`) of a scope comes from."""
        parts = parse_cluster(name)
        host = parts[2] if parts else name.rpartition(":")[0]
        service = self.scopes.service(scope, host)
        table = self._tables.owner(scope, host, "http")
        policy = self._policies.policy(scope, service) if service is not None else None
        found = (
            service.source if service else None,
            table.source if table else None,
            policy.source if policy else None,
        )
        return tuple(source for source in found if source is not None)
