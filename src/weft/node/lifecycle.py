"""What happens to a process of a pod, as values: its order, its record, the steps from one record to the next; pure.

Reasons are those that the kubelet writes into a container's status.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from weft.base.durations import Milliseconds
from weft.model.local import ContainerEnd, ContainerReport
from weft.node.backoff import after_end
from weft.node.launch import Launch
from weft.node.probes import Probes
from weft.node.processes import ProcessRecord
from weft.node.settings import Backoff

RestartPolicy = Literal["Always", "OnFailure", "Never"]


class UnitSpec(Struct, frozen=True, kw_only=True):
    """How a process shall run.

    `digest` changes with everything that only a restart can change. `launch` is None where the order can't be carried
    out; then `refusal` says why, as reason and message. `complaints` marks the lines of its output that say why it
    failed; without it, nothing of its output is told.
    """

    name: str
    digest: str
    launch: Launch | None
    refusal: tuple[str, str] = ("", "")
    probes: Probes = Probes()
    restart: RestartPolicy = "Always"
    grace: Milliseconds = 30_000
    complaints: str = ""


class UnitRecord(Struct, frozen=True, kw_only=True):
    """How a process is: what is reported of it, what names it, and the back-off of its next start.

    `digest` is of the order that it was last started by, `message` explains the reason or why a running process is not
    ready, `done` says that it ended for good, `due` is when it may start again, `last` the end of the run before. Times
    in Unix seconds, `delay` in seconds.
    """

    digest: str = ""
    state: Literal["waiting", "running", "terminated"] = "waiting"
    reason: str = "ContainerCreating"
    message: str = ""
    process: ProcessRecord | None = None
    restarts: int = 0
    exit_code: int | None = None
    started: float = 0
    finished: float = 0
    last: ContainerEnd | None = None
    delay: float = 0
    due: float = 0
    passed_startup: bool = False
    ready: bool = False
    done: bool = False


class End(Struct, frozen=True):
    """How a run ended. `status` is None where it can't be known."""

    status: int | None
    reason: str
    message: str = ""


def waiting(record: UnitRecord, reason: str, message: str) -> UnitRecord:
    """The record of a process that can't start now."""
    last = _last(record)
    return replace(record, state="waiting", reason=reason, message=message, ready=False, process=None, last=last)


def started(record: UnitRecord, digest: str, process: ProcessRecord | None, now: float) -> UnitRecord:
    """The record of a process that starts (None: that was about to). Another order begins without back-off."""
    return replace(
        record,
        digest=digest,
        state="running",
        reason="",
        message="",
        process=process,
        restarts=record.restarts + (1 if record.started else 0),
        exit_code=None,
        last=_last(record),
        started=now,
        delay=record.delay if digest == record.digest else 0,
        passed_startup=False,
        ready=False,
        done=False,
    )


def ended(record: UnitRecord, end: End, now: float, restart: RestartPolicy, backoff: Backoff) -> UnitRecord:
    """The record of a process that ended. An unknown status counts as a failure: nobody saw a success."""
    wait, delay = after_end(record.delay, now - record.started, backoff)
    return replace(
        record,
        state="terminated",
        reason=end.reason,
        message=end.message,
        process=None,
        exit_code=end.status,
        finished=now,
        due=now + wait,
        delay=delay,
        ready=False,
        done=restart == "Never" or (restart == "OnFailure" and end.status == 0),
    )


def _last(record: UnitRecord) -> ContainerEnd | None:
    """The end of the run before, once the process is not in that end any more."""
    if record.state != "terminated":
        return record.last
    return ContainerEnd(record.reason, record.message, record.exit_code, int(record.started), int(record.finished))


def container_report(name: str, record: UnitRecord) -> ContainerReport:
    """What the controller is told."""
    return ContainerReport(
        name=name,
        state=record.state,
        reason=record.reason,
        message=record.message,
        ready=record.ready,
        restarts=record.restarts,
        pid=record.process.pid if record.process else None,
        exit_code=record.exit_code,
        started=int(record.started),
        finished=int(record.finished) if record.state == "terminated" else 0,
        last=record.last,
    )
