"""Jobs in a cluster: what their pods are like, what changes them, and what stays of them."""

import pytest
from tests.unit.sources.local.world import World, ref, report

from weft.base.issues import Issue
from weft.model.local import ContainerReport
from weft.sources.local.pods import PodRecord

WORK = ref("Job", "work")


def job(spec: str = "", *, restart: str = "Never", command: str = "work", name: str = "work") -> str:
    return f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}, namespace: shop}}
spec:
  {spec}
  template:
    metadata: {{labels: {{app: work}}}}
    spec:
      restartPolicy: {restart}
      containers: [{{name: app, image: tool, command: [{command}]}}]
"""


@pytest.fixture
def world() -> World:
    return World()


def end(world: World, record: PodRecord, phase: str) -> None:
    """The node says that a pod's containers have ended for good."""
    code = 0 if phase == "Succeeded" else 1
    ended = ContainerReport(name="app", state="terminated", reason="Completed", exit_code=code, started=1)
    world.cluster.report([report(record, ready=False, phase=phase, containers=(ended,))])


def pods(world: World) -> list[PodRecord]:
    return [each for each in world.live("work") if not world.pods.has_ended(each.uid)]


def result(world: World) -> str:
    record = world.cluster.jobs.record(WORK)
    assert record is not None
    return record.result


# ---- pods ------------------------------------------------------------------------------------------------------------
def test_a_pod_of_a_job_bears_its_labels(world: World) -> None:
    world.write(job())
    (made,) = pods(world)
    labels = made.marks.labels
    assert made.name.startswith("work-")
    assert labels["app"] == "work"
    assert labels["job-name"] == labels["batch.kubernetes.io/job-name"] == "work"
    assert labels["controller-uid"] == labels["batch.kubernetes.io/controller-uid"]
    assert world.orders().pods[0].restart == "Never"


def test_pods_of_an_indexed_job_know_their_index(world: World) -> None:
    world.write(job("completions: 2\n  parallelism: 2\n  completionMode: Indexed"))
    first, second = sorted(pods(world), key=lambda each: each.name)
    assert (first.name[:7], second.name[:7]) == ("work-0-", "work-1-")
    assert second.marks.labels["batch.kubernetes.io/job-completion-index"] == "1"
    assert second.marks.annotations["batch.kubernetes.io/job-completion-index"] == "1"
    orders = {order.name: dict(order.containers[0].environment) for order in world.orders().pods}
    assert orders[second.name]["JOB_COMPLETION_INDEX"] == "1"


def test_finished_pods_stay_and_are_no_endpoints(world: World) -> None:
    world.write(job())
    (made,) = pods(world)
    world.ready()
    assert world.object(made.ref).status.phase == "Running"
    end(world, made, "Succeeded")
    assert result(world) == "Complete"
    assert [each.uid for each in world.live("work")] == [made.uid]
    assert made.uid in [order.uid for order in world.orders().pods], "its logs are kept with it"


def test_a_failed_pod_is_replaced_after_a_pause(world: World) -> None:
    world.write(job("backoffLimit: 1"))
    (first,) = pods(world)
    end(world, first, "Failed")
    assert pods(world) == []
    assert not world.cluster.unsettled
    world.clock.now += 10
    assert world.cluster.unsettled
    world.cluster.refresh(())
    (second,) = pods(world)
    assert second.name != first.name
    end(world, second, "Failed")
    assert result(world) == "Failed"
    assert len(world.live("work")) == 2
    world.clock.now += 1_000
    world.cluster.refresh(())
    assert pods(world) == []


def test_a_pod_that_somebody_deletes_counts_as_failed(world: World) -> None:
    world.write(job("backoffLimit: 0"))
    (made,) = pods(world)
    world.cluster.end(made)
    assert result(world) == "Failed"


def test_a_pod_taken_from_its_job_by_a_label_is_replaced(world: World) -> None:
    world.write(job())
    (made,) = pods(world)
    world.cluster.relabel(made, {"app": "work"})
    (other,) = pods(world)
    assert other.uid != made.uid
    assert [each.uid for each in world.live() if each.owner is None] == [made.uid]


# ---- the Job ---------------------------------------------------------------------------------------------------------
def test_a_deleted_job_takes_its_pods_along_and_may_come_again(world: World) -> None:
    world.write(job())
    (made,) = pods(world)
    end(world, made, "Succeeded")
    world.delete(WORK)
    assert world.live("work") == []
    world.apply(job())
    assert result(world) == ""
    assert len(pods(world)) == 1


