"""What happened to pods of late, in the words of the kubelet."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from weft.base.issues import Ref
from weft.model.local import ContainerReport, PodReport

KEPT: Final = 1_000


class Event(Struct, frozen=True):
    """Something that happened to an object; times in Unix seconds. Equal events in a row are counted."""

    ref: Ref
    kind: Literal["Normal", "Warning"]
    reason: str
    message: str
    first: int
    last: int
    count: int = 1


class EventLog:
    """The last events, oldest first. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=KEPT)

    def events(self, namespace: str | None = None) -> Sequence[Event]:
        """The events of a namespace, or all."""
        return [event for event in self._events if namespace in (None, event.ref.namespace)]

    def add(self, ref: Ref, reason: str, message: str, kind: Literal["Normal", "Warning"] = "Normal") -> None:
        """Notes that something happened."""
        now = int(self._clock())
        last = self._events[-1] if self._events else None
        if last is not None and (last.ref, last.reason, last.message) == (ref, reason, message):
            self._events[-1] = msgspec.structs.replace(last, last=now, count=last.count + 1)
        else:
            self._events.append(Event(ref, kind, reason, message, now, now))

    def compare(self, ref: Ref, before: PodReport | None, after: PodReport) -> None:
        """Notes what a new report of a pod tells."""
        known = {each.name: each for each in _units(before)}
        for unit in _units(after):
            self._compare_unit(ref, known.get(unit.name), unit)
        if after.reason and (before is None or before.reason != after.reason):
            self.add(ref, after.reason, after.message or after.reason)

    def _compare_unit(self, ref: Ref, before: ContainerReport | None, after: ContainerReport) -> None:
        if after.state == "running" and (before is None or before.state != "running" or before.pid != after.pid):
            self.add(ref, "Started", f"Started container {after.name}")
        elif after.state == "waiting" and after.reason and (before is None or before.reason != after.reason):
            self.add(ref, after.reason, f"{after.name}: {after.message or after.reason}", "Warning")
        elif after.state == "terminated" and (before is None or before.state != "terminated"):
            ended = "its exit status is unknown" if after.exit_code is None else f"exit code {after.exit_code}"
            self.add(ref, after.reason or "Terminated", f"Container {after.name} ended: {ended}")
        if before is not None and before.ready and not after.ready and after.state == "running":
            self.add(ref, "Unhealthy", f"Container {after.name} is not ready: {after.message}", "Warning")


def _units(report: PodReport | None) -> Iterator[ContainerReport]:
    if report is not None:
        yield from report.containers
        if report.proxy is not None:
            yield report.proxy
