"""What the controller is told about a pod; pure. Phases are Kubernetes'
(https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase)."""

from typing import Literal

from weft.model.local import PodReport
from weft.node.lifecycle import UnitRecord, container_report
from weft.node.specs import PROXY_NAME

Phase = Literal["Pending", "Running", "Succeeded", "Failed", "Unknown"]


def pod_report(
    uid: str,
    containers: dict[str, UnitRecord],
    proxy: UnitRecord | None,
    *,
    created: float,
    reason: str = "",
    message: str = "",
) -> PodReport:
    """The report of a pod. A pod with a `reason` of its own (it can't start, or it is going away) is not ready."""
    units = [*containers.values(), *([proxy] if proxy else [])]
    return PodReport(
        uid=uid,
        phase=_phase(containers, proxy),
        ready=not reason and bool(units) and all(unit.ready for unit in units),
        reason=reason,
        message=message,
        containers=tuple(container_report(name, record) for name, record in containers.items()),
        proxy=container_report(PROXY_NAME, proxy) if proxy else None,
        started=int(created),
    )


def is_done(containers: dict[str, UnitRecord]) -> bool:
    """Whether all containers of a pod have ended for good."""
    return bool(containers) and all(record.done for record in containers.values())


def _phase(containers: dict[str, UnitRecord], proxy: UnitRecord | None) -> Phase:
    if is_done(containers):
        return "Succeeded" if all(record.exit_code == 0 for record in containers.values()) else "Failed"
    records = list(containers.values()) or ([proxy] if proxy else [])
    return "Running" if records and all(record.started for record in records) else "Pending"
