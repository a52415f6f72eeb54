"""weft.node.lifecycle: what becomes of a process's record, and what is reported of it."""

from typing import Literal

import pytest

from weft.model.local import ContainerEnd
from weft.node.lifecycle import End, UnitRecord, container_report, ended, started, waiting
from weft.node.processes import ProcessRecord
from weft.node.settings import Backoff

PROCESS = ProcessRecord(pid=7, started=1, boot="b", network=2, mounts=3)


def test_a_first_start_is_no_restart() -> None:
    record = started(UnitRecord(), "d", PROCESS, now=100)
    assert (record.state, record.restarts, record.started) == ("running", 0, 100)


def test_every_further_start_counts() -> None:
    record = UnitRecord()
    for now in (100.0, 200.0, 300.0):
        record = ended(started(record, "d", PROCESS, now), End(1, "Error"), now + 1, "Always", Backoff())
    assert record.restarts == 2
    assert record.due == 301 + 20


def test_another_order_begins_without_back_off() -> None:
    record = UnitRecord(digest="old", delay=160, started=1)
    assert started(record, "old", PROCESS, 2).delay == 160
    assert started(record, "new", PROCESS, 2).delay == 0


@pytest.mark.parametrize(
    ("policy", "status", "done"),
    [
        ("Always", 0, False),
        ("Always", 1, False),
        ("OnFailure", 0, True),
        ("OnFailure", 1, False),
        ("OnFailure", None, False),
        ("Never", 0, True),
        ("Never", 1, True),
        ("Never", None, True),
    ],
)
def test_restart_policies(policy: Literal["Always", "OnFailure", "Never"], status: int | None, done: bool) -> None:
    record = ended(started(UnitRecord(), "d", PROCESS, 1), End(status, "x"), 2, policy, Backoff())
    assert record.done is done


def test_an_end_that_nobody_saw_has_no_exit_code() -> None:
    record = ended(started(UnitRecord(), "d", PROCESS, 1), End(None, "ContainerStatusUnknown"), 2, "Always", Backoff())
    report = container_report("app", record)
    assert (report.state, report.exit_code, report.pid) == ("terminated", None, None)


def test_what_waits_is_not_ready() -> None:
    record = waiting(UnitRecord(ready=True, process=PROCESS), "CrashLoopBackOff", "back-off")
    assert (record.state, record.ready, record.process) == ("waiting", False, None)


def test_the_end_of_the_run_before_is_told_once_another_state_follows() -> None:
    record = ended(started(UnitRecord(), "d", PROCESS, 10), End(3, "Error", "why"), 20, "Always", Backoff())
    report = container_report("app", record)
    assert (report.finished, report.last) == (20, None)
    last = ContainerEnd("Error", "why", 3, 10, 20)
    waits = waiting(record, "CrashLoopBackOff", "back-off")
    assert (container_report("app", waits).last, container_report("app", waits).finished) == (last, 0)
    again = started(waits, "d", PROCESS, 30)
    assert container_report("app", again).last == last
