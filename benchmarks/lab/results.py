"""What a run of the benchmark finds, as it is kept in JSON."""

from typing import Any

from benchmarks.lab.samples import Spread, ratios, spread
from msgspec import Struct


class Sample(Struct, frozen=True):
    """One round of a load on one way.

    Requests (or connections) a second, milliseconds that half and 99 of 100 requests took at most, and seconds of
    processor time that the way's Envoys used for 1,000 requests.
    """

    rate: float
    p50: float
    p99: float
    cpu: float


class Point(Struct, frozen=True):
    """All rounds of one load on one way, in order."""

    load: str
    kind: str
    protocol: str
    way: str
    samples: tuple[Sample, ...]

    def spread(self, field: str) -> Spread:
        """Returns the spread of one field of the samples."""
        return spread(self._values(field))

    def ratio(self, other: "Point", field: str) -> Spread:
        """Returns the spread of the ratios to another way's, round by round."""
        return ratios(self._values(field), other._values(field))

    def _values(self, field: str) -> list[float]:
        return [getattr(sample, field) for sample in self.samples]


class Footprint(Struct, frozen=True):
    """A mesh of one pod that sees some services: seconds until it was ready, and MiB that its Envoy has for itself."""

    services: int
    ready: float
    memory: float


class Propagation(Struct, frozen=True):
    """Milliseconds from the save of a file until half of the proxies, and all, had the change; one of each a change."""

    proxies: int
    half: tuple[float, ...]
    all: tuple[float, ...]


class Result(Struct, frozen=True, kw_only=True):
    """All figures of one run, and where they are from."""

    machine: dict[str, Any]
    seconds: float
    rounds: int
    points: tuple[Point, ...] = ()
    footprints: tuple[Footprint, ...] = ()
    propagations: tuple[Propagation, ...] = ()
