"""What happened to pods of late, in the words of the kubelet."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct, structs

from weft.base.issues import Ref
from weft.model.local import ContainerReport, PodReport

KEPT: Final = 1_000
"""How many events are remembered; as in a cluster, they are not for ever."""

Kind = Literal["Normal", "Warning"]
_EXPECTED: Final = frozenset({"", "ContainerCreating", "Terminating", "Removed"})
"""Reasons that are no trouble."""


class Event(Struct, frozen=True):
    """Something that happened to an object; times in Unix seconds. Equal events are counted."""

    ref: Ref
    kind: Kind
    reason: str
    message: str
    first: int
    last: int
    count: int = 1


class EventLog:
    """The last events, those that last happened last. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._events: dict[tuple[Ref, str, str], Event] = {}

    def events(self, namespace: str | None = None) -> Sequence[Event]:
        """The events of a namespace, or all."""
        return [event for event in self._events.values() if namespace in (None, event.ref.namespace)]

    def add(self, ref: Ref, reason: str, message: str, kind: Kind = "Normal") -> None:
        """Notes that something happened."""
        now, key = int(self._clock()), (ref, reason, message)
        known = self._events.pop(key, None)
        if known is None:
            self._events[key] = Event(ref, kind, reason, message, now, now)
        else:
            self._events[key] = structs.replace(known, last=now, count=known.count + 1)
        if len(self._events) > KEPT:
            del self._events[next(iter(self._events))]

    def compare(self, ref: Ref, before: PodReport | None, after: PodReport) -> None:
        """Notes what a new report of a pod tells."""
        known = {each.name: each for each in _units(before)}
        for unit in _units(after):
            self._compare_unit(ref, known.get(unit.name), unit)
        if after.reason and (before is None or before.reason != after.reason):
            kind: Kind = "Normal" if after.reason in _EXPECTED else "Warning"
            self.add(ref, after.reason, after.message or after.reason, kind)

    def _compare_unit(self, ref: Ref, before: ContainerReport | None, after: ContainerReport) -> None:
        if after.state == "running" and (before is None or before.state != "running" or before.pid != after.pid):
            self.add(ref, "Started", f"Started container {after.name}")
        elif after.state == "waiting" and after.reason not in _EXPECTED:
            if before is None or before.reason != after.reason:
                self.add(ref, after.reason, f"{after.name}: {after.message or after.reason}", "Warning")
        elif after.state == "terminated" and (before is None or before.state != "terminated"):
            ended = "its exit status is unknown" if after.exit_code is None else f"exit code {after.exit_code}"
            kind: Kind = "Normal" if after.exit_code == 0 else "Warning"
            self.add(ref, after.reason or "Terminated", f"Container {after.name} ended: {ended}", kind)
        if before is not None and before.ready and not after.ready and after.state == "running":
            self.add(ref, "Unhealthy", f"Container {after.name} is not ready: {after.message}", "Warning")


def _units(report: PodReport | None) -> Iterator[ContainerReport]:
    if report is not None:
        yield from report.containers
        if report.proxy is not None:
            yield report.proxy
