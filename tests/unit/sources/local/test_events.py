"""Events: what reports of the node tell, and that their number is bounded."""

import pytest
from tests.unit.sources.local.world import Clock

from weft.base.issues import Ref
from weft.model.local import ContainerReport, PodReport
from weft.sources.local.events import KEPT, EventLog

POD = Ref("Pod", "shop", "web-1")


def unit(state: str, name: str = "app", **changes: object) -> ContainerReport:
    return ContainerReport(name=name, state=state, **changes)  # type: ignore[arg-type]


def reported(*containers: ContainerReport, **changes: object) -> PodReport:
    values = {"phase": "Running", "ready": False, **changes}
    return PodReport(uid="u", containers=containers, **values)  # type: ignore[arg-type]


def said(before: PodReport | None, after: PodReport) -> list[tuple[str, str, str]]:
    log = EventLog(Clock())
    log.compare(POD, before, after)
    return [(event.kind, event.reason, event.message) for event in log.events()]


def test_a_container_that_starts_or_starts_again() -> None:
    running = reported(unit("running", pid=1))
    assert said(None, running) == [("Normal", "Started", "Started container app")]
    assert said(running, running) == []
    assert said(running, reported(unit("running", pid=2))) == [("Normal", "Started", "Started container app")]


def test_a_container_that_can_not_start() -> None:
    waits = reported(unit("waiting", reason="ErrImagePull", message="no folder"))
    assert said(None, waits) == [("Warning", "ErrImagePull", "app: no folder")]
    assert said(waits, waits) == []
    assert said(None, reported(unit("waiting", reason="ContainerCreating"))) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (0, ("Normal", "Completed", "Container app ended: exit code 0")),
        (1, ("Warning", "Completed", "Container app ended: exit code 1")),
        (None, ("Warning", "Completed", "Container app ended: its exit status is unknown")),
    ],
)
def test_a_container_that_ends(code: int | None, expected: tuple[str, str, str]) -> None:
    before, after = reported(unit("running")), reported(unit("terminated", reason="Completed", exit_code=code))
    assert said(before, after) == [expected]


def test_a_container_that_is_ready_no_more() -> None:
    before, after = reported(unit("running", ready=True)), reported(unit("running", message="HTTP 500"))
    assert said(before, after) == [("Warning", "Unhealthy", "Container app is not ready: HTTP 500")]


def test_the_proxy_is_a_container_like_others() -> None:
    after = reported(proxy=unit("running", "istio-proxy"))
    assert said(None, after) == [("Normal", "Started", "Started container istio-proxy")]


def test_what_befalls_a_whole_pod() -> None:
    assert said(None, reported(reason="FailedCreatePodSandBox", message="no room")) == [
        ("Warning", "FailedCreatePodSandBox", "no room")
    ]
    assert said(None, reported(reason="Terminating")) == [("Normal", "Terminating", "Terminating")]


def test_equal_events_are_counted_and_move_to_the_end() -> None:
    clock = Clock()
    log = EventLog(clock)
    log.add(POD, "A", "a")
    log.add(POD, "B", "b")
    clock.now += 5
    log.add(POD, "A", "a")
    assert [(e.reason, e.count, e.first, e.last) for e in log.events()] == [("B", 1, 1000, 1000), ("A", 2, 1000, 1005)]


def test_events_are_found_by_namespace() -> None:
    log = EventLog(Clock())
    log.add(POD, "A", "a")
    assert len(log.events("shop")) == 1
    assert log.events("other") == []


def test_only_so_many_are_kept() -> None:
    log = EventLog(Clock())
    for number in range(KEPT + 10):
        log.add(POD, "A", str(number))
    assert len(log.events()) == KEPT
    assert log.events()[0].message == "10"
