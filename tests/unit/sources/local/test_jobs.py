"""What a Job does next: who counts, who is made, and when it is over."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from weft.base.issues import Ref
from weft.model.kubernetes import Job, PodSpec, PodTemplate
from weft.sources.local.jobs import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    Fate,
    JobPod,
    JobRecord,
    JobStep,
    dropped,
    index_ranges,
    is_expired,
    next_step,
    observed,
    retry_time,
    wake_time,
)

NEVER = PodTemplate(spec=PodSpec(restart_policy="Never"))
ON_FAILURE = PodTemplate(spec=PodSpec(restart_policy="OnFailure"))


def record(template: PodTemplate = NEVER, **spec: Any) -> JobRecord:
    return JobRecord(ref=Ref("Job.batch", "shop", "work"), uid="u", spec=Job(template=template, **spec))


def pod(uid: str, state: str = "active", *, index: int | None = None, restarts: int = 0, ready: bool = True) -> JobPod:
    return JobPod(uid=uid, index=index, state=state, ready=ready, restarts=restarts, created=0)  # type: ignore[arg-type]


# ---- how many --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("spec", "made"),
    [
        ({}, 1),
        ({"completions": 3}, 1),
        ({"completions": 3, "parallelism": 2}, 2),
        ({"completions": 2, "parallelism": 5}, 2),
        ({"parallelism": 4}, 4),
        ({"parallelism": 0}, 0),
        ({"suspend": True}, 0),
    ],
)
def test_as_many_pods_begin_as_may_run_and_are_needed(spec: dict[str, Any], made: int) -> None:
    assert next_step(observed(record(**spec), [], 0), [], 0) == JobStep((None,) * made)


def test_a_success_is_followed_by_the_next_pod_until_there_are_enough() -> None:
    first = observed(record(completions=2), [pod("a", "succeeded")], 5)
    assert not first.result
    assert next_step(first, [pod("a", "succeeded")], 5) == JobStep((None,))
    pods = [pod("a", "succeeded"), pod("b", "succeeded")]
    done = observed(first, pods, 9)
    assert (done.result, done.ended, done.count("succeeded")) == ("Complete", 9, 2)
    assert next_step(done, pods, 9) == JobStep()


def test_without_completions_the_first_success_decides_once_all_have_ended() -> None:
    job = observed(record(parallelism=2), [pod("a", "succeeded"), pod("b")], 0)
    assert not job.result
    assert next_step(job, [pod("a", "succeeded"), pod("b")], 0) == JobStep()
    assert observed(job, [pod("a", "succeeded"), pod("b", "failed")], 0).result == "Complete"


def test_no_completions_at_all_are_complete_at_once() -> None:
    assert observed(record(completions=0), [], 0).result == "Complete"


def test_a_pod_counts_once_also_when_it_is_gone() -> None:
    job = observed(record(completions=3), [pod("a", "succeeded")], 0)
    job = observed(job, [pod("a", "succeeded")], 1)
    assert observed(job, [], 2).count("succeeded") == 1


def test_lower_parallelism_ends_the_pods_that_are_missed_least_and_does_not_count_them() -> None:
    job = observed(record(completions=9, parallelism=1), [], 0)
    pods = [pod("a"), pod("b", ready=False)]
    step = next_step(job, pods, 0)
    assert step == JobStep(end=("b",))
    job = dropped(job, step.end)
    assert observed(job, [pod("a"), pod("b", "failed")], 0).count("failed") == 0


# ---- failures --------------------------------------------------------------------------------------------------------
def test_a_failed_pod_is_replaced_after_pauses_that_double_and_are_bounded() -> None:
    job, now = record(backoff_limit=99), 100.0
    pauses = []
    for number in range(8):
        pods = [pod(str(n), "failed") for n in range(number + 1)]
        job = observed(job, pods, now)
        pauses.append(retry_time(job) - now)
        assert next_step(job, pods, retry_time(job) - 0.1) == JobStep()
        assert next_step(job, pods, retry_time(job)) == JobStep((None,))
    assert pauses == [10, 20, 40, 80, 160, 320, 360, 360]
    assert (FIRST_PAUSE, LONGEST_PAUSE) == (10, 360)


def test_a_success_forgives_failures_for_the_pause_but_not_for_the_limit() -> None:
    job = observed(record(completions=2, backoff_limit=1), [pod("a", "failed")], 0)
    job = observed(job, [pod("a", "failed"), pod("b", "succeeded")], 50)
    assert retry_time(job) == 0
    assert observed(job, [pod("c", "failed")], 51).result == "Failed"


def test_more_failures_than_the_limit_fail_the_job_and_end_its_other_pods() -> None:
    job = record(completions=4, parallelism=2, backoff_limit=0)
    pods = [pod("a", "failed"), pod("b")]
    job = observed(job, pods, 7)
    assert (job.result, job.reason, job.ended) == ("Failed", "BackoffLimitExceeded", 7)
    assert next_step(job, pods, 7) == JobStep(end=("b",))
    assert job.count("failed") == 2


@pytest.mark.parametrize(("limit", "restarts", "failed"), [(2, 1, False), (2, 2, True), (0, 0, False), (0, 1, True)])
def test_restarts_within_a_pod_count_towards_the_limit(limit: int, restarts: int, failed: bool) -> None:
    job = observed(record(ON_FAILURE, backoff_limit=limit), [pod("a", restarts=restarts)], 0)
    assert (job.result == "Failed") == failed


def test_restarts_are_nothing_to_a_job_that_never_restarts() -> None:
    assert not observed(record(backoff_limit=0), [pod("a", restarts=9)], 0).result


def test_a_job_that_takes_too_long_fails() -> None:
    job = observed(record(active_deadline_seconds=30), [], 100)
    assert wake_time(job, 100) == 130
    assert not observed(job, [pod("a")], 129).result
    job = observed(job, [pod("a")], 130)
    assert (job.result, job.reason) == ("Failed", "DeadlineExceeded")
    assert next_step(job, [pod("a")], 130) == JobStep(end=("a",))


# ---- indexes ---------------------------------------------------------------------------------------------------------
def indexed(**spec: Any) -> JobRecord:
    return record(completion_mode="Indexed", **spec)


def test_indexes_are_given_out_from_the_lowest_and_again_after_failures() -> None:
    job = observed(indexed(completions=3, parallelism=2), [], 0)
    assert next_step(job, [], 0) == JobStep((0, 1))
    pods = [pod("a", "failed", index=0), pod("b", index=1)]
    job = observed(job, pods, 0)
    assert next_step(job, pods, 10) == JobStep((0,))
    pods = [pod("a", "failed", index=0), pod("b", "succeeded", index=1)]
    job = observed(job, pods, 10)
    assert next_step(job, pods, 10) == JobStep((0, 2))
    assert job.indexes == (1,)


def test_an_index_that_succeeds_twice_counts_once() -> None:
    job = observed(indexed(completions=2), [pod("a", "succeeded", index=0), pod("b", "succeeded", index=0)], 0)
    assert not job.result


@given(st.sets(st.integers(0, 30)))
def test_ranges_of_indexes_say_just_these(indexes: set[int]) -> None:
    said: set[int] = set()
    for part in filter(None, index_ranges(sorted(indexes)).split(",")):
        first, _, last = part.partition("-")
        said.update(range(int(first), int(last or first) + 1))
    assert said == indexes
    assert index_ranges((0, 1, 2, 5)) == "0-2,5"


# ---- suspension and the end ------------------------------------------------------------------------------------------
def test_a_suspended_job_ends_its_pods_uncounted_and_its_time_begins_anew() -> None:
    job = observed(record(), [], 5)
    assert job.started == 5
    job = observed(structs.replace(job, spec=structs.replace(job.spec, suspend=True)), [pod("a")], 6)
    step = next_step(job, [pod("a")], 6)
    assert step == JobStep(end=("a",))
    assert job.started is None
    job = structs.replace(dropped(job, step.end), spec=structs.replace(job.spec, suspend=False))
    job = observed(job, [pod("a", "failed")], 9)
    assert (job.started, job.count("failed")) == (9, 0)
    assert next_step(job, [pod("a", "failed")], 9) == JobStep((None,))


def test_a_job_is_kept_for_as_long_as_it_says() -> None:
    job = observed(record(completions=0, ttl_seconds_after_finished=20), [], 5)
    assert wake_time(job, 5) == 25
    assert not is_expired(job, 24)
    assert is_expired(job, 25)
    assert not is_expired(observed(record(completions=0), [], 5), 1e9)


# ---- any course of events --------------------------------------------------------------------------------------------
ENDS: st.SearchStrategy[Fate] = st.sampled_from(["succeeded", "failed"])


@given(
    st.integers(0, 4), st.integers(0, 3), st.integers(0, 3), st.booleans(), st.lists(st.tuples(st.integers(0, 9), ENDS))
)
def test_whatever_happens_bounds_hold_and_what_is_over_stays_over(
    completions: int, parallelism: int, limit: int, by_index: bool, events: list[tuple[int, Fate]]
) -> None:
    mode = "Indexed" if by_index else "NonIndexed"
    job = record(completions=completions, parallelism=parallelism, backoff_limit=limit, completion_mode=mode)
    pods: dict[str, JobPod] = {}
    now = 0.0
    for chosen, fate in [*events, (0, "succeeded")]:
        before = job
        job = observed(job, list(pods.values()), now)
        if before.result:
            assert (job.result, job.ended) == (before.result, before.ended)
        step = next_step(job, list(pods.values()), now)
        job = dropped(job, step.end)
        for uid in step.end:
            pods[uid] = structs.replace(pods[uid], state="failed")
        for index in step.create:
            uid = f"pod-{len(pods)}"
            pods[uid] = pod(uid, index=index)
        active = [each for each in pods.values() if each.state == "active"]
        assert len(active) <= parallelism
        assert job.result != "Complete" or job.count("succeeded") >= completions
        assert job.count("failed") <= limit or job.result == "Failed"
        if by_index:
            assert len({each.index for each in active}) == len(active)
        if active:
            ending = active[chosen % len(active)]
            pods[ending.uid] = structs.replace(ending, state=fate)
        now += 400
