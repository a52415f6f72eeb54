"""The status of a Job in the form of Kubernetes (batch/v1 JobStatus)."""

from collections.abc import Iterator, Sequence
from typing import Any

from weft.apps.timestamps import timestamp
from weft.sources.local.jobs import JobPod, JobRecord, index_ranges

Manifest = dict[str, Any]


def job_status(record: JobRecord | None, pods: Sequence[JobPod]) -> Manifest:
    """How a Job is; `record` is None for one that was not begun."""
    if record is None:
        return {}
    active = [pod for pod in pods if pod.state == "active"]
    status: Manifest = {
        "active": len(active),
        "ready": sum(pod.ready for pod in active),
        "succeeded": record.count("succeeded"),
        "failed": record.count("failed"),
        "conditions": list(_conditions(record)),
    }
    if record.started is not None:
        status["startTime"] = timestamp(record.started)
    if record.ended is not None and record.result == "Complete":
        status["completionTime"] = timestamp(record.ended)
    if record.spec.completion_mode == "Indexed":
        status["completedIndexes"] = index_ranges(record.indexes)
    return status


def _conditions(record: JobRecord) -> Iterator[Manifest]:
    if record.result and record.ended is not None:
        yield {
            "type": record.result,
            "status": "True",
            "reason": record.reason,
            "message": record.message,
            "lastTransitionTime": timestamp(record.ended),
        }
    elif record.spec.suspend:
        yield {"type": "Suspended", "status": "True", "reason": "JobSuspended", "message": "Job suspended"}
