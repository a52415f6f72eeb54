"""Runs Jobs: makes their pods, counts how those end, and says when a Job is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal

from msgspec import structs

from weft.base.issues import Issue, Ref
from weft.dialects.kubernetes.injection import PROXY_CONTAINER
from weft.model import codes
from weft.model.kubernetes import Container, EnvVar, Job, PodTemplate
from weft.model.local import PodReport
from weft.model.objects import Object
from weft.sources.local.events import EventLog
from weft.sources.local.job_records import JobRecords
from weft.sources.local.jobs import JobPod, JobRecord, dropped, is_expired, next_step, observed, wake_time
from weft.sources.local.pod_maker import PodMaker, marked
from weft.sources.local.pods import PodRecord, Pods

JOB: Final = "Job.batch"
JOB_NAME: Final = "batch.kubernetes.io/job-name"
CONTROLLER_UID: Final = "batch.kubernetes.io/controller-uid"
COMPLETION_INDEX: Final = "batch.kubernetes.io/job-completion-index"
"""Labels of a Job's pods; the last one is an annotation of theirs, too (Kubernetes, "Well-Known Labels")."""

_INDEX_VARIABLE: Final = "JOB_COMPLETION_INDEX"
_FORMER_LABELS: Final = {"job-name": JOB_NAME, "controller-uid": CONTROLLER_UID}
_LONGEST_BEGINNING: Final = 57
"""Characters of a pod's name before its random end: together they make a host name (RFC 1123)."""

_IMMUTABLE: Final = {"template": "template", "completions": "completions", "completion_mode": "completionMode"}
"""What of a Job can't be changed (batch/v1 JobSpec), by the names of our fields and the API's."""


class JobRunner:
    """Does what Jobs ask for. `clock` gives Unix seconds."""

    def __init__(
        self, pods: Pods, records: JobRecords, maker: PodMaker, *, events: EventLog, clock: Callable[[], float]
    ) -> None:
        self._pods = pods
        self._records = records
        self._maker = maker
        self._events = events
        self._clock = clock
        self._wake: dict[Ref, float] = {}

    def reconcile(self, job: Object[Job]) -> bool:
        """Does all that can be done now; True if the Job is over for so long that it is to be deleted."""
        now = self._clock()
        known = self._records.get(job.ref)
        begun = self._with_spec(self._records.begin(job.ref, job.spec), job.spec)
        pods = self._job_pods(begun)
        record = observed(begun, pods, now)
        step = next_step(record, pods, now)
        record = dropped(record, step.end)
        self._records.put(record)
        self._tell(known, record)
        for uid in step.end:
            self._pods.end(uid)
        for index in step.create:
            self._make(job, record, index)
        wake = wake_time(record, now)
        if wake is not None:
            self._wake[job.ref] = wake
        return is_expired(record, now)

    def end(self, ref: Ref) -> None:
        """Forgets a Job that is gone; its pods are ended as those of other owners."""
        self._records.forget(ref)
        self._wake.pop(ref, None)

    def refs(self) -> set[Ref]:
        """All Jobs that were begun."""
        return self._records.refs()

    def record(self, ref: Ref) -> JobRecord | None:
        """What a Job has come to."""
        return self._records.get(ref)

    def pods(self, ref: Ref) -> list[JobPod]:
        """The pods of a Job that there still are."""
        record = self._records.get(ref)
        return self._job_pods(record) if record is not None else []

    def take_due(self) -> set[Ref]:
        """The Jobs that time alone brings something for."""
        now = self._clock()
        due = {ref for ref, time in self._wake.items() if time <= now}
        for ref in due:
            del self._wake[ref]
        return due

    @property
    def is_due(self) -> bool:
        """Whether there are such."""
        now = self._clock()
        return any(time <= now for time in self._wake.values())

    def refusals(self, job: Object[Job]) -> Iterator[Issue]:
        """What of a Job can't be changed any more, and is otherwise than it was."""
        record = self._records.get(job.ref)
        for field, name in _IMMUTABLE.items() if record is not None else ():
            if record is not None and getattr(record.spec, field) != getattr(job.spec, field):
                advice = "delete the Job first, or give the new one another name"
                effect = "the Job goes on as it was"
                yield Issue(codes.INVALID, "error", job.ref, f"spec.{name}", "field is immutable", effect, advice)

    def _with_spec(self, record: JobRecord, spec: Job) -> JobRecord:
        """A record with what may have been changed of its Job; a Job of which more was changed stays as it is."""
        fixed = {field: getattr(record.spec, field) for field in _IMMUTABLE}
        if any(getattr(spec, field) != value for field, value in fixed.items()):
            return record
        return structs.replace(record, spec=spec)

    def _job_pods(self, job: JobRecord) -> list[JobPod]:
        """Those that it made itself: one of a former Job of its name may still be ending."""
        mine = (pod for pod in self._pods.of(job.ref) if pod.content.metadata.labels.get(CONTROLLER_UID) == job.uid)
        return [_job_pod(pod, self._pods.report(pod.uid)) for pod in mine]

    def _make(self, job: Object[Job], record: JobRecord, index: int | None) -> None:
        begin = job.metadata.name if index is None else f"{job.metadata.name}-{index}"
        if len(begin) > _LONGEST_BEGINNING:
            end = "" if index is None else f"-{index}"
            begin = job.metadata.name[: _LONGEST_BEGINNING - len(end)] + end
        made = self._maker.make_next(job, _content(record, index), begin)
        self._events.add(job.ref, "SuccessfulCreate", f"Created pod: {made}")

    def _tell(self, before: JobRecord | None, after: JobRecord) -> None:
        """Events of a Job, in the words of its controller in Kubernetes."""
        was_suspended = before is not None and before.spec.suspend
        if after.result and (before is None or not before.result):
            if after.result == "Complete":
                self._events.add(after.ref, "Completed", "Job completed")
            else:
                self._events.add(after.ref, after.reason, after.message, "Warning")
        elif after.spec.suspend and not was_suspended:
            self._events.add(after.ref, "Suspended", "Job suspended")
        elif was_suspended and not after.spec.suspend:
            self._events.add(after.ref, "Resumed", "Job resumed")


