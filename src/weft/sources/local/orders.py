"""What the node shall bring about: names and service addresses from the mesh, and each pod's processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct, structs

from weft.dialects.kubernetes.injection import Template
from weft.graph.core import Graph
from weft.graph.tables import Derived
from weft.ir.inventory import Service
from weft.mesh.outbound import short_names
from weft.mesh.reader import Mesh
from weft.model.kubernetes import PodSpec
from weft.model.local import HostEntry, PodOrder, ProxyOrder, RedirectOrder, ServiceTarget
from weft.model.objects import Object
from weft.sources.local.containers import PodFacts, Values, container_orders

_REDIRECTS: Final = {
    "traffic.sidecar.istio.io/includeOutboundIPRanges": "include_outbound_cidrs",
    "traffic.sidecar.istio.io/excludeOutboundIPRanges": "exclude_outbound_cidrs",
    "traffic.sidecar.istio.io/includeOutboundPorts": "include_outbound_ports",
    "traffic.sidecar.istio.io/excludeOutboundPorts": "exclude_outbound_ports",
    "traffic.sidecar.istio.io/includeInboundPorts": "include_inbound_ports",
}
_EXCLUDE_INBOUND: Final = "traffic.sidecar.istio.io/excludeInboundPorts"
_LOG_LEVEL: Final = "sidecar.istio.io/logLevel"


class Bootstraps(Protocol):
    """Writes what a pod's Envoy starts with."""

    def bootstrap(self, pod: Object[PodSpec], address: str, template: Template) -> str:
        """The bootstrap of a pod's Envoy, as JSON."""


class PodPlan(Struct, frozen=True, kw_only=True):
    """A pod and what was decided about it."""

    pod: Object[PodSpec]
    address: str
    template: Template


def pod_order(plan: PodPlan, images: Mapping[str, Path], values: Values, bootstraps: Bootstraps) -> PodOrder:
    """The order to run a pod. A gateway runs in the network of the machine: that is where it is the way in."""
    pod, spec = plan.pod, plan.pod.spec
    gateway = plan.template == "gateway"
    proxy = None
    if plan.template != "none":
        proxy = ProxyOrder(
            bootstrap=bootstraps.bootstrap(pod, plan.address, plan.template),
            redirect=None if gateway else redirect_order(pod.metadata.annotations),
            log_level=pod.metadata.annotations.get(_LOG_LEVEL, "warning"),
        )
    return PodOrder(
        uid=pod.metadata.uid,
        namespace=pod.metadata.namespace,
        name=pod.metadata.name,
        service_account=spec.account,
        address=plan.address,
        host_network=gateway or spec.host_network,
        containers=container_orders(spec, PodFacts(pod.metadata, spec, plan.address), images, values),
        proxy=proxy,
        restart=spec.restart_policy,
        termination_grace=spec.termination_grace_period_seconds * 1_000,
    )


def redirect_order(annotations: Mapping[str, str]) -> RedirectOrder:
    """Which traffic goes to the sidecar, as annotations say (Istio, `traffic.sidecar.istio.io/...`)."""
    stated = {field: _list(annotations[name]) for name, field in _REDIRECTS.items() if name in annotations}
    excluded = (*RedirectOrder().exclude_inbound_ports, *_list(annotations.get(_EXCLUDE_INBOUND, "")))
    return structs.replace(RedirectOrder(), **stated, exclude_inbound_ports=tuple(dict.fromkeys(excluded)))


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


class NetworkOrders:
    """Names and service addresses of the mesh, as graph nodes."""

    def __init__(self, graph: Graph, mesh: Mesh) -> None:
        self._mesh = mesh
        self._hosts: Derived[str, tuple[HostEntry, ...]] = Derived(graph, "host entries", self._find_hosts)
        self._targets: Derived[None, tuple[ServiceTarget, ...]] = Derived(graph, "service targets", self._find_targets)

    def hosts(self, namespace: str) -> tuple[HostEntry, ...]:
        """The names that pods of a namespace can resolve."""
        return self._hosts.get(namespace)

    def targets(self) -> tuple[ServiceTarget, ...]:
        """All ports of all service addresses, with the endpoints that are ready."""
        return self._targets.get(None)

    def _find_hosts(self, namespace: str) -> tuple[HostEntry, ...]:
        domain = self._mesh.settings().cluster_domain
        found = []
        for host in self._mesh.inventory.visible_hosts(namespace):
            service = self._mesh.inventory.service(namespace, host)
            addresses = self._addresses(service) if service is not None and "*" not in host else ()
            if addresses:
                found.append(HostEntry(addresses, (host, *short_names(host, namespace, domain))))
        return tuple(found)

    def _addresses(self, service: Service) -> tuple[str, ...]:
        own = tuple(address for _, address in service.addresses if "/" not in address)
        if own or service.resolution != "endpoints" or not service.ports:
            return own
        endpoints = self._mesh.endpoint_table.of(service, service.ports[0].number)
        return tuple(sorted({e.address for e in endpoints if e.healthy}))

    def _find_targets(self, _: None) -> tuple[ServiceTarget, ...]:
        inventory = self._mesh.inventory
        services = (service for host in inventory.hosts() for service in inventory.services_of(host))
        found = (target for service in services for target in self._targets_of(service))
        unique = {(target.address, target.port, target.protocol): target for target in found}
        return tuple(unique[key] for key in sorted(unique))

    def _targets_of(self, service: Service) -> Iterator[ServiceTarget]:
        if service.resolution != "endpoints":
            return
        for _, address in service.addresses:
            for port in service.ports if _is_address(address) else ():
                ready = [e for e in self._mesh.endpoint_table.of(service, port.number) if e.healthy and e.port]
                endpoints = tuple((e.address, e.port) for e in ready if _is_address(e.address))
                yield ServiceTarget(address, port.number, "UDP" if port.protocol == "udp" else "TCP", endpoints)


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True
