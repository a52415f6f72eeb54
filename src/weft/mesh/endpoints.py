"""Where a service port is really served, and in which order localities are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Final

from msgspec import structs

from weft.base.families import Family, family_of
from weft.graph.core import Graph
from weft.graph.tables import Derived
from weft.ir.access import MutualMode
from weft.ir.inventory import Endpoint, Service, ServicePort, StaticEndpoint, Workload
from weft.ir.routing import SubsetTerms
from weft.ir.settings import WorkloadClass
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Locality
from weft.ir.view import EndpointGroup
from weft.mesh.inventory import Inventory, class_of
from weft.mesh.matching import term_holds

_PLACE: Final = attrgetter("address", "port")


class EndpointTable:
    """Endpoints of service ports, joined from workloads and from what services state themselves."""

    def __init__(self, graph: Graph, inventory: Inventory, mutual: Callable[[WorkloadClass, int], MutualMode]) -> None:
        self._inventory = inventory
        self._mutual = mutual
        self._endpoints: Derived[tuple[Service, ServicePort], tuple[Endpoint, ...]] = Derived(
            graph, "endpoints", self._find
        )

    def of(self, service: Service, port: ServicePort, subset: SubsetTerms | None = None) -> tuple[Endpoint, ...]:
        """The endpoints of a port of a service, or of a subset of them."""
        found = self._endpoints.get((service, port))
        if subset is None:
            return found
        return tuple(e for e in found if all(term_holds(term, dict(e.labels)) for term in subset.labels))

    def _find(self, key: tuple[Service, ServicePort]) -> tuple[Endpoint, ...]:
        """The workloads; only where none is known, what the service states, which tells less of each."""
        service, port = key
        if service.members is not None and self._inventory.members(service.members):
            return tuple(self._live(service, port))
        stated = self._inventory.stated(service)
        if service.families:
            stated = tuple(each for each in stated if family_of(each.address) in service.families)
        return tuple([self._stated(each, port, service) for each in stated])

    def _live(self, service: Service, port: ServicePort) -> Iterator[Endpoint]:
        """The endpoints that are workloads; one that takes no mutual TLS on its port is not offered it (Istio)."""
        for workload in self._inventory.members(service.members) if service.members is not None else ():
            endpoint = _of_workload(workload, port, service)
            if endpoint is not None:
                yield self._as_served(endpoint, workload)

    def _stated(self, stated: StaticEndpoint, port: ServicePort, service: Service) -> Endpoint:
        """An endpoint that a service states. If it is the address of a pod, it is reached like that pod.

        Source: Istio, which looks up the pods of EndpointSlices that name none (`targetRef`) by address.
        """
        endpoint = _of_static(stated, port, service)
        workload = self._inventory.at(stated.address) if service.registry == "cluster" else None
        if workload is None:
            return endpoint
        known = structs.replace(
            endpoint,
            workload=workload.uid,
            address=workload.proxy_address or endpoint.address,
            mesh_tls=workload.mode != "none",
            network=workload.network,
            locality=workload.locality,
            labels=workload.labels,
            identity=workload.identity,
        )
        return self._as_served(known, workload)

    def _as_served(self, endpoint: Endpoint, workload: Workload) -> Endpoint:
        refused = endpoint.mesh_tls and self._mutual(class_of(workload), endpoint.port) == "off"
        return structs.replace(endpoint, mesh_tls=False) if refused else endpoint


def _of_workload(workload: Workload, port: ServicePort, service: Service) -> Endpoint | None:
    stated = dict(workload.port_map).get(port.name)
    target = port.target if isinstance(port.target, int) else _named(workload, port)
    number = stated if stated is not None else target
    address, *also = _addresses(workload, service.families) or ("",)
    if number is None or workload.state == "draining" or not address:
        return None
    return Endpoint(
        workload=workload.uid,
        address=address,
        port=number,
        weight=workload.weight,
        healthy=workload.state == "ready" or service.unready,
        mesh_tls=workload.mode != "none" and not service.external,
        network=workload.network,
        locality=workload.locality,
        labels=workload.labels,
        identity=workload.identity,
        also=tuple(also),
        host=workload.host if workload.host.endswith(f".{service.host}") else "",
    )


def _addresses(workload: Workload, families: tuple[Family, ...]) -> tuple[str, ...]:
    """Where a workload serves a service, the address to try first at the head."""
    if workload.proxy_address or not families:
        return (workload.proxy_address,) if workload.proxy_address else workload.addresses
    return tuple(a for family in families for a in workload.addresses if family_of(a) == family)


def _named(workload: Workload, port: ServicePort) -> int | None:
    """A port by its name, which may be that of one of TCP and of one of UDP."""
    key = (port.target, "udp" if port.protocol == "udp" else "tcp")
    return next((number for name, number, transport in workload.ports if (name, transport) == key), None)


def _of_static(endpoint: StaticEndpoint, port: ServicePort, service: Service) -> Endpoint:
    return Endpoint(
        workload=None,
        address=endpoint.address,
        port=_stated_port(endpoint, port),
        weight=endpoint.weight,
        mesh_tls=_speaks_mesh_tls(endpoint, service),
        network=endpoint.network,
        locality=endpoint.locality,
        labels=endpoint.labels,
        identity=endpoint.identity,
        host=endpoint.host,
    )


def _stated_port(endpoint: StaticEndpoint, port: ServicePort) -> int:
    if endpoint.address.startswith("unix:"):
        return 0
    for name, number in endpoint.ports:
        if name == port.name:
            return number
    return port.target if isinstance(port.target, int) else port.number


def _speaks_mesh_tls(endpoint: StaticEndpoint, service: Service) -> bool:
    """The label `security.istio.io/tlsMode` decides; without it, an endpoint with an account does (Istio)."""
    if service.external:
        return False
    mode = dict(endpoint.labels).get("security.istio.io/tlsMode") if endpoint.labels else None
    return mode == "istio" if mode is not None else endpoint.identity is not None


def group_endpoints(
    endpoints: tuple[Endpoint, ...], settings: TrafficSettings, client: Locality, *, near: bool = False
) -> tuple[EndpointGroup, ...]:
    """Endpoints by locality, with the priorities of failover or the shares of a stated distribution.

    Failover by locality is on where ejection is configured (Istio: without outlier detection nobody would notice that
    the nearer endpoints are gone) and nobody turned it off, and where the service itself asks for endpoints that are
    `near`. Endpoints that are not ready are known as such to the data
    plane; but not where a share of healthy ones is asked for, below which it uses all that it knows (Istio, unhealthy
    endpoints and `minHealthPercent`).
    """
    if settings.min_healthy:
        endpoints = tuple(endpoint for endpoint in endpoints if endpoint.healthy)
    by_locality: dict[Locality, list[Endpoint]] = {}
    for endpoint in endpoints:
        by_locality.setdefault(endpoint.locality, []).append(endpoint)
    shares = _shares(settings, client)
    order = _priorities(by_locality, settings, client, near=near) if shares is None else {}
    return tuple(
        EndpointGroup(
            locality=locality,
            priority=order.get(locality, 0),
            weight=_share_of(locality, shares) if shares is not None else None,
            endpoints=tuple(sorted(group, key=_PLACE)),
        )
        for locality, group in sorted(by_locality.items(), key=lambda item: (order.get(item[0], 0), item[0]))
        if shares is None or _share_of(locality, shares)
    )


def _priorities(
    localities: dict[Locality, list[Endpoint]], settings: TrafficSettings, client: Locality, *, near: bool
) -> dict[Locality, int]:
    by_ejection = settings.eject_split is not None and settings.locality is not False
    if not any(client) or not (by_ejection or near):
        return {}
    targets = dict(settings.failover)
    distances = {locality: _distance(client, locality, targets) for locality in localities}
    ranks = {distance: rank for rank, distance in enumerate(sorted(set(distances.values())))}
    return {locality: ranks[distance] for locality, distance in distances.items()}


def _distance(client: Locality, other: Locality, failover: dict[str, str]) -> int:
    shared = 0
    for mine, theirs in zip(client, other, strict=True):
        if mine != theirs:
            break
        shared += 1
    if shared:
        return 3 - shared
    return 3 if failover.get(client[0]) in (None, other[0]) else 4


def _shares(settings: TrafficSettings, client: Locality) -> dict[str, int] | None:
    if settings.locality is False:
        return None
    for source, targets in settings.spread:
        if _within(source, client):
            return {target: int(share) for target, share in targets}
    return None


def _share_of(locality: Locality, shares: dict[str, int]) -> int:
    return next((share for pattern, share in shares.items() if _within(pattern, locality)), 0)


def _within(pattern: str, locality: Locality) -> bool:
    parts = pattern.split("/")
    return all(part in ("*", actual) for part, actual in zip(parts, locality, strict=False))
