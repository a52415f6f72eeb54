"""The state of a running controller, and what follows from each change of it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from msgspec import Struct

from weft import __version__
from weft.apps.assembly import located_issues
from weft.apps.authority import Identity
from weft.apps.bootstraps import ProxyBootstraps
from weft.apps.build_issues import BuildIssues
from weft.apps.gateway_ports import GatewayPorts
from weft.apps.machine_limits import machine_limits
from weft.apps.manifests import Manifest, Manifests, labels_of
from weft.apps.observation import Observation
from weft.apps.pipeline import Pipeline
from weft.apps.pod_manifests import PodView, pod_manifest
from weft.apps.push_reasons import pushes_to
from weft.apps.pushes import Pushes
from weft.apps.related import related_objects, workload_uid
from weft.apps.serving_limits import ServingLimits
from weft.apps.views import ProxyViews
from weft.base.issues import Issue, LocatedIssue, Ref
from weft.identity.profiles import Subject
from weft.ir.settings import ProxyKey
from weft.model import codes
from weft.model.kinds import Kinds
from weft.model.local import Credentials, Isolation, NodeOrders, PodReport
from weft.model.objects import Object
from weft.serve.ads.registry import Registry
from weft.serve.ads.server import DiscoveryService
from weft.serve.ads.states import ProxyState
from weft.serve.callers import Pod
from weft.serve.http.contract import Applied, ConflictError, GraphState, MeshStatus, PodCount, PushReason, TableState
from weft.sources.changes import Changes, Value
from weft.sources.local.cluster import LocalCluster
from weft.sources.local.events import Event
from weft.sources.local.pods import POD, PodRecord

_PROXIES_FIRST: Final = 0.05
"""Seconds that the node hears later of a change than proxies, and of what changes meanwhile at once."""

_TOLD_WITHIN: Final = 2.0
"""Seconds that who asks for the state of proxies waits for changes that are under way."""

_BADNESS: Final = ("SYNCED", "STALE", "NOT SENT", "ERROR")


class ControllerParts(Struct, frozen=True, kw_only=True):
    """What a controller is made of; `mesh` is the mesh's name, `folder` the one that its objects come from."""

    mesh: str
    folder: str
    kinds: Kinds
    pipeline: Pipeline
    cluster: LocalCluster
    identity: Identity
    bootstraps: ProxyBootstraps
    isolation: Isolation = "netns"
    limits: ServingLimits = ServingLimits()


