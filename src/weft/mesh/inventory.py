"""Services and workloads, found by host, by label and by namespace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import structs

from weft.base.families import Family, families_of
from weft.graph.tables import Derived
from weft.ir.inventory import Service, StatedEndpoints, StaticEndpoint, Workload
from weft.ir.settings import WorkloadClass
from weft.ir.values import Selector
from weft.mesh.fragments import Fragments
from weft.mesh.matching import selects, visible
from weft.mesh.missing import address_group

MemberLabel = tuple[str, str, str]
"""A namespace, and a label's key and value."""

_ANY_LABEL = ("", "")

LOOPBACK = "127.0.0.1"
"""Where an application listens that shares its address with a proxy which nothing is redirected to (Istio, Sidecar:
`defaultEndpoint`)."""


class Inventory:
    """Who is there. Every lookup costs what it returns, not the size of the mesh."""

    def __init__(self, fragments: Fragments) -> None:
        graph = fragments.graph
        self._fragments = fragments
        self._by_host = fragments.gathered("services by host", lambda service: (service.host,), Service)
        self._by_member = fragments.index("services by label of members", _member_labels, Service)
        self._by_label = fragments.index("workloads by label", _workload_labels, Workload)
        self._stated = fragments.gathered("stated endpoints by host", lambda stated: (stated.host,), StatedEndpoints)
        self._by_uid = fragments.gathered("workloads by uid", lambda workload: (workload.uid,), Workload)
        self._by_address = fragments.gathered(
            "workloads by address", lambda workload: workload.addresses, Workload, address_group
        )
        self._alias_hosts = fragments.index("other names", _alias_hosts, Service)
        self._service: Derived[tuple[str, str], Service | None] = Derived(graph, "service", self._best_service)
        self._meant: Derived[tuple[str, str], Service | None] = Derived(graph, "service of alias", self._follow)
        self._aliases: Derived[str, dict[str, tuple[str, ...]]] = Derived(graph, "aliases", self._find_aliases)
        self._visible: Derived[str, tuple[str, ...]] = Derived(graph, "visible hosts", self._visible_hosts)
        self._members: Derived[Selector, tuple[Workload, ...]] = Derived(graph, "members", self._find_members)

    def hosts(self) -> tuple[str, ...]:
        """All hosts of all services, sorted."""
        return self._by_host.buckets()

    def service(self, namespace: str, host: str) -> Service | None:
        """The service that a host means to clients of a namespace; None if they see none.

        Of several: the client's own namespace first, then the cluster's own services, then the oldest, then by name of
        the namespace (Istio's PILOT_SIDECAR_PICK_BEST_SERVICE_NAMESPACE).
        """
        return self._service.get((namespace, host))

    def meant(self, namespace: str, host: str) -> Service | None:
        """The same, but of a host that is only another name for a service that they see, that service.

        Source: Istio, ENABLE_EXTERNAL_NAME_ALIAS: "ExternalNames are now simply treated as aliases".
        """
        found = self.service(namespace, host)
        return self._meant.get((namespace, host)) if found is not None and found.alias_of else found

    def aliases(self, namespace: str, host: str) -> tuple[str, ...]:
        """Other names that clients of a namespace have for a service, sorted."""
        return self.all_aliases(namespace).get(host, ())

    def all_aliases(self, namespace: str) -> Mapping[str, tuple[str, ...]]:
        """The same of all services that have any, by their hosts."""
        return self._aliases.get(namespace)

    def services_of(self, host: str) -> tuple[Service, ...]:
        """Every service that claims a host, whoever sees it."""
        return self._by_host.get(host)

    def stated(self, service: Service) -> tuple[StaticEndpoint, ...]:
        """The endpoints that a service states itself."""
        found = self._stated.get(service.host)
        return next((each.endpoints for each in found if each.source == service.source), ())

    def visible_hosts(self, namespace: str) -> tuple[str, ...]:
        """Hosts of all services that clients of a namespace see, sorted."""
        return self._visible.get(namespace)

    def services_over(self, server: WorkloadClass) -> tuple[Service, ...]:
        """The services of a workload's own namespace that it is a member of, whatever their ports, oldest first."""
        labels = (_ANY_LABEL, *server.labels)
        refs = {ref for label in labels for ref in self._by_member.get((server.namespace, *label))}
        found = (
            service
            for service in self._fragments.of(sorted(refs), Service)
            if service.namespace == server.namespace
            and service.members is not None
            and selects(service.members, server.namespace, server.labels)
        )
        return tuple(sorted(found, key=lambda service: (service.source.created, service.host)))

    def workload(self, uid: str) -> Workload | None:
        """A workload by its uid."""
        return next(iter(self._by_uid.get(uid)), None)

    def at(self, address: str) -> Workload | None:
        """The workload at an address; None where there is none, or more than one (they share a machine's address)."""
        found = self._by_address.get(address)
        return found[0] if len(found) == 1 else None

    def workloads(self) -> tuple[str, ...]:
        """The uids of all workloads, sorted."""
        return self._by_uid.buckets()

    def members(self, selector: Selector) -> tuple[Workload, ...]:
        """The workloads in a set, sorted by uid; a set without namespaces or labels has no members."""
        return self._members.get(selector)

    def _best_service(self, key: tuple[str, str]) -> Service | None:
        namespace, host = key
        candidates = [s for s in self.services_of(host) if visible(s.visible_to, namespace)]
        return min(candidates, key=lambda s: _preference(s, namespace), default=None)

    def _follow(self, key: tuple[str, str]) -> Service | None:
        namespace, host = key
        found = self.service(namespace, host)
        seen = {host}
        while found is not None and found.alias_of and found.alias_of not in seen:
            target = self.service(namespace, found.alias_of)
            if target is None:
                break
            seen.add(target.host)
            found = target
        return found

    def _find_aliases(self, namespace: str) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for alias in self._alias_hosts.buckets():
            target = self.meant(namespace, alias)
            if target is not None and target.host != alias:
                found[target.host] = (*found.get(target.host, ()), alias)
        return found

    def _visible_hosts(self, namespace: str) -> tuple[str, ...]:
        return tuple(host for host in self.hosts() if self.service(namespace, host) is not None)

    def _find_members(self, selector: Selector) -> tuple[Workload, ...]:
        exact = _exact(selector)
        if not exact or not selector.namespaces:
            return ()
        found: dict[str, Workload] = {}
        for namespace in selector.namespaces:
            refs = min((self._by_label.get((namespace, key, value)) for key, value in exact), key=len)
            for workload in self._fragments.of(refs, Workload):
                if selects(selector, workload.namespace, workload.labels):
                    found[workload.uid] = workload
        return tuple(found[uid] for uid in sorted(found))


