"""Pods as people see them: in the form of Kubernetes (core/v1 Pod)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from weft.apps.timestamps import timestamp
from weft.model.local import ContainerEnd, ContainerReport, PodReport
from weft.sources.local.plans import PodPlan, explained, pod_object
from weft.sources.local.pods import POD, PodRecord

Manifest = dict[str, Any]


class PodView(Struct, frozen=True):
    """A pod, what was decided about it, what the node last said of it, and the name of the machine that runs it."""

    record: PodRecord
    plan: PodPlan | None
    report: PodReport | None
    node: str = ""


def pod_manifest(view: PodView) -> Manifest:
    """A pod: its spec as its author wrote it when the pod was made, its metadata and status as they are now."""
    record, plan = view.record, view.plan or PodPlan(record=view.record, addresses=())
    annotations = pod_object(plan, None).metadata.annotations
    metadata: Manifest = {
        "name": record.name,
        "namespace": record.namespace,
        "uid": record.uid,
        "labels": record.marks.labels,
        "annotations": annotations,
        "creationTimestamp": timestamp(record.created),
        "ownerReferences": _owners(record),
    }
    if record.deleted is not None:
        metadata["deletionTimestamp"] = timestamp(record.deleted)
    report = explained(plan, view.report) if view.report is not None else None
    status = pod_status(report, plan.addresses, injected=record.injected != "none")
    spec = record.written | ({"nodeName": view.node} if view.node else {})
    return {"apiVersion": "v1", "kind": POD, "metadata": metadata, "spec": spec, "status": status}


def pod_status(report: PodReport | None, addresses: Sequence[str], *, injected: bool) -> Manifest:
    """The status of a pod in the form of Kubernetes; the Envoy of a pod is its container `istio-proxy`."""
    network = {"podIP": next(iter(addresses), ""), "podIPs": [{"ip": each} for each in addresses]}
    if report is None:
        return {"phase": "Pending", **network, "conditions": [], "containerStatuses": []}
    units = [*report.containers, *([report.proxy] if report.proxy is not None and injected else [])]
    return {
        "phase": report.phase,
        "reason": report.reason,
        "message": report.message,
        **network,
        "startTime": timestamp(report.started),
        "conditions": [{"type": "Ready", "status": "True" if report.ready else "False"}],
        "containerStatuses": [_container_status(unit) for unit in units],
    }


def _container_status(unit: ContainerReport) -> Manifest:
    return {
        "name": unit.name,
        "ready": unit.ready,
        "restartCount": unit.restarts,
        "started": unit.state == "running",
        "state": {unit.state: _state(unit)},
        "lastState": {"terminated": _end(unit.last)} if unit.last is not None else {},
    }


def _state(unit: ContainerReport) -> Manifest:
    if unit.state == "running":
        return {"startedAt": timestamp(unit.started), "pid": unit.pid}
    if unit.state == "terminated":
        return _end(ContainerEnd(unit.reason, unit.message, unit.exit_code, unit.started, unit.finished))
    return {"reason": unit.reason, "message": unit.message}


def _end(end: ContainerEnd) -> Manifest:
    return {
        "reason": end.reason,
        "message": end.message,
        "exitCode": end.exit_code,
        "startedAt": timestamp(end.started),
        "finishedAt": timestamp(end.finished),
    }


def _owners(record: PodRecord) -> list[dict[str, str]]:
    if record.owner is None or record.owner.kind == POD:
        return []
    kind, _, group = record.owner.kind.partition(".")
    return [{"apiVersion": f"{group}/v1", "kind": kind, "name": record.owner.name}]