def test_another_controller_goes_on_where_the_former_one_was(world: World) -> None:
    world.write(job("completions: 2"))
    (first,) = pods(world)
    end(world, first, "Succeeded")
    (second,) = pods(world)
    world.restart()
    assert [each.uid for each in pods(world)] == [second.uid]
    end(world, second, "Succeeded")
    assert result(world) == "Complete"
    world.restart()
    assert pods(world) == []
    world.folder.remove(WORK)
    world.restart()
    assert world.live("work") == []
    assert world.cluster.jobs.record(WORK) is None


def test_a_job_is_deleted_when_its_time_is_over(world: World) -> None:
    world.write(job("ttlSecondsAfterFinished: 30"))
    (made,) = pods(world)
    end(world, made, "Succeeded")
    world.clock.now += 29
    world.cluster.refresh(())
    assert world.store.value(WORK) is not None
    world.clock.now += 1
    assert world.cluster.unsettled
    world.cluster.refresh(())
    assert world.store.value(WORK) is None
    assert world.live("work") == []
    world.restart()
    assert world.store.value(WORK) is None, "its file says the same as before"


def test_a_deadline_ends_the_pods(world: World) -> None:
    world.write(job("activeDeadlineSeconds: 5"))
    world.clock.now += 5
    world.cluster.refresh(())
    assert result(world) == "Failed"
    assert world.live("work") == []


def test_what_may_be_changed_takes_effect(world: World) -> None:
    world.write(job("completions: 4\n  parallelism: 1"))
    assert len(pods(world)) == 1
    world.write(job("completions: 4\n  parallelism: 3"))
    assert len(pods(world)) == 3
    world.write(job("completions: 4\n  parallelism: 3\n  suspend: true"))
    assert pods(world) == []
    world.write(job("completions: 4\n  parallelism: 2"))
    assert len(pods(world)) == 2


def test_what_is_immutable_stays_as_it_was_and_is_told(world: World) -> None:
    world.write(job())
    (made,) = pods(world)
    world.write(job(command="other"))
    (issue,) = world.issues(WORK)
    assert (issue.path, issue.severity, issue.message) == ("spec.template", "error", "field is immutable")
    assert [each.uid for each in pods(world)] == [made.uid]
    end(world, made, "Succeeded")
    assert result(world) == "Complete"
    world.write(job())
    assert world.issues(WORK) == []


def test_events_tell_the_course_of_a_job(world: World) -> None:
    world.write(job("backoffLimit: 0"))
    (made,) = pods(world)
    end(world, made, "Failed")
    told = [(each.kind, each.reason) for each in world.cluster.events.events() if each.ref == WORK]
    assert told == [("Normal", "SuccessfulCreate"), ("Warning", "BackoffLimitExceeded")]


# ---- what can't be done ----------------------------------------------------------------------------------------------
def only(world: World) -> Issue:
    (issue,) = world.issues(WORK)
    return issue


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (job(restart="Always"), "spec.template.spec.restartPolicy"),
        (job("completions: -1"), "spec.completions"),
        (job("parallelism: -1"), "spec.parallelism"),
        (job("backoffLimit: -1"), "spec.backoffLimit"),
        (job("completionMode: Indexed"), "spec.completions"),
        (job("completionMode: Indexed\n  completions: 100001"), "spec.completions"),
        (job("selector: {matchLabels: {app: work}}"), "spec.selector"),
    ],
)
def test_what_an_api_server_refuses_makes_no_pods(world: World, text: str, path: str) -> None:
    world.write(text)
    assert only(world).path == path
    assert only(world).severity == "error"
    assert world.live() == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("podFailurePolicy: {rules: []}", "spec.podFailurePolicy"),
        ("successPolicy: {rules: []}", "spec.successPolicy"),
        ("podReplacementPolicy: Failed", "spec.podReplacementPolicy"),
        ("managedBy: example.com/other", "spec.managedBy"),
        ("completionMode: Indexed\n  completions: 1\n  backoffLimitPerIndex: 1", "spec.backoffLimitPerIndex"),
        ("manualSelector: true\n  selector: {matchLabels: {app: work}}", "spec.manualSelector"),
    ],
)
def test_what_is_not_supported_is_told_and_the_job_runs(world: World, text: str, path: str) -> None:
    world.write(job(text))
    assert only(world).path == path
    assert only(world).severity == "warning"
    assert len(pods(world)) == 1