def class_of(workload: Workload) -> WorkloadClass:
    """The class by which a workload is served like its equals."""
    shared = WorkloadClass(
        namespace=workload.namespace,
        labels=workload.labels,
        ports=workload.ports,
        interception=workload.interception,
        families=families_at(workload),
    )
    if workload.interception != "none" or not workload.addresses:
        return shared
    own = workload.addresses[0]
    return structs.replace(
        shared,
        address=workload.proxy_address or own,
        application=own if workload.proxy_address else LOOPBACK,
    )


def families_at(workload: Workload) -> tuple[Family, ...]:
    """The families that a workload's proxy serves, its primary one first; IPv4 while it has no address."""
    return families_of(workload.addresses) or ("IPv4",)


def _preference(service: Service, namespace: str) -> tuple[bool, bool, int, str]:
    own, cluster = service.namespace == namespace, service.registry == "cluster"
    return (not own, not cluster, service.source.created, service.namespace)


def _alias_hosts(service: Service) -> tuple[str, ...]:
    return (service.host,) if service.alias_of else ()


def _member_labels(service: Service) -> Iterator[MemberLabel]:
    """One label that all members have, where there is one: a workload finds its services by the labels it has."""
    if service.members is not None:
        yield (service.namespace, *next(iter(_exact(service.members)), _ANY_LABEL))


def _exact(selector: Selector) -> list[tuple[str, str]]:
    return [(key, values[0]) for key, operator, values in selector.labels if operator == "in" and len(values) == 1]


def _workload_labels(workload: Workload) -> Iterator[MemberLabel]:
    return ((workload.namespace, key, value) for key, value in workload.labels)