def selector_labels(record: JobRecord) -> dict[str, str]:
    """The labels that make a pod one of a Job's."""
    return {CONTROLLER_UID: record.uid}


def _content(record: JobRecord, index: int | None) -> PodTemplate:
    """What a pod of a Job is made from: with the Job's labels, and with its completion index (Kubernetes)."""
    labels = {JOB_NAME: record.ref.name, CONTROLLER_UID: record.uid}
    labels |= {former: labels[name] for former, name in _FORMER_LABELS.items()}
    if index is None:
        return marked(record.spec.template, labels)
    place = {COMPLETION_INDEX: str(index)}
    content = marked(record.spec.template, labels | place, place)
    containers = tuple(_numbered(container, index) for container in content.spec.containers)
    return structs.replace(content, spec=structs.replace(content.spec, containers=containers))


def _numbered(container: Container, index: int) -> Container:
    if container.name == PROXY_CONTAINER or any(variable.name == _INDEX_VARIABLE for variable in container.env):
        return container
    return structs.replace(container, env=(*container.env, EnvVar(_INDEX_VARIABLE, str(index))))


def _job_pod(record: PodRecord, report: PodReport | None) -> JobPod:
    index = record.content.metadata.annotations.get(COMPLETION_INDEX)
    phase = report.phase if report is not None else "Pending"
    state: Literal["active", "succeeded", "failed"] = "active"
    if phase == "Succeeded":
        state = "succeeded"
    elif phase == "Failed" or record.deleted is not None:  # somebody deleted it before it was done
        state = "failed"
    return JobPod(
        uid=record.uid,
        index=int(index) if index is not None else None,
        state=state,
        ready=report is not None and report.ready,
        restarts=sum(each.restarts for each in report.containers) if report is not None else 0,
        created=record.created,
    )
