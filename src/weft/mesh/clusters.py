"""The destinations of a scope: every service port and subset, with TLS and accepted identities settled."""

from __future__ import annotations

from typing import Literal

from msgspec import structs

from weft.graph.core import Graph
from weft.graph.tables import Derived
from weft.ir.inventory import Endpoint, Service, ServicePort
from weft.ir.routing import SubsetTerms
from weft.ir.settings import MeshSettings, ProxyScope
from weft.ir.traffic import TrafficPolicy, TrafficSettings
from weft.ir.values import HTTP1_PROTOCOLS
from weft.ir.view import Cluster, Endpoints
from weft.mesh.endpoints import EndpointTable, group_endpoints
from weft.mesh.names import outbound_cluster, parse_cluster, server_name
from weft.mesh.scope import Scopes
from weft.mesh.traffic import TrafficPolicies

Discovery = Literal["endpoints", "dns", "dns_one", "dynamic", "original"]
_DISCOVERY: dict[str, Discovery] = {
    "endpoints": "endpoints",
    "dns": "dns",
    "dns_one": "dns_one",
    "dynamic": "dynamic",
    "passthrough": "original",
}

_NAMED = {**_DISCOVERY, "passthrough": _DISCOVERY["dynamic"]}
"""The same for clients that nothing is captured for: they call names, and there is no original address."""


class Clusters:
    """Clusters and their endpoints, per scope."""

    def __init__(
        self,
        graph: Graph,
        scopes: Scopes,
        *,
        endpoints: EndpointTable,
        policies: TrafficPolicies,
        settings: Derived[None, MeshSettings],
    ) -> None:
        self._scopes = scopes
        self._endpoints = endpoints
        self._policies = policies
        self._settings = settings
        self._names: Derived[ProxyScope, tuple[str, ...]] = Derived(graph, "cluster names", self._find_names)
        self._cluster: Derived[tuple[ProxyScope, str], Cluster | None] = Derived(graph, "cluster", self._build)
        self._groups: Derived[tuple[ProxyScope, str], Endpoints | None] = Derived(
            graph, "cluster endpoints", self._build_endpoints
        )

    def names(self, scope: ProxyScope) -> tuple[str, ...]:
        """Names of all clusters of a scope, sorted."""
        return self._names.get(scope)

    def cluster(self, scope: ProxyScope, name: str) -> Cluster | None:
        """One cluster; None if the scope has none of that name."""
        return self._cluster.get((scope, name))

    def endpoints(self, scope: ProxyScope, name: str) -> Endpoints | None:
        """The endpoints of a cluster that discovers them."""
        return self._groups.get((scope, name))

    def _find_names(self, scope: ProxyScope) -> tuple[str, ...]:
        names = []
        for service in self._scopes.services(scope):
            subsets = ("", *(subset.name for subset in self._policies.subsets(scope, service)))
            for port in service.ports:
                if port.protocol != "udp":
                    names += [outbound_cluster(port.number, subset, service.host) for subset in subsets]
        return tuple(sorted(names))

    def _locate(self, scope: ProxyScope, name: str) -> tuple[Service, ServicePort, SubsetTerms | None] | None:
        """The service, port and subset that a name stands for."""
        parts = parse_cluster(name)
        if parts is None:
            return None
        number, subset_name, host = parts
        service = self._scopes.service(scope, host)
        port = next((p for p in service.ports if p.number == number and p.protocol != "udp"), None) if service else None
        if service is None or port is None or service.host != host:
            return None
        if not subset_name:
            return service, port, None
        subset = next((s for s in self._policies.subsets(scope, service) if s.name == subset_name), None)
        return (service, port, subset) if subset is not None else None

    def _build(self, key: tuple[ProxyScope, str]) -> Cluster | None:
        scope, name = key
        located = self._locate(scope, name)
        if located is None:
            return None
        service, port, subset = located
        subset_name = subset.name if subset else ""
        settings = _without_original(scope, self._policies.settings(scope, service, port.number, subset_name))
        endpoints = self._endpoints.of(service, port, subset)
        discovery = _DISCOVERY[service.resolution] if scope.captured else _NAMED[service.resolution]
        is_dns = discovery in ("dns", "dns_one")
        policy = self._policies.policy(scope, service)
        mesh_tls = self._mesh_tls(service, port, settings, endpoints)
        return Cluster(
            name=name,
            host=service.host,
            port=port.number,
            subset=subset_name,
            protocol=port.protocol,
            discovery="original" if settings.balance == "original" else discovery,
            settings=settings,
            mesh_tls=mesh_tls,
            server_name=server_name(port.number, subset_name, service.host),
            peers=_peers(service, endpoints) if mesh_tls != "never" else (),
            external=service.external,
            groups=group_endpoints(endpoints, settings, scope.locality) if is_dns else (),
            families=scope.families if is_dns else ("IPv4",),
            config=_config(policy),
            any_source=not scope.captured and (discovery != "endpoints" or any(e.workload is None for e in endpoints)),
            addressed=service.headless,
        )

    def _mesh_tls(
        self, service: Service, port: ServicePort, settings: TrafficSettings, endpoints: tuple[Endpoint, ...]
    ) -> Literal["never", "by_endpoint", "always"]:
        """As the author says; else as the endpoints can.

        "always" lets the version of HTTP be negotiated in TLS. Where that has no use, a cluster is not made anew
        whenever the first endpoint without TLS comes, or the last one goes.
        """
        if settings.tls is not None:
            return "always" if settings.tls.mode == "mesh" else "never"
        if service.external or not self._settings.get(None).automatic_tls or not any(e.mesh_tls for e in endpoints):
            return "never"
        negotiable = port.protocol in HTTP1_PROTOCOLS and all(e.mesh_tls for e in endpoints)
        return "always" if negotiable else "by_endpoint"

    def _build_endpoints(self, key: tuple[ProxyScope, str]) -> Endpoints | None:
        scope, name = key
        located = self._locate(scope, name)
        if located is None or located[0].resolution != "endpoints":
            return None
        service, port, subset = located
        found = self._endpoints.of(service, port, subset)
        settings = self._policies.settings(scope, service, port.number, subset.name if subset else "")
        groups = group_endpoints(found, settings, scope.locality, near=service.near == "zone")
        return Endpoints(name, groups, addressed=service.headless)


def _without_original(scope: ProxyScope, settings: TrafficSettings) -> TrafficSettings:
    """Balancing as it can be: to the address that a client called only if the call was captured."""
    original = settings.balance == "original" and not scope.captured
    return structs.replace(settings, balance=None) if original else settings


def _peers(service: Service, endpoints: tuple[Endpoint, ...]) -> tuple[str, ...]:
    """Every identity that an endpoint may prove (I4), sorted."""
    return tuple(sorted({e.identity for e in endpoints if e.identity is not None} | set(service.peer_names)))


def _config(policy: TrafficPolicy | None) -> str:
    return f"{policy.source.name}.{policy.source.namespace}" if policy is not None else ""
