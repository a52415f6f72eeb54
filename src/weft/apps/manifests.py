"""Objects as people see them: with the metadata, addresses and status that the mesh adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from weft.apps.job_status import job_status
from weft.apps.pod_manifests import PodView, pod_manifest
from weft.apps.timestamps import timestamp
from weft.base.issues import Ref
from weft.mesh.fragments import NAMESPACE
from weft.model.kinds import Kinds
from weft.model.kubernetes import Deployment, Job, Service
from weft.model.objects import Kind, Metadata, Object
from weft.sources.changes import Value
from weft.sources.local.cluster import LocalCluster
from weft.sources.local.namespaces import namespace_body
from weft.sources.local.pods import POD, PodRecord
from weft.sources.local.services import SERVICE

Manifest = dict[str, Any]


class ObjectView(Struct, frozen=True):
    """What is shown of an object besides its author's words: `added` field by field of those at its top."""

    kind: Kind | None
    metadata: Metadata
    added: Manifest


class Manifests:
    """Manifests of the objects of a cluster. `node` is the name of the machine that runs its pods."""

    def __init__(self, cluster: LocalCluster, kinds: Kinds, node: str = "") -> None:
        self._cluster = cluster
        self._kinds = kinds
        self._node = node

    def all(self, kind: str, namespace: str | None) -> Iterator[Manifest]:
        """All objects of a kind as they are now, sorted by namespace and name.

        What is returned reads what authors wrote, which takes long where there is much: it may be read in a thread.
        """
        if kind == POD:
            pods = [self._view(record) for record in self._cluster.pods.records(namespace)]
            return (pod_manifest(view) for view in pods)
        store = self._cluster.store
        implied = self._cluster.namespaces.implied() if kind == NAMESPACE else []
        refs = (ref for ref in store.refs(kind) if namespace in (None, ref.namespace))
        views = {ref: self._object_view(ref, value) for ref in refs if (value := store.value(ref)) is not None}
        return _read(store.bodies(views), views, implied)

    def one(self, ref: Ref) -> Manifest | None:
        """One object, None if there is none."""
        if ref.kind == POD:
            record = self._cluster.pods.named(ref)
            return pod_manifest(self._view(record)) if record is not None else None
        body, value = self.body(ref), self._cluster.store.value(ref)
        return object_manifest(body, self._object_view(ref, value)) if body is not None and value is not None else body

    def body(self, ref: Ref) -> Manifest | None:
        """What is said of an object, None if there is none."""
        if self._cluster.store.value(ref) is not None:
            return self._cluster.store.body(ref)
        is_implied = ref.kind == NAMESPACE and ref.name in self._cluster.namespaces.implied()
        return namespace_body(ref.name) if is_implied else None

    # ---- what the mesh adds ------------------------------------------------------------------------------------
    def _object_view(self, ref: Ref, value: Value) -> ObjectView:
        return ObjectView(self._kinds.get(ref.kind), value.metadata, self._added(ref, value))

    def _added(self, ref: Ref, value: Value) -> Manifest:
        """What the cluster knows of an object besides what its author wrote."""
        if ref.kind == NAMESPACE:
            return {"metadata": {"labels": self._cluster.namespace_labels(ref.name)}, "status": {"phase": "Active"}}
        if ref.kind == SERVICE:
            found = self._cluster.object(ref)
            return {"spec": _service_addresses(found.spec)} if found is not None and found.spec.cluster_ip else {}
        if isinstance(value, Object) and isinstance(value.spec, Deployment):
            return {"status": self._deployment_status(value)}
        if isinstance(value, Object) and isinstance(value.spec, Job):
            return {"status": job_status(self._cluster.jobs.record(ref), self._cluster.jobs.pods(ref))}
        return {}

    def _deployment_status(self, deployment: Object[Deployment]) -> dict[str, int]:
        mine = [record for record in self._cluster.pods.of(deployment.ref) if record.deleted is None]
        ready = sum(self._cluster.pods.is_ready(record.uid) for record in mine)
        template = self._cluster.template(deployment)
        return {
            "replicas": len(mine),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "updatedReplicas": sum(record.template == template for record in mine),
            "unavailableReplicas": max(0, deployment.spec.replicas - ready),
        }

    def _view(self, record: PodRecord) -> PodView:
        return PodView(record, self._cluster.plan(record.uid), self._cluster.pods.report(record.uid), self._node)


def _read(
    bodies: Callable[[], dict[Ref, Manifest]], views: dict[Ref, ObjectView], implied: list[str]
) -> Iterator[Manifest]:
    """The manifests of objects, and of namespaces that nobody declares, sorted by their keys."""
    found = {ref: object_manifest(body, views[ref]) for ref, body in bodies().items()}
    found |= {Ref(NAMESPACE, "", name): namespace_body(name) for name in implied}
    yield from (found[ref] for ref in sorted(found))


def object_manifest(body: Manifest, view: ObjectView) -> Manifest:
    """An object: what its author wrote, and what is added; apiVersion and kind only where a list left them out."""
    metadata: Manifest = {"name": view.metadata.name}
    if view.metadata.namespace:
        metadata["namespace"] = view.metadata.namespace
    if view.metadata.created:
        metadata["creationTimestamp"] = timestamp(view.metadata.created)
    result = {**(_envelope(view.kind) if view.kind is not None else {}), **body}
    for added in ({"metadata": metadata}, view.added):
        for field, values in added.items():
            result[field] = {**_fields(result.get(field)), **values}
    return result


def _service_addresses(spec: Service) -> Manifest:
    """What an API server adds to a Service: its addresses and their families."""
    policy = spec.ip_family_policy or ("SingleStack" if len(spec.ip_families) < 2 else "RequireDualStack")
    return {
        "clusterIP": spec.cluster_ip,
        "clusterIPs": list(spec.cluster_ips),
        "ipFamilies": list(spec.ip_families),
        "ipFamilyPolicy": policy,
    }


def _fields(value: Any) -> Manifest:
    """A value as fields; objects that can't be read may have anything in their place."""
    return value if isinstance(value, dict) else {}


def labels_of(manifest: Manifest) -> dict[str, Any]:
    """The labels of an object as its author wrote them."""
    return _fields(_fields(manifest.get("metadata")).get("labels"))


def _envelope(kind: Kind) -> Manifest:
    version = kind.versions[0]
    return {"apiVersion": f"{kind.group}/{version}" if kind.group else version, "kind": kind.name}
