"""What a run of the benchmark finds, as it is kept in JSON."""

import math
from collections.abc import Sequence
from typing import Any

from benchmarks.ads.content import Protocol
from benchmarks.control.objects import Shape
from benchmarks.lab.samples import Spread, spread
from msgspec import Struct


class Delays(Struct, frozen=True):
    """Milliseconds until the first, half and all of the proxies had something; None where it did not come to as many.

    `missing` proxies never had it.
    """

    first: float | None
    half: float | None
    last: float | None
    missing: int = 0


class Cost(Struct, frozen=True, kw_only=True):
    """What the server and the load client spent.

    Seconds of processor time; bytes above TLS, and responses, to all proxies; memory (RSS) of the server afterwards and
    at most, in MiB; streams that ended and were opened again,
    by the reason. What is not known of the server is None.
    """

    cpu: float | None
    memory: float | None
    peak: float | None
    client_cpu: float
    received: int
    responses: dict[str, int]
    ended: dict[str, int] = {}


class Sample(Struct, frozen=True):
    """One time that something happened; nothing came of it where there are no delays."""

    delays: Delays | None
    cost: Cost


class Event(Struct, frozen=True):
    """Something that happened to a mesh, each time that it did."""

    name: str
    samples: tuple[Sample, ...]

    def cost(self, field: str) -> float | None:
        """Returns the median of what it cost; None where that is not known."""
        values = [getattr(sample.cost, field) for sample in self.samples]
        return spread(values).median if values and None not in values else None

    def delay(self, field: str) -> Spread | None:
        """Returns the spread of a delay; None where there is none."""
        found = [sample.delays for sample in self.samples if sample.delays is not None]
        return spread_of(found, field) if found else None


def spread_of(found: Sequence[Delays], field: str) -> Spread:
    """Returns the spread of one field of delays, of which there must be one; infinite where something did not come."""
    values = [getattr(each, field) for each in found]
    return spread([math.inf if value is None else value for value in values])


class Stream(Struct, frozen=True):
    """Endpoints that change steadily: so many writes a second, for some seconds; the delays of each write."""

    rate: int
    seconds: float
    writes: tuple[Delays, ...]
    cost: Cost


class Case(Struct, frozen=True, kw_only=True):
    """One mesh, served by one control plane; `ready` is the seconds from its start until it served, if it was started.

    `by` is how changes were made, where there was a choice; with `node` a node's orders were followed, too.
    `batches` are changes of endpoints of several services at once, by their number.
    """

    shape: Shape
    server: str
    protocol: Protocol
    tls: bool
    ready: float | None
    events: tuple[Event, ...]
    by: str = ""
    node: bool = False
    batches: tuple[tuple[int, Event], ...] = ()
    streams: tuple[Stream, ...] = ()


class Result(Struct, frozen=True, kw_only=True):
    """All figures of one run, and where they are from."""

    machine: dict[str, Any]
    cases: tuple[Case, ...]
