"""weft.node.reports: phases and readiness of pods."""

from weft.node.lifecycle import UnitRecord
from weft.node.reports import is_done, pod_report

UP = UnitRecord(state="running", started=5, ready=True)
NEW = UnitRecord()
FINE = UnitRecord(state="terminated", started=5, exit_code=0, done=True)
LOST = UnitRecord(state="terminated", started=5, exit_code=None, done=True)


def test_a_pod_is_ready_when_all_containers_and_its_envoy_are() -> None:
    assert pod_report("u", {"a": UP}, UP, created=1).ready
    assert not pod_report("u", {"a": UP, "b": NEW}, UP, created=1).ready
    assert not pod_report("u", {"a": UP}, NEW, created=1).ready


def test_a_pod_with_a_reason_is_not_ready() -> None:
    report = pod_report("u", {"a": UP}, UP, created=1, reason="Terminating")
    assert (report.ready, report.reason) == (False, "Terminating")


def test_a_pod_without_processes_is_never_ready() -> None:
    assert not pod_report("u", {}, None, created=1).ready


def test_phases() -> None:
    assert pod_report("u", {"a": UP, "b": NEW}, None, created=1).phase == "Pending"
    assert pod_report("u", {"a": UP, "b": FINE}, None, created=1).phase == "Running"
    assert pod_report("u", {"a": FINE}, UP, created=1).phase == "Succeeded"
    assert pod_report("u", {"a": FINE, "b": LOST}, UP, created=1).phase == "Failed"


def test_a_gateway_is_as_its_envoy_is() -> None:
    assert pod_report("u", {}, NEW, created=1).phase == "Pending"
    assert pod_report("u", {}, UP, created=1).phase == "Running"
    assert not is_done({})