class ControllerState:
    """Takes changes from files, commands and the node; publishes what follows to proxies and to the node.

    It is what the API asks (`serve.http.contract`: Objects, MeshView, Debug and Node).
    """

    def __init__(self, parts: ControllerParts) -> None:
        self.kinds = parts.kinds
        self._parts = parts
        self._pipeline = parts.pipeline
        self._cluster = parts.cluster
        self._identity = parts.identity
        self._started = int(time.time())
        self._node_seen: int | None = None
        self._heard_of: set[str] = set()
        self._manifests = Manifests(parts.cluster, parts.kinds, os.uname().nodename)
        self._changed = asyncio.Event()
        self._ending = False
        self._builds = BuildIssues(parts.pipeline.mesh, parts.pipeline.resources, parts.kinds)
        self.gateway_ports = GatewayPorts(parts.pipeline, parts.cluster, parts.isolation)
        self.observation = Observation(parts.pipeline.graph, parts.pipeline.objects)
        self.registry = Registry(watching=self.observation.streams)
        self.observation.ask(self.registry, parts.identity, parts.cluster.store)
        self.views = ProxyViews(
            parts.pipeline.mesh,
            parts.pipeline.resources,
            lambda pod: self._workload_of(pod.namespace, pod.name),
            self.observation.pushes.record,
        )
        self.pushes = Pushes(self, parts.limits.pushes, self.observation)
        self.discovery = DiscoveryService(
            guard=parts.identity.guard,
            pods=self.pod,
            views=self.views,
            secrets=parts.identity.secrets,
            registry=self.registry,
            limits=parts.limits.streams,
        )

    # ---- changes -----------------------------------------------------------------------------------------------
    def take_files(self, changes: Changes) -> None:
        """Takes what changed in the folder."""
        self._cluster.refresh(self._cluster.store.take(changes))
        self._tell()

    def tick(self) -> None:
        """Does what is due although nothing changed."""
        self._cluster.refresh(())
        self._tell()
        self.views.forget_unused(lambda uid: bool(self.registry.of_pod(uid)))

    @property
    def unsettled(self) -> bool:
        """Whether time alone changes something soon."""
        return self._cluster.unsettled

    def end(self) -> None:
        """Lets go of a node that waits for news: the controller ends."""
        self._ending = True
        self._changed.set()

    def publish_endpoints(self) -> None:
        """As in `pushes.Work`."""
        self.views.publish_endpoints()

    def compute(self) -> Iterator[None]:
        """As in `pushes.Work`."""
        return self.views.compute()

    @property
    def computed(self) -> bool:
        """As in `pushes.Work`."""
        return self.views.computed

    def publish(self) -> None:
        """As in `pushes.Work`."""
        for uid in self.views.publish():
            self.discovery.reassign(uid)

    def _tell(self) -> None:
        """Lets everybody know of a change: proxies by and by, the node and those whose pod is gone at once."""
        self.pushes.changed()
        for uid in self._cluster.take_gone():
            self.registry.close_pod(uid)
            self._identity.secrets.forget(uid)
        self._changed.set()
        self._changed = asyncio.Event()

    def pod(self, uid: str) -> Pod | None:
        """A pod by its uid; None once it was deleted."""
        record = self._cluster.pods.get(uid)
        if record is None or record.deleted is not None:
            return None
        workload = self._pipeline.mesh.inventory.workload(self._workload_of(record.namespace, record.name))
        app, version = workload.canonical if workload is not None else ("", "")
        subject = Subject(workload=record.name, version=version, app=app)
        return Pod(uid, record.namespace, record.name, record.content.spec.account, subject)

    def _workload_of(self, namespace: str, pod: str) -> str:
        return workload_uid(self._pipeline, namespace, pod)

    # ---- Objects -----------------------------------------------------------------------------------------------
    def manifests(self, kind: str, namespace: str | None) -> Iterator[Manifest]:
        """As in `contract.Objects`."""
        return self._manifests.all(kind, namespace)

    def manifest(self, ref: Ref) -> Manifest | None:
        """As in `contract.Objects`."""
        return self._manifests.one(ref)

    def apply(self, body: Manifest) -> Applied:
        """As in `contract.Objects`. A Deployment's pod can't be applied: it is what its Deployment says. Of a Job that
        was begun most can't be changed."""
        decoded = self._cluster.store.decode(body)
        issues = tuple(LocatedIssue(issue) for issue in decoded.issues)
        if decoded.value is None or any(issue.severity == "error" for issue in decoded.issues):
            return Applied(decoded.value.ref if decoded.value is not None else None, "refused", issues)
        ref = decoded.value.ref
        record = self._owned_pod(ref)
        if record is not None:
            return Applied(ref, "refused", (LocatedIssue(_owned(record)),))
        known = self._manifests.body(ref)
        if known == body:
            return Applied(ref, "unchanged", issues)
        refusals = tuple(LocatedIssue(issue) for issue in self._refusals(decoded.value))
        if refusals:
            return Applied(ref, "refused", refusals)
        self._cluster.store.put(ref, body)
        self._cluster.refresh((ref,))
        self._tell()
        return Applied(ref, "configured" if known is not None else "created", self.issues(ref))

    def label(self, ref: Ref, changes: dict[str, str | None]) -> Applied:
        """As in `contract.Objects`. A pod of a Deployment or Job is labelled as it is, without another one taking its
        place."""
        record = self._owned_pod(ref)
        body = pod_manifest(PodView(record, None, None)) if record is not None else self._manifests.body(ref)
        if body is None:
            raise KeyError(str(ref))
        body = _labelled(body, changes)
        if record is None:
            return self.apply(body)
        decoded = self._cluster.store.decode(body)
        issues = tuple(LocatedIssue(issue) for issue in decoded.issues)
        if decoded.value is None or any(issue.severity == "error" for issue in decoded.issues):
            return Applied(ref, "refused", issues)
        if decoded.value.metadata.labels == record.marks.labels:
            return Applied(ref, "unchanged")
        self._cluster.relabel(record, decoded.value.metadata.labels)
        self._tell()
        return Applied(ref, "configured")

    def delete(self, ref: Ref) -> bool:
        """As in `contract.Objects`. A pod of a Deployment or Job is ended, and another one takes its place."""
        record = self._owned_pod(ref)
        if record is not None:
            self._cluster.end(record)
        elif self._cluster.store.delete(ref):
            self._cluster.refresh((ref,))
        elif self._manifests.body(ref) is not None:
            raise ConflictError(f"nobody declares {ref}: it is there as long as objects are in it, or is the default")
        else:
            return False
        self._tell()
        return True

    def events(self, namespace: str | None) -> Sequence[Event]:
        """As in `contract.Objects`."""
        return self._cluster.events.events(namespace)

    def issues(self, ref: Ref | None) -> tuple[LocatedIssue, ...]:
        """As in `contract.Objects`."""
        found = located_issues(self._pipeline, self._cluster, ref)
        running = (*self.gateway_ports.issues(), *self._builds.issues(self._proxies_in_use()))
        running += tuple(machine_limits(self._cluster)) if ref is None else ()
        more = tuple(self._cluster.located(issue) for issue in running if ref in (None, issue.ref))
        return (*more, *found)

    def _proxies_in_use(self) -> dict[ProxyKey, list[str]]:
        """The pods of all proxies that are connected, as `namespace/name`."""
        found = self.views.proxies()
        return {key: [uid.rpartition("/Pod/")[2] for uid in uids] for key, uids in found.items()}

    def _refusals(self, value: Value) -> Iterator[Issue]:
        """What can't be changed any more."""
        if isinstance(value, Object) and self._cluster.store.value(value.ref) is not None:
            yield from self._cluster.refusals(value)

    def _owned_pod(self, ref: Ref) -> PodRecord | None:
        """A pod that no object says itself, but a Deployment or Job, and that is not ending."""
        if ref.kind != POD or self._cluster.store.value(ref) is not None:
            return None
        record = self._cluster.pods.named(ref)
        return record if record is not None and record.deleted is None else None

    # ---- MeshView ----------------------------------------------------------------------------------------------
    async def told(self) -> None:
        """As in `contract.MeshView`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_TOLD_WITHIN):
                await self.pushes.told()

    def status(self) -> MeshStatus:
        """As in `contract.MeshView`."""
        pods = self._cluster.pods
        records = [r for r in pods.records() if r.deleted is None and not pods.has_ended(r.uid)]
        # What a former controller was told may be long over.
        ready = sum(pods.is_ready(record.uid) for record in records if record.uid in self._heard_of)
        counts: dict[str, int] = {}
        for proxy in self.registry.states():
            worst = max((each.status for each in proxy.types), key=_BADNESS.index, default="NOT SENT")
            counts[worst] = counts.get(worst, 0) + 1
        return MeshStatus(
            mesh=self._parts.mesh,
            version=__version__,
            isolation=self._parts.isolation,
            folder=self._parts.folder,
            started=self._started,
            node_seen=self._node_seen,
            pods=PodCount(len(records), ready),
            proxies=counts,
            nacks=sum(self.registry.nacks.values()),
            issues=self.issues(None),
        )

    def proxies(self) -> Sequence[ProxyState]:
        """As in `contract.MeshView`."""
        return self.registry.states()

    def related(self, ref: Ref) -> dict[str, list[str]]:
        """As in `contract.MeshView`."""
        return related_objects(self._pipeline, ref)

    # ---- Debug -------------------------------------------------------------------------------------------------
    def metrics(self) -> bytes:
        """As in `contract.Debug`."""
        return self.observation.exposition.text()

    def graph(self) -> GraphState:
        """As in `contract.Debug`."""
        graph = self._pipeline.graph
        tables = tuple(TableState(each.name, len(each), each.computed, each.cut_off) for each in graph.tables)
        return GraphState(graph.revision, tables)

    def reasons(self, pod: Ref | None) -> Sequence[PushReason]:
        """As in `contract.Debug`."""
        log = self.observation.pushes
        if pod is None:
            return pushes_to(log, None, frozenset())
        record = self._cluster.pods.named(pod)
        owners = self.views.owners_of(record.uid) if record is not None else set()
        if record is None or not owners:
            raise KeyError(str(pod))
        return pushes_to(log, record.uid, owners)

    # ---- Node --------------------------------------------------------------------------------------------------
    async def orders(self, after: int | None, wait: float) -> NodeOrders | None:
        """As in `contract.Node`."""
        end = time.monotonic() + wait
        while not self._ending:
            changed = self._changed
            orders = self._cluster.orders(self._parts.bootstraps, self._identity.trust_revision)
            if orders.revision != after:
                return orders
            try:
                async with asyncio.timeout(end - time.monotonic()):
                    await changed.wait()
                    await asyncio.sleep(_PROXIES_FIRST)
            except TimeoutError:
                return None
        return None

    def report(self, reports: Sequence[PodReport]) -> None:
        """As in `contract.Node`."""
        self._node_seen = int(time.time())
        self._heard_of.update(report.uid for report in reports)
        if self._cluster.report(reports):
            self._tell()

    def credentials(self, uid: str) -> Credentials | None:
        """As in `contract.Node`."""
        pod = self.pod(uid)
        return self._identity.credentials(pod) if pod is not None else None


def _labelled(body: Manifest, changes: dict[str, str | None]) -> Manifest:
    """An object with changed labels; those whose value is None are removed."""
    labels = {key: value for key, value in {**labels_of(body), **changes}.items() if value is not None}
    metadata = body.get("metadata")
    return {**body, "metadata": {**(metadata if isinstance(metadata, dict) else {}), "labels": labels}}


def _owned(record: PodRecord) -> Issue:
    maker = str(record.owner) if record.owner is not None else "an owner that it was taken from by its labels"
    message, advice = f"the pod comes from {maker}", "change its owner; `weft label` and `weft delete` do work"
    return Issue(codes.INVALID, "error", record.ref, "metadata.name", message, "nothing is changed", advice)
