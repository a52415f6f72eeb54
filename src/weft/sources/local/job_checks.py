"""What of a Job can't be done. Pure. Source: Kubernetes API reference, batch/v1 JobSpec, and its validation."""

from collections.abc import Iterator
from typing import Final

from weft.model import kubernetes as api
from weft.model.fields import FieldPath

Caution = tuple[FieldPath, str, str]
"""A field that is wrong or not supported: its path, what is wrong or happens because of it, and the way out."""

_LONGEST_NAME: Final = 63
"""Of a Job: its name is the value of a label of its pods."""
_MOST_INDEXES: Final = 100_000
_NOT_NEGATIVE: Final = {
    "completions": "completions",
    "parallelism": "parallelism",
    "backoff_limit": "backoffLimit",
    "active_deadline_seconds": "activeDeadlineSeconds",
    "ttl_seconds_after_finished": "ttlSecondsAfterFinished",
}
_CONTROLLER: Final = "kubernetes.io/job-controller"


def job_errors(spec: api.Job, name: str) -> Iterator[Caution]:
    """What an API server would refuse: the field, the message, the way out."""
    if len(name) > _LONGEST_NAME:
        yield ("metadata", "name"), f"the name of a Job is at most {_LONGEST_NAME} characters", "shorten it"
    for field, written in _NOT_NEGATIVE.items():
        value = getattr(spec, field)
        if value is not None and value < 0:
            yield ("spec", written), "a number below 0 means nothing here", "write 0 or more"
    if spec.template.spec.restart_policy == "Always":
        path = ("spec", "template", "spec", "restartPolicy")
        yield path, "pods of a Job end: they can't always be restarted", "write Never or OnFailure"
    if spec.completion_mode == "Indexed" and spec.completions is None:
        yield ("spec", "completions"), "an indexed Job needs a number of completions", "write how many"
    if spec.completion_mode == "Indexed" and (spec.completions or 0) > _MOST_INDEXES:
        yield ("spec", "completions"), f"an indexed Job has at most {_MOST_INDEXES:,} completions", "write fewer"
    if spec.selector is not None and not spec.manual_selector:
        yield ("spec", "selector"), "the selector of a Job is made with it", "remove it"


def job_cautions(spec: api.Job) -> Iterator[Caution]:
    """What the API has and is not supported: the field, what happens instead, the way out."""
    if spec.pod_failure_policy is not None:
        yield ("spec", "podFailurePolicy"), "each pod that fails counts towards backoffLimit", ""
    if spec.success_policy is not None:
        yield ("spec", "successPolicy"), "all completions are needed", ""
    if spec.backoff_limit_per_index is not None or spec.max_failed_indexes is not None:
        field = "backoffLimitPerIndex" if spec.backoff_limit_per_index is not None else "maxFailedIndexes"
        yield ("spec", field), "failures of all indexes count together towards backoffLimit", ""
    if spec.pod_replacement_policy == "Failed":
        yield ("spec", "podReplacementPolicy"), "a pod that is deleted is replaced at once", ""
    if spec.managed_by not in ("", _CONTROLLER):
        yield ("spec", "managedBy"), "the Job is run as any other", ""
    if spec.manual_selector:
        yield ("spec", "manualSelector"), "only the pods that the Job made itself count", "remove it and the selector"
