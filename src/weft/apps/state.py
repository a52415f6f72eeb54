"""The state of a running controller, and what follows from each change of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from weft import __version__
from weft.apps.authority import Identity
from weft.apps.bootstraps import ProxyBootstraps
from weft.apps.manifests import Manifests
from weft.apps.pipeline import Pipeline
from weft.apps.views import ProxyViews
from weft.base.issues import Issue, LocatedIssue, Ref
from weft.identity.profiles import Subject
from weft.model.kinds import Kinds
from weft.model.local import Credentials, NodeOrders, PodReport
from weft.serve.ads.registry import Registry
from weft.serve.ads.server import DiscoveryService
from weft.serve.ads.states import ProxyState
from weft.serve.callers import Pod
from weft.serve.http.contract import Applied, MeshStatus, PodCount
from weft.sources.changes import Changes
from weft.sources.local.cluster import POD, LocalCluster
from weft.sources.local.events import Event

_WORST_FIRST: Final = {"error": 0, "warning": 1, "info": 2}


class ControllerParts(Struct, frozen=True, kw_only=True):
    """What a controller is made of; `mesh` is the mesh's name, `folder` the one that its objects come from."""

    mesh: str
    folder: str
    kinds: Kinds
    pipeline: Pipeline
    cluster: LocalCluster
    identity: Identity
    bootstraps: ProxyBootstraps


