"""The cluster as a whole: objects go into the graph with what a cluster adds to them, pods follow, orders come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec import Struct, structs

from weft.base.issues import Issue, LocatedIssue, Ref
from weft.dialects.kubernetes.injection import Template, injected_template
from weft.dialects.kubernetes.pod import INJECTED
from weft.mesh.fragments import NAMESPACE, Objects
from weft.model.istio_networking import ServiceEntry
from weft.model.kubernetes import (
    ConfigMap,
    Deployment,
    PodCondition,
    PodIp,
    PodSpec,
    PodStatus,
    Secret,
    Service,
)
from weft.model.local import NodeOrders, PodOrder, PodReport
from weft.model.objects import Object
from weft.model.standalone import Standalone
from weft.sources.changes import Value
from weft.sources.local.addresses import AddressPool, NoAddressError
from weft.sources.local.containers import Values
from weft.sources.local.events import EventLog
from weft.sources.local.orders import Bootstraps, NetworkOrders, PodPlan, pod_order
from weft.sources.local.pods import PodRecord, Pods, pod_metadata
from weft.sources.local.store import ObjectStore

POD: Final = "Pod"
SERVICE: Final = "Service"
DEPLOYMENT: Final = "Deployment.apps"
SERVICE_ENTRY: Final = "ServiceEntry.networking.istio.io"
STANDALONE: Final = "Standalone.weft.dev"
_ADDRESSED: Final = (SERVICE, SERVICE_ENTRY)

LINGER: Final = 1.0
"""Seconds that a deleted pod still runs after it left the endpoints, so that all clients have heard of it."""

REMOVAL: Final = 60.0
"""Seconds after which a deleted pod is forgotten although the node did not say that it is gone."""

S = TypeVar("S", bound=Struct)


class Addresses(Struct, frozen=True):
    """Where addresses come from; gateways have the machine's own address `host`."""

    pods: AddressPool
    services: AddressPool
    entries: AddressPool
    host: IPv4Address


