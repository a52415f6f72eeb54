"""What the node shall bring about: names and service addresses from the mesh, and each pod's processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import structs

from weft.base.families import Family, family_of, is_address
from weft.graph.core import Graph
from weft.graph.tables import Derived
from weft.graph.watch import Watcher
from weft.ir.inventory import Endpoint, Service
from weft.mesh.hostnames import Hostname
from weft.mesh.names import short_names
from weft.mesh.reader import Mesh
from weft.model.local import HostEntry, NodeOrders, PodOrder, ServiceTarget
from weft.sources.local.plans import PodPlan
from weft.sources.local.pod_orders import Bootstraps, pod_order


class NetworkOrders:
    """Names and service addresses of the mesh, as graph nodes that are kept: asking costs what changed since."""

    def __init__(self, graph: Graph, mesh: Mesh) -> None:
        self._mesh = mesh
        self._hosts: Derived[str, tuple[HostEntry, ...]] = Derived(graph, "host entries", self._find_hosts)
        self._of_host: Derived[str, tuple[ServiceTarget, ...]] = Derived(graph, "targets of host", self._find_of_host)
        self._targets: Derived[None, tuple[ServiceTarget, ...]] = Derived(graph, "service targets", self._find_targets)
        self._watcher = Watcher(self._hosts)
        self._known: dict[str, tuple[HostEntry, ...]] = {}
        graph.pin(self._targets.node(None))

    def hosts(self, namespaces: Sequence[str]) -> tuple[tuple[str, tuple[HostEntry, ...]], ...]:
        """The names that pods of each of these namespaces can resolve; others are forgotten."""
        for gone in self._known.keys() - set(namespaces):
            self._watcher.remove(gone)
            del self._known[gone]
        self._known.update(self._watcher.changes())
        for namespace in namespaces:
            if namespace not in self._known:
                self._known[namespace] = self._watcher.add(namespace)
        return tuple((namespace, self._known[namespace]) for namespace in namespaces)

    def captures_dns(self) -> bool:
        """Whether sidecars answer DNS where pods do not say otherwise."""
        return self._mesh.settings().captures_dns

    def concurrency(self) -> int:
        """The number of worker threads of Envoys whose pods do not say otherwise."""
        return self._mesh.settings().concurrency

    def targets(self) -> tuple[ServiceTarget, ...]:
        """All ports of all service addresses, with the endpoints that are ready."""
        return self._targets.get(None)

    def _find_hosts(self, namespace: str) -> tuple[HostEntry, ...]:
        domain = self._mesh.settings().cluster_domain
        return tuple(
            HostEntry(name.addresses, (name.host, *short_names(name.host, namespace, domain)))
            for host in self._mesh.inventory.visible_hosts(namespace)
            for name in self._names(namespace, host)
        )

    def _names(self, namespace: str, host: str) -> tuple[Hostname, ...]:
        """The names that a host brings with it; where it is another name for a service, only itself."""
        service = self._mesh.inventory.meant(namespace, host)
        if service is None or "*" in host:  # a hosts file has no patterns
            return ()
        names = self._mesh.hostnames.of(service)
        if service.host == host:
            return names
        return tuple(structs.replace(name, host=host) for name in names if name.host == service.host)

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
            for port in service.ports if is_address(address) else ():
                ready = [e for e in self._mesh.endpoint_table.of(service, port) if e.healthy and e.port]
                endpoints = tuple((each, e.port) for e in ready for each in _of_family(family_of(address), e))
                transport: Literal["TCP", "UDP"] = "UDP" if port.protocol == "udp" else "TCP"
                sticky = service.sticky is not None
                yield ServiceTarget(address, port.number, transport, endpoints, sticky)


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
            hosts=self._network.hosts(namespaces),
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


def _of_family(family: Family, endpoint: Endpoint) -> Iterator[str]:
    """The addresses of an endpoint that are of a family; names of hosts are none."""
    return (a for a in (endpoint.address, *endpoint.also) if family_of(a) == family and is_address(a))