class ControllerState:
    """Takes changes from files, commands and the node; publishes what follows to proxies and to the node.

    It is what the API asks (`serve.http.contract`: Objects, MeshView and Node).
    """

    def __init__(self, parts: ControllerParts) -> None:
        self.kinds = parts.kinds
        self._parts = parts
        self._pipeline = parts.pipeline
        self._cluster = parts.cluster
        self._identity = parts.identity
        self._started = int(time.time())
        self._node_seen: int | None = None
        self._manifests = Manifests(parts.cluster, parts.kinds)
        self._changed = asyncio.Event()
        self._ending = False
        self.registry = Registry()
        self.views = ProxyViews(parts.pipeline.mesh, parts.pipeline.resources, self._uid_of)
        self.discovery = DiscoveryService(
            guard=parts.identity.guard,
            pods=self.pod,
            views=self.views,
            secrets=parts.identity.secrets,
            registry=self.registry,
        )

    # ---- changes -----------------------------------------------------------------------------------------------
    def take_files(self, changes: Changes) -> None:
        """Takes what changed in the folder."""
        self._cluster.refresh(self._cluster.store.take(changes))
        self._publish()

    def tick(self) -> None:
        """Does what is due although nothing changed."""
        self._cluster.refresh(())
        self._publish()
        self.views.forget_unused(lambda uid: bool(self.registry.of_pod(uid)))

    @property
    def unsettled(self) -> bool:
        """Whether time alone changes something soon."""
        return self._cluster.ending

    def end(self) -> None:
        """Lets go of a node that waits for news: the controller ends."""
        self._ending = True
        self._changed.set()

    def _publish(self) -> None:
        for uid in self.views.refresh():
            self.discovery.reassign(uid)
        alive = {record.uid for record in self._cluster.pods.records() if record.deleted is None}
        for uid in {state.pod_uid for state in self.registry.states()} - alive:
            self.registry.close_pod(uid)
            self._identity.secrets.forget(uid)
        self._changed.set()
        self._changed = asyncio.Event()

    # ---- pods and their proxies --------------------------------------------------------------------------------
    def pod(self, uid: str) -> Pod | None:
        """A pod by its uid; None once it was deleted."""
        record = self._cluster.pods.get(uid)
        plan = self._cluster.plan(record) if record is not None else None
        if record is None or plan is None:
            return None
        uid_of_workload = f"{self._pipeline.mesh.settings().cluster}//Pod/{record.namespace}/{record.name}"
        workload = self._pipeline.mesh.inventory.workload(uid_of_workload)
        app, version = workload.canonical if workload is not None else ("", "")
        subject = Subject(workload=plan.pod.metadata.name, version=version, app=app)
        return Pod(uid, record.namespace, record.name, plan.pod.spec.account, subject)

    def _uid_of(self, pod: Pod) -> str:
        return f"{self._pipeline.mesh.settings().cluster}//Pod/{pod.namespace}/{pod.name}"

    # ---- Objects -----------------------------------------------------------------------------------------------
    def manifests(self, kind: str, namespace: str | None) -> list[dict[str, Any]]:
        """As in `contract.Objects`."""
        return self._manifests.all(kind, namespace)

    def manifest(self, ref: Ref) -> dict[str, Any] | None:
        """As in `contract.Objects`."""
        return self._manifests.one(ref)

    def apply(self, body: dict[str, Any]) -> Applied:
        """As in `contract.Objects`."""
        decoded = self._cluster.store.decode(body)
        issues = tuple(LocatedIssue(issue) for issue in decoded.issues)
        if decoded.value is None or any(issue.severity == "error" for issue in decoded.issues):
            return Applied(decoded.value.ref if decoded.value is not None else None, "refused", issues)
        ref = decoded.value.ref
        known = self._cluster.store.body(ref) if self._cluster.store.value(ref) is not None else None
        if known == body:
            return Applied(ref, "unchanged", issues)
        self._cluster.store.put(ref, body)
        self._cluster.refresh((ref,))
        self._publish()
        return Applied(ref, "configured" if known is not None else "created", (*issues, *self.issues(ref)))

    def label(self, ref: Ref, changes: dict[str, str | None]) -> Applied:
        """As in `contract.Objects`."""
        body = self._cluster.store.body(ref) if self._cluster.store.value(ref) is not None else None
        if body is None:
            raise KeyError(str(ref))
        metadata = dict(body.get("metadata") or {})
        labels = dict(metadata.get("labels") or {})
        labels.update({key: value for key, value in changes.items() if value is not None})
        for key in [key for key, value in changes.items() if value is None]:
            labels.pop(key, None)
        return self.apply({**body, "metadata": {**metadata, "labels": labels}})

    def delete(self, ref: Ref) -> bool:
        """As in `contract.Objects`. A pod of a Deployment is ended, and another one takes its place."""
        if ref.kind == POD and self._cluster.store.value(ref) is None:
            record = self._cluster.pods.named(ref.namespace, ref.name)
            if record is None or record.deleted is not None:
                return False
            self._cluster.pods.end(record.uid)
        elif not self._cluster.store.delete(ref):
            return False
        self._cluster.refresh((ref,))
        self._publish()
        return True

    def events(self, namespace: str | None) -> Sequence[Event]:
        """As in `contract.Objects`."""
        return self._cluster.events.events(namespace)

    def issues(self, ref: Ref | None) -> tuple[LocatedIssue, ...]:
        """As in `contract.Objects`."""
        located = (*self._cluster.store.issues(), *map(self._locate, self._pipeline.issues()), *self._cluster.issues())
        found = {issue: None for issue in located if ref is None or issue.issue.ref == ref}
        return tuple(sorted(found, key=lambda each: _WORST_FIRST[each.issue.severity]))

    def _locate(self, issue: Issue) -> LocatedIssue:
        position = self._cluster.store.position(issue.ref, issue.path) if issue.ref is not None else None
        return LocatedIssue(issue, position)

    # ---- MeshView ----------------------------------------------------------------------------------------------
    def status(self) -> MeshStatus:
        """As in `contract.MeshView`."""
        records = [record for record in self._cluster.pods.records() if record.deleted is None]
        ready = sum(self._cluster.pods.is_ready(record.uid) for record in records)
        counts: dict[str, int] = {}
        for proxy in self.registry.states():
            worst = max((each.status for each in proxy.types), key=_BADNESS.index, default="NOT SENT")
            counts[worst] = counts.get(worst, 0) + 1
        return MeshStatus(
            mesh=self._parts.mesh,
            version=__version__,
            isolation="netns",
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
            except TimeoutError:
                return None
        return None

    def report(self, reports: Sequence[PodReport]) -> None:
        """As in `contract.Node`."""
        self._node_seen = int(time.time())
        if self._cluster.report(reports):
            self._publish()

    def credentials(self, uid: str) -> Credentials | None:
        """As in `contract.Node`."""
        pod = self.pod(uid)
        return self._identity.credentials(pod) if pod is not None else None


_BADNESS: Final = ("SYNCED", "STALE", "NOT SENT", "ERROR")


def related_objects(pipeline: Pipeline, ref: Ref) -> dict[str, list[str]]:
    """Endpoints of a service; policies in force at a pod, and services that lead to it."""
    mesh = pipeline.mesh
    if ref.kind == "Service":
        host = f"{ref.name}.{ref.namespace}.svc.{mesh.settings().cluster_domain}"
        service = mesh.inventory.service(ref.namespace, host)
        if service is None:
            return {}
        found = ((port, mesh.endpoint_table.of(service, port.number)) for port in service.ports)
        return {
            f"Endpoints {port.name or port.number}": [f"{e.address}:{e.port}" for e in endpoints if e.healthy]
            for port, endpoints in found
        }
    if ref.kind != POD:
        return {}
    workload = mesh.inventory.workload(f"{mesh.settings().cluster}//Pod/{ref.namespace}/{ref.name}")
    if workload is None:
        return {}
    inbound = mesh.inbound(mesh.key(workload, "own").server)
    policies = [f"{a.source.kind} {a.source.namespace}/{a.source.name}" for a in inbound.other.authorizations]
    return {
        "Services": sorted({port.service for port in inbound.ports if port.service}),
        "Mutual TLS": [f"{port.port}: {port.mutual}" for port in (*inbound.ports, inbound.other)],
        "Authorization": policies,
    }