class LocalCluster:
    """Keeps the graph's objects, the pods and the node's orders in step. `clock` gives Unix seconds."""

    def __init__(
        self,
        store: ObjectStore,
        pods: Pods,
        *,
        objects: Objects,
        network: NetworkOrders,
        addresses: Addresses,
        clock: Callable[[], float],
    ) -> None:
        self.store = store
        self.pods = pods
        self.events = EventLog(clock)
        self._objects = objects
        self._network = network
        self._addresses = addresses
        self._clock = clock
        self._orders: dict[str, PodOrder] = {}
        self._sent: NodeOrders | None = None
        self._issues: list[LocatedIssue] = []

    def refresh(self, touched: Iterable[Ref]) -> None:
        """Takes over objects that may be different, and does what follows for pods."""
        for ref in touched:
            self._take(ref, self.store.value(ref))
        self._drop_removed()
        while self.pods.reconcile(self._all(DEPLOYMENT, Deployment), self._bare_pods()):
            pass
        self._publish_pods()

    def report(self, reports: Sequence[PodReport]) -> bool:
        """Takes over what the node says; True if something is new."""
        before = {report.uid: self.pods.report(report.uid) for report in reports}
        fresh = self.pods.take_reports(reports)
        for report in reports:
            record = self.pods.get(report.uid)
            if report.uid not in fresh or record is None:
                continue
            self.events.compare(Ref(POD, record.namespace, record.name), before[report.uid], report)
            if report.reason == "Removed" and record.deleted is not None:
                self._forget(record)
        if fresh:
            self.refresh(())
        return bool(fresh)

    def orders(self, bootstraps: Bootstraps, trust_revision: int) -> NodeOrders:
        """The node's orders; their revision is another one than before only if something differs."""
        images = self._images()
        running = [record for record in self.pods.records() if self._runs(record)]
        for record in running:
            plan = self.plan(record)
            if plan is not None:
                values = self._values(record.namespace)
                self._orders[record.uid] = pod_order(plan, images, values, bootstraps)
        orders = tuple(self._orders[record.uid] for record in running if record.uid in self._orders)
        namespaces = sorted({order.namespace for order in orders})
        wanted = NodeOrders(
            revision=self._sent.revision if self._sent else int(self._clock() * 1_000),
            trust_revision=trust_revision,
            pods=orders,
            hosts=tuple((namespace, self._network.hosts(namespace)) for namespace in namespaces),
            services=self._network.targets(),
        )
        if wanted != self._sent:
            self._sent = structs.replace(wanted, revision=wanted.revision + 1)
        assert self._sent is not None
        return self._sent

    @property
    def ending(self) -> bool:
        """Whether a pod that was deleted is still there: then time alone changes the orders."""
        return any(record.deleted is not None for record in self.pods.records())

    def plan(self, record: PodRecord) -> PodPlan | None:
        """A pod with what was decided about it; None once it was deleted."""
        if record.deleted is not None:
            return None
        meta, spec = record.content.metadata, record.content.spec
        labels = self._namespace_labels(record.namespace)
        template = injected_template(meta.labels, meta.annotations, labels, host_network=spec.host_network)
        marks = {INJECTED: '{"containers":["istio-proxy"]}'} if template != "none" else {}
        address = self._pod_address(record, template)
        pod = Object(POD, pod_metadata(record, marks), spec, self._status(record, address))
        return PodPlan(pod=pod, address=address, template=template)

    def object(self, ref: Ref) -> Object[Any] | None:
        """A readable object as the mesh uses it, with what the cluster added."""
        found = self._objects.get(ref)
        return found if isinstance(found, Object) else None

    def issues(self) -> list[LocatedIssue]:
        """What could not be done for pods and addresses."""
        return list(self._issues)

    # ---- objects -----------------------------------------------------------------------------------------------
    def _take(self, ref: Ref, value: Value | None) -> None:
        if ref.kind == POD:
            return
        if value is None:
            self._objects.remove(ref)
        else:
            self._objects.set(ref, self._completed(value) if isinstance(value, Object) else value)

    def _completed(self, value: Object[Any]) -> Object[Any]:
        """An object with the addresses that a cluster gives it."""
        owner = f"{value.metadata.namespace}/{value.metadata.name}"
        spec = value.spec
        if isinstance(spec, Service) and spec.type != "ExternalName" and spec.cluster_ip != "None":
            address = self._addresses.services.address(owner, spec.cluster_ip)
            return structs.replace(value, spec=structs.replace(spec, cluster_ip=address))
        if isinstance(spec, ServiceEntry) and _wants_address(spec):
            address = self._addresses.entries.address(owner)
            return structs.replace(value, spec=structs.replace(spec, addresses=(address,)))
        return value

    def _drop_removed(self) -> None:
        """Frees the addresses of services and entries that are gone."""
        present = {kind: [f"{r.namespace}/{r.name}" for r in self._objects if r.kind == kind] for kind in _ADDRESSED}
        self._addresses.services.keep_only(present[SERVICE])
        self._addresses.entries.keep_only(present[SERVICE_ENTRY])

    def _all(self, kind: str, spec: type[S]) -> Iterator[Object[S]]:
        for ref in sorted(self._objects):
            found = self._objects.get(ref) if ref.kind == kind else None
            if isinstance(found, Object) and isinstance(found.spec, spec):
                yield found

    def _bare_pods(self) -> Iterator[Object[PodSpec]]:
        for ref in self.store.refs():
            found = self.store.value(ref) if ref.kind == POD else None
            if isinstance(found, Object):
                yield found

    def _namespace_labels(self, namespace: str) -> dict[str, str]:
        found = self._objects.get(Ref(NAMESPACE, "", namespace))
        return found.metadata.labels if isinstance(found, Object) else {}

    def _images(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for settings in self._all(STANDALONE, Standalone):
            position = self.store.position(settings.ref)
            base = Path(position.file).parent if position is not None else Path.cwd()
            for pattern, folder in settings.spec.images.items():
                found.setdefault(pattern, (base / folder).resolve())
        return found

    def _values(self, namespace: str) -> Values:
        def value(kind: str, name: str, key: str) -> str | None:
            found = self._objects.get(Ref(kind, namespace, name))
            spec = found.spec if isinstance(found, Object) else None
            if isinstance(spec, ConfigMap):
                return spec.data.get(key)
            if isinstance(spec, Secret):
                return spec.string_data.get(key) or spec.data.get(key, b"").decode(errors="replace")
            return None

        return value

    # ---- pods --------------------------------------------------------------------------------------------------
    def _pod_address(self, record: PodRecord, template: Template) -> str:
        if template == "gateway" or record.content.spec.host_network:
            return str(self._addresses.host)
        try:
            return self._addresses.pods.address(record.uid)
        except NoAddressError as error:
            ref = Ref(POD, record.namespace, record.name)
            self._issues = [LocatedIssue(Issue("WEFT0401", "error", ref, "", str(error), "the pod does not run"))]
            return ""

    def _status(self, record: PodRecord, address: str) -> PodStatus:
        report = self.pods.report(record.uid)
        if report is None:
            return PodStatus(phase="Pending", pod_ip=address, pod_ips=(PodIp(address),))
        return PodStatus(
            phase=report.phase,
            pod_ip=address,
            pod_ips=(PodIp(address),),
            conditions=(PodCondition("Ready", "True" if report.ready else "False"),),
            reason=report.reason,
        )

    def _publish_pods(self) -> None:
        """Pods as objects of the graph: those that are ending are not among them, and so no endpoints any more."""
        wanted: dict[Ref, Object[Any]] = {}
        for record in self.pods.records():
            plan = self.plan(record)
            if plan is not None and plan.address:
                wanted[plan.pod.ref] = plan.pod
        for ref in [ref for ref in self._objects if ref.kind == POD and ref not in wanted]:
            self._objects.remove(ref)
        for ref, pod in wanted.items():
            self._objects.set(ref, pod)

    def _runs(self, record: PodRecord) -> bool:
        if record.deleted is None:
            return True
        age = self._clock() - record.deleted
        if age > REMOVAL:
            self._forget(record)
        return age < LINGER

    def _forget(self, record: PodRecord) -> None:
        self.pods.forget(record.uid)
        self._orders.pop(record.uid, None)
        self._addresses.pods.release(record.uid)


def _wants_address(entry: ServiceEntry) -> bool:
    """Istio allocates one unless addresses are stated, the resolution is NONE, or all hosts are patterns."""
    return not entry.addresses and entry.resolution != "NONE" and any("*" not in host for host in entry.hosts)
