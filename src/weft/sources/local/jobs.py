"""What a Job does next, from its pods and what it has seen so far. Pure.

Source: batch/v1 Job, and Kubernetes, "Jobs" (pod backoff failure policy, completion mode, suspension, TTL).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct, structs

from weft.base.issues import Ref
from weft.model.kubernetes import Job

FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 360.0
"""Seconds before a failed pod is replaced: the first time, and at most; each failure doubles the pause (Kubernetes)."""

Fate = Literal["succeeded", "failed", "dropped"]
"""How a pod ended; one is dropped where the Job itself ended it and it counts as neither."""

_COMPLETE: Final = ("CompletionsReached", "Reached expected number of succeeded pods")
_BACKOFF: Final = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
_DEADLINE: Final = ("DeadlineExceeded", "Job was active longer than specified deadline")


class JobPod(Struct, frozen=True, kw_only=True):
    """A pod of a Job: how it is, and how often its containers were started again. `index` is its completion index."""

    uid: str
    index: int | None
    state: Literal["active", "succeeded", "failed"]
    ready: bool
    restarts: int
    created: int


class JobRecord(Struct, frozen=True, kw_only=True):
    """What a Job has come to. Times in Unix seconds.

    `spec` is what it does: what can't be changed stays as it was first. `fates` are those of pods by uid, `indexes`
    those that are completed. `retries` counts the failures since the last success, `failed_at` is the last one's time.
    """

    ref: Ref
    uid: str
    spec: Job
    started: float | None = None
    ended: float | None = None
    result: Literal["", "Complete", "Failed"] = ""
    reason: str = ""
    message: str = ""
    fates: dict[str, Fate] = {}
    indexes: tuple[int, ...] = ()
    retries: int = 0
    failed_at: float = 0

    def count(self, fate: Fate) -> int:
        """How many pods ended so."""
        return sum(each == fate for each in self.fates.values())

    @property
    def completions(self) -> int | None:
        """How many pods have to succeed; None where one is enough once all have ended (API reference)."""
        spec = self.spec
        return 1 if spec.completions is None and spec.parallelism is None else spec.completions

    @property
    def parallelism(self) -> int:
        """How many pods run at a time."""
        return 1 if self.spec.parallelism is None else self.spec.parallelism


class JobStep(Struct, frozen=True):
    """What to do now: pods to make, by completion index (None: without), and the uids of pods to end."""

    create: tuple[int | None, ...] = ()
    end: tuple[str, ...] = ()


def observed(record: JobRecord, pods: Sequence[JobPod], now: float) -> JobRecord:
    """Counts pods that have ended since, then judges whether the Job is over."""
    if not record.result and record.spec.suspend:
        record = structs.replace(record, started=None)
    elif record.started is None:
        record = structs.replace(record, started=now)
    for pod in pods:
        if pod.state != "active" and pod.uid not in record.fates:
            record = _ended(record, pod, pod.state, now)
    if record.result:
        return record
    active = [pod for pod in pods if pod.state == "active"]
    failure = _failure(record, active, now)
    if failure is not None:
        lost: dict[str, Fate] = {pod.uid: "failed" for pod in active}
        return _over(structs.replace(record, fates=record.fates | lost), "Failed", failure, now)
    return _over(record, "Complete", _COMPLETE, now) if _is_complete(record, len(active)) else record


def next_step(record: JobRecord, pods: Sequence[JobPod], now: float) -> JobStep:
    """The next step of an observed Job. Failed pods are replaced after a pause only."""
    active = [pod for pod in pods if pod.state == "active"]
    if record.result or record.spec.suspend:
        return JobStep(end=tuple(pod.uid for pod in active))
    wanted = _wanted(record, len(active))
    surplus = sorted(active, key=lambda pod: (pod.ready, -pod.created, pod.uid))[: max(0, len(active) - wanted)]
    missing = wanted - len(active) if retry_time(record) <= now else 0
    taken = {pod.index for pod in active}
    return JobStep(tuple(_indexes(record, taken, missing)), tuple(pod.uid for pod in surplus))


def dropped(record: JobRecord, uids: Sequence[str]) -> JobRecord:
    """Notes which pods the Job ends itself: they count neither as succeeded nor as failed."""
    fates: dict[str, Fate] = {uid: "dropped" for uid in uids if uid not in record.fates}
    return structs.replace(record, fates=record.fates | fates) if fates else record


def retry_time(record: JobRecord) -> float:
    """When the next pod may be made, after failures."""
    if not record.retries:
        return 0
    doubled: int = 2 ** min(record.retries - 1, 16)
    return record.failed_at + min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


def wake_time(record: JobRecord, now: float) -> float | None:
    """When the Job is to be looked at again although nothing else happens; None if never."""
    spec = record.spec
    times = []
    if record.ended is not None:
        times = [record.ended + ttl for ttl in (spec.ttl_seconds_after_finished,) if ttl is not None]
    elif not spec.suspend:
        times = [retry_time(record)]
        if spec.active_deadline_seconds is not None and record.started is not None:
            times.append(record.started + spec.active_deadline_seconds)
    return min((time for time in times if time > now), default=None)


def is_expired(record: JobRecord, now: float) -> bool:
    """Whether the Job is over for longer than it shall be kept."""
    ttl = record.spec.ttl_seconds_after_finished
    return ttl is not None and record.ended is not None and now >= record.ended + ttl


def index_ranges(indexes: Sequence[int]) -> str:
    """Completion indexes as the API writes them: `0-2,5`."""
    parts: list[list[int]] = []
    for index in sorted(indexes):
        if parts and index == parts[-1][-1] + 1:
            parts[-1][1:] = [index]
        else:
            parts.append([index])
    return ",".join("-".join(map(str, part)) for part in parts)


def _ended(record: JobRecord, pod: JobPod, fate: Fate, now: float) -> JobRecord:
    fates = record.fates | {pod.uid: fate}
    if fate == "failed":
        return structs.replace(record, fates=fates, retries=record.retries + 1, failed_at=now)
    done = record.indexes if pod.index is None else tuple(sorted({*record.indexes, pod.index}))
    return structs.replace(record, fates=fates, indexes=done, retries=0)


def _failure(record: JobRecord, active: Sequence[JobPod], now: float) -> tuple[str, str] | None:
    """Why the Job has failed. Where containers are started again in their pod, those restarts count, too."""
    spec, limit = record.spec, record.spec.backoff_limit
    restarts = sum(pod.restarts for pod in active) if spec.template.spec.restart_policy == "OnFailure" else 0
    if record.count("failed") > limit or (restarts and restarts >= limit):
        return _BACKOFF
    deadline = spec.active_deadline_seconds
    late = deadline is not None and record.started is not None and now >= record.started + deadline
    return _DEADLINE if late else None


def _is_complete(record: JobRecord, active: int) -> bool:
    if record.completions is None:
        return not active and record.count("succeeded") > 0
    return _succeeded(record) >= record.completions


def _succeeded(record: JobRecord) -> int:
    return len(record.indexes) if record.spec.completion_mode == "Indexed" else record.count("succeeded")


def _over(record: JobRecord, result: Literal["Complete", "Failed"], why: tuple[str, str], now: float) -> JobRecord:
    return structs.replace(record, result=result, reason=why[0], message=why[1], ended=now)


def _wanted(record: JobRecord, active: int) -> int:
    """How many pods should be active. Where the first success decides, none is made after it."""
    if record.completions is None:
        return active if record.count("succeeded") else record.parallelism
    return min(record.parallelism, record.completions - _succeeded(record))


def _indexes(record: JobRecord, taken: set[int | None], missing: int) -> Iterator[int | None]:
    if record.spec.completion_mode != "Indexed":
        yield from (None for _ in range(missing))
        return
    done = {*taken, *record.indexes}
    free = (index for index in range(record.completions or 0) if index not in done)
    yield from (index for index, _ in zip(free, range(missing), strict=False))
