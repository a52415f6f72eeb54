"""A small cluster for tests: objects in files that are only text, a node that is only reports, a clock that is set."""

import textwrap
from collections.abc import Iterable
from ipaddress import IPv4Network
from typing import Any

import yaml

from weft.apps.pipeline import Pipeline, all_kinds
from weft.base.families import Network, families_of
from weft.base.issues import Issue, Position, Ref
from weft.dialects.kubernetes.injection import Template
from weft.model.decode import Decoder
from weft.model.kubernetes import PodSpec
from weft.model.local import ContainerReport, NodeOrders, PodOrder, PodReport
from weft.model.objects import Object
from weft.sources.changes import Changes, Value
from weft.sources.local.addresses import ENTRY_CIDRS, SERVICE_CIDRS, PodAddresses, address_pools
from weft.sources.local.cluster import Addresses, LocalCluster, Remembered
from weft.sources.local.job_records import JobRecords
from weft.sources.local.orders import NetworkOrders
from weft.sources.local.pods import PodRecord, Pods
from weft.sources.local.store import Body, ObjectStore
from weft.sources.state import MemoryTables, Tables

KINDS = all_kinds()
HOST = "10.244.255.254"
POD_CIDR = IPv4Network("10.244.0.0/16")


class Clock:
    """A clock that is set by the test."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def bodies(text: str) -> list[Body]:
    """The objects of a YAML text."""
    return [body for body in yaml.safe_load_all(textwrap.dedent(text)) if body]


class Folder:
    """Files as the store needs them, without files."""

    def __init__(self, clock: Clock) -> None:
        self._said: dict[Ref, tuple[Body, str]] = {}
        self._seen: dict[Ref, int] = {}
        self._clock = clock
        self._decoder = Decoder(KINDS, created=self._created)

    def write(self, text: str, file: str = "/mesh/objects.yaml") -> Changes:
        """Says objects in a file."""
        changed: dict[Ref, Value] = {}
        for body in bodies(text):
            value = self._decoder.decode(body).value
            assert value is not None
            self._said[value.ref] = (body, file)
            changed[value.ref] = value
        return Changes(changed, frozenset())

    def remove(self, *refs: Ref) -> Changes:
        """Says nothing more of objects."""
        for ref in refs:
            del self._said[ref], self._seen[ref]
        return Changes({}, frozenset(refs))

    def everything(self) -> Changes:
        """What a first look finds."""
        found = {ref: self._decoder.decode(body).value for ref, (body, _) in self._said.items()}
        return Changes({ref: value for ref, value in found.items() if value is not None}, frozenset())

    def body(self, ref: Ref) -> Body | None:
        return self._said[ref][0] if ref in self._said else None

    def bodies(self, refs: Iterable[Ref]) -> dict[Ref, Body]:
        return {ref: self._said[ref][0] for ref in refs if ref in self._said}

    def position(self, ref: Ref, path: str = "") -> Position | None:
        return Position(self._said[ref][1], 1) if ref in self._said else None

    def _created(self, ref: Ref) -> int:
        return self._seen.setdefault(ref, int(self._clock()))


class PlainBootstraps:
    """Bootstraps that tell what they were made from."""

    def bootstrap(
        self, pod: Object[PodSpec], addresses: tuple[str, ...], template: Template, *, proxy_address: str = ""
    ) -> str:
        return f"{template} {pod.metadata.name} {addresses} {sorted(pod.metadata.labels.items())}"


class World:
    """A cluster with its files and its node. `restart` begins another controller over what the former one left."""

    def __init__(self, *, pods: tuple[Network, ...] = (POD_CIDR,), tables: Tables | None = None) -> None:
        self.tables = tables or MemoryTables()
        self.clock = Clock()
        self.folder = Folder(self.clock)
        self._pod_cidrs = pods
        self._families = families_of(map(str, pods))
        self._start()

    def _start(self) -> None:
        self.pipeline = Pipeline()
        self.store = ObjectStore(Decoder(KINDS), self.folder, self.tables, self.clock)
        self.pods = Pods(self.tables, self.clock)
        self.cluster = LocalCluster(
            self.store,
            Remembered(self.pods, JobRecords(self.tables)),
            objects=self.pipeline.objects,
            network=NetworkOrders(self.pipeline.graph, self.pipeline.mesh),
            addresses=Addresses(
                pods=PodAddresses(self.tables, self._pod_cidrs, reserved=2),
                services=address_pools(self.tables, "service addresses", SERVICE_CIDRS, self._families),
                entries=address_pools(self.tables, "entry addresses", ENTRY_CIDRS, self._families),
                hosts=(HOST,),
            ),
            clock=self.clock,
        )

    def restart(self, *, look: bool = True) -> None:
        """Another controller takes over; `look` is whether it gets to see the files."""
        self._start()
        if look:
            self.take(self.folder.everything())

    # ---- what people do ------------------------------------------------------------------------------------------
    def take(self, changes: Changes) -> None:
        self.cluster.refresh(self.store.take(changes))

    def write(self, text: str, file: str = "/mesh/objects.yaml") -> None:
        self.take(self.folder.write(text, file))

    def remove(self, *refs: Ref) -> None:
        self.take(self.folder.remove(*refs))

    def apply(self, text: str) -> None:
        for body in bodies(text):
            value = self.store.decode(body).value
            assert value is not None
            self.store.put(value.ref, body)
            self.cluster.refresh((value.ref,))

    def delete(self, ref: Ref) -> None:
        assert self.store.delete(ref)
        self.cluster.refresh((ref,))

    # ---- what the node does --------------------------------------------------------------------------------------
    def ready(self, *records: PodRecord) -> None:
        """All pods, or these, become ready."""
        self.cluster.report([report(each) for each in records or self.live()])

    def settle(self) -> None:
        """The node follows its orders, until nothing changes any more."""
        for _ in range(100):
            before = self.pods.records()
            self.clock.now += 2
            self.cluster.refresh(())
            self.gone()
            self.ready()
            if self.pods.records() == before:
                return
        raise AssertionError("pods never come to rest")

    def gone(self) -> None:
        """The node says of all pods that were deleted that nothing is left of them."""
        removed = [report(each, ready=False, reason="Removed") for each in self.pods.ending()]
        self.cluster.report(removed)

    # ---- what is seen --------------------------------------------------------------------------------------------
    def live(self, owner: str = "") -> list[PodRecord]:
        """The pods that were not deleted; those of one Deployment or Pod."""
        found = [record for record in self.pods.records() if record.deleted is None]
        return [r for r in found if not owner or (r.owner is not None and r.owner.name == owner)]

    def pod(self, owner: str = "") -> PodRecord:
        """The only pod, or the only one of a Deployment."""
        (found,) = self.live(owner)
        return found

    def orders(self) -> NodeOrders:
        return self.cluster.orders(PlainBootstraps(), 0)

    def order(self, owner: str = "") -> PodOrder:
        """The order for the only pod of a Deployment."""
        (found,) = [each for each in self.orders().pods if each.uid == self.pod(owner).uid]
        return found

    def object(self, ref: Ref) -> Any:
        return self.cluster.object(ref)

    def issues(self, ref: Ref | None = None) -> list[Issue]:
        return [located.issue for located in self.cluster.issues(ref)]


def report(record: PodRecord, *, ready: bool = True, reason: str = "", **changes: Any) -> PodReport:
    """What the node says of a pod whose containers run."""
    containers = tuple(
        ContainerReport(name=each.name, state="running", ready=ready, pid=100 + index, started=1)
        for index, each in enumerate(record.content.spec.containers)
    )
    values: dict[str, Any] = {"phase": "Running", "containers": containers, "started": 1, **changes}
    return PodReport(uid=record.uid, ready=ready, reason=reason, **values)


# ---- objects ---------------------------------------------------------------------------------------------------------
def deployment(
    name: str = "web", *, namespace: str = "shop", replicas: int = 1, image: str = "web", more: str = ""
) -> str:
    """A Deployment as YAML; `more` are further fields of its container."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: app
          image: {image}
          command: [serve]
{textwrap.indent(textwrap.dedent(more), " " * 10)}
"""


def pod(name: str = "tool", *, namespace: str = "shop", image: str = "tool", labels: str = "{}") -> str:
    """A Pod as YAML."""
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {labels}}}
spec:
  containers: [{{name: app, image: {image}, command: [work]}}]
"""


def namespace(name: str = "shop", labels: str = "{}") -> str:
    return f"""
apiVersion: v1
kind: Namespace
metadata: {{name: {name}, labels: {labels}}}
"""


def service(name: str = "web", *, namespace: str = "shop", spec: str = "") -> str:
    """A Service as YAML; `spec` are further fields."""
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{app: {name}}}
  ports: [{{name: http, port: 80, targetPort: 8080}}]
{textwrap.indent(textwrap.dedent(spec), "  ")}
"""


def config_map(name: str, data: str, *, namespace: str = "shop") -> str:
    return f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: {namespace}}}
data: {data}
"""


def standalone(images: str, name: str = "images") -> str:
    return f"""
apiVersion: weft.dev/v1alpha1
kind: Standalone
metadata: {{name: {name}}}
spec: {{images: {images}}}
"""


def ref(kind: str, name: str, namespace: str = "shop") -> Ref:
    keys = {"Deployment": "Deployment.apps", "Job": "Job.batch", "Standalone": "Standalone.weft.dev"}
    return Ref(keys.get(kind, kind), namespace, name)
