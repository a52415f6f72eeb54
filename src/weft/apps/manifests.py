"""Objects as people see them: with the metadata, addresses and status that the mesh adds. Pure over the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from weft.base.issues import Ref
from weft.model.kinds import Kinds
from weft.model.local import ContainerReport, PodReport
from weft.model.objects import Object
from weft.sources.local.cluster import DEPLOYMENT, POD, SERVICE, LocalCluster
from weft.sources.local.pods import PodRecord


class Manifests:
    """Manifests of the objects of a cluster."""

    def __init__(self, cluster: LocalCluster, kinds: Kinds) -> None:
        self._cluster = cluster
        self._kinds = kinds

    def all(self, kind: str, namespace: str | None) -> list[dict[str, Any]]:
        """All objects of a kind, sorted by namespace and name."""
        if kind == POD:
            records = [r for r in self._cluster.pods.records() if namespace in (None, r.namespace)]
            return [self._pod(record) for record in records]
        refs = [r for r in self._cluster.store.refs() if r.kind == kind and namespace in (None, r.namespace)]
        return [found for ref in refs if (found := self.one(ref)) is not None]

    def one(self, ref: Ref) -> dict[str, Any] | None:
        """One object, None if there is none."""
        if ref.kind == POD:
            record = self._cluster.pods.named(ref.namespace, ref.name)
            return self._pod(record) if record is not None else None
        value, body = self._cluster.store.value(ref), self._cluster.store.body(ref)
        if value is None or body is None:
            return None
        metadata = dict(body.get("metadata") or {})
        if value.metadata.namespace:
            metadata["namespace"] = value.metadata.namespace
        if value.metadata.created:
            metadata["creationTimestamp"] = timestamp(value.metadata.created)
        body = {**body, "metadata": metadata}
        if ref.kind == SERVICE:
            body["spec"] = {**(body.get("spec") or {}), **self._service_address(ref)}
        elif ref.kind == DEPLOYMENT and isinstance(value, Object):
            body["status"] = self._deployment_status(ref, value.spec.replicas)
        return body

    def _service_address(self, ref: Ref) -> dict[str, str]:
        found = self._cluster.object(ref)
        return {"clusterIP": found.spec.cluster_ip} if found is not None and found.spec.cluster_ip else {}

    def _deployment_status(self, ref: Ref, replicas: int) -> dict[str, int]:
        mine = [r for r in self._cluster.pods.records() if r.owner == ref and r.deleted is None]
        ready = sum(self._cluster.pods.is_ready(r.uid) for r in mine)
        newest = max((r.created for r in mine), default=0)
        current = {r.template for r in mine if r.created == newest}
        updated = sum(r.template in current for r in mine)
        counts = {"readyReplicas": ready, "availableReplicas": ready, "updatedReplicas": updated}
        return {"replicas": len(mine), **counts, "unavailableReplicas": max(0, replicas - ready)}

    def _pod(self, record: PodRecord) -> dict[str, Any]:
        plan = self._cluster.plan(record)
        report = self._cluster.pods.report(record.uid)
        owner = self._cluster.store.body(record.owner) or {}
        spec = owner.get("spec") or {}
        if record.owner.kind == DEPLOYMENT:
            spec = (spec.get("template") or {}).get("spec") or {}
        template = record.content.metadata
        labels = plan.pod.metadata.labels if plan is not None else template.labels
        metadata: dict[str, Any] = {
            "name": record.name,
            "namespace": record.namespace,
            "uid": record.uid,
            "labels": labels,
            "annotations": plan.pod.metadata.annotations if plan is not None else template.annotations,
            "creationTimestamp": timestamp(record.created),
            "ownerReferences": _owners(record),
        }
        if record.deleted is not None:
            metadata["deletionTimestamp"] = timestamp(record.deleted)
        address = plan.address if plan is not None else ""
        injected = plan is not None and plan.template != "none"
        status = pod_status(report, address, injected=injected)
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def pod_status(report: PodReport | None, address: str, *, injected: bool) -> dict[str, Any]:
    """The status of a pod in the form of Kubernetes; the Envoy of a pod is its container `istio-proxy`."""
    if report is None:
        return {"phase": "Pending", "podIP": address, "conditions": [], "containerStatuses": []}
    units = [*report.containers, *([report.proxy] if report.proxy is not None and injected else [])]
    return {
        "phase": report.phase,
        "reason": report.reason,
        "message": report.message,
        "podIP": address,
        "startTime": timestamp(report.started),
        "conditions": [{"type": "Ready", "status": "True" if report.ready else "False"}],
        "containerStatuses": _container_statuses(units),
    }


def _container_statuses(units: Sequence[ContainerReport]) -> list[dict[str, Any]]:
    return [
        {
            "name": unit.name,
            "ready": unit.ready,
            "restartCount": unit.restarts,
            "started": unit.state == "running",
            "state": {unit.state: _state(unit)},
        }
        for unit in units
    ]


def _state(unit: ContainerReport) -> dict[str, Any]:
    if unit.state == "running":
        return {"startedAt": timestamp(unit.started), "pid": unit.pid}
    said = {"reason": unit.reason, "message": unit.message}
    return {**said, "exitCode": unit.exit_code} if unit.state == "terminated" else said


def _owners(record: PodRecord) -> list[dict[str, str]]:
    if record.owner.kind != DEPLOYMENT:
        return []
    return [{"apiVersion": "apps/v1", "kind": "Deployment", "name": record.owner.name}]


def timestamp(seconds: float) -> str:
    """A time as Kubernetes writes it (RFC 3339)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
