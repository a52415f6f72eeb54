"""What the node shall bring about: names and service addresses from the mesh, and each pod's processes."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from msgspec import structs

from weft.graph.core import Graph
from weft.graph.tables import Derived
from weft.ir.inventory import Service
from weft.mesh.outbound import short_names
from weft.mesh.reader import Mesh
from weft.model.local import HostEntry, NodeOrders, PodOrder, ServiceTarget
from weft.sources.local.plans import PodPlan
from weft.sources.local.pod_orders import Bootstraps, pod_order


class NetworkOrders:
    """Names and service addresses of the mesh, as graph nodes."""

    def __init__(self, graph: Graph, mesh: Mesh) -> None:
        self._mesh = mesh
        self._hosts: Derived[str, tuple[HostEntry, ...]] = Derived(graph, "host entries", self._find_hosts)
        self._of_host: Derived[str, tuple[ServiceTarget, ...]] = Derived(graph, "targets of host", self._find_of_host)
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
        found = (target for host in self._mesh.inventory.hosts() for target in self._of_host.get(host))
        unique = {(target.address, target.port, target.protocol): target for target in found}
        return tuple(unique[key] for key in sorted(unique))

    def _find_of_host(self, host: str) -> tuple[ServiceTarget, ...]:
        services = self._mesh.inventory.services_of(host)
        return tuple(target for service in services for target in self._targets_of(service))

    def _targets_of(self, service: Service) -> Iterator[ServiceTarget]:
        if service.resolution != "endpoints":
            return
        for _, address in service.addresses:
            for port in service.ports if _is_address(address) else ():
                ready = [e for e in self._mesh.endpoint_table.of(service, port.number) if e.healthy and e.port]
                endpoints = tuple((e.address, e.port) for e in ready if _is_address(e.address))
                yield ServiceTarget(address, port.number, "UDP" if port.protocol == "udp" else "TCP", endpoints)


class OrderBook:
    """The node's orders, kept as they were last given out, so that an order is made only for a pod that changed.

    `revision` is the first one that is given out: greater than those of a former book.
    """

    def __init__(self, network: NetworkOrders, revision: int) -> None:
        self._network = network
        self._stale: dict[str, PodPlan] = {}
        self._pods: dict[str, PodOrder] = {}
        self._sorted: tuple[PodOrder, ...] | None = ()
        self._sent = NodeOrders(revision=revision)

    def put(self, plan: PodPlan) -> None:
        """Takes over what is decided about a pod that shall run."""
        self._stale[plan.record.uid] = plan

    def remove(self, uid: str) -> None:
        """Leaves a pod out from now on."""
        self._stale.pop(uid, None)
        if self._pods.pop(uid, None) is not None:
            self._sorted = None

    def orders(self, bootstraps: Bootstraps, trust_revision: int) -> NodeOrders:
        """The orders; their revision is another one than before only if something differs."""
        pods = self._current(bootstraps)
        namespaces = sorted({order.namespace for order in pods})
        wanted = NodeOrders(
            revision=self._sent.revision,
            trust_revision=trust_revision,
            pods=pods,
            hosts=tuple((namespace, self._network.hosts(namespace)) for namespace in namespaces),
            services=self._network.targets(),
        )
        if wanted != self._sent:
            self._sent = structs.replace(wanted, revision=wanted.revision + 1)
        return self._sent

    def _current(self, bootstraps: Bootstraps) -> tuple[PodOrder, ...]:
        for uid, plan in self._stale.items():
            order = pod_order(plan, bootstraps)
            if self._pods.get(uid) != order:
                self._pods[uid] = order
                self._sorted = None
        self._stale.clear()
        if self._sorted is None:
            self._sorted = tuple(sorted(self._pods.values(), key=lambda each: (each.namespace, each.name, each.uid)))
        return self._sorted


def _is_address(text: str) -> bool:
    try:
        IPv4Address(text)
    except ValueError:
        return False
    return True
