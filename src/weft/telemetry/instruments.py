"""What counts, and what is asked when somebody scrapes. One thread counts and scrapes, so nothing is locked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from weft.telemetry.metrics import Metric

Labels = tuple[str, ...]
Answer = Callable[[], Iterable[tuple[Labels, float]]]
"""Gives values by the values of their labels, in the order of the metric's labels."""

_NO_LABELS: Final[Labels] = ()


class Counter(Collector):
    """A number that only grows, for each combination of labels."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._values: dict[Labels, float] = {} if metric.labels else {_NO_LABELS: 0.0}

    def add(self, *labels: str) -> None:
        """Counts one."""
        self._values[labels] = self._values.get(labels, 0.0) + 1.0

    def collect(self) -> Iterator[Family]:
        """As in `Collector`."""
        yield family(self._metric, self._values.items())


class Asked(Collector):
    """A value that is there anyway, looked up at each scrape."""

    def __init__(self, metric: Metric, answer: Answer) -> None:
        self._metric = metric
        self._answer = answer

    def collect(self) -> Iterator[Family]:
        """As in `Collector`."""
        yield family(self._metric, self._answer())


class Distribution:
    """How often values fell into each bucket."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Takes a value in. A bound belongs to the bucket below it, as Prometheus has it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Histogram(Collector):
    """A distribution for each combination of labels."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._of: dict[Labels, Distribution] = {}
        if not metric.labels:
            self.of()

    def of(self, *labels: str) -> Distribution:
        """The distribution of these labels."""
        found = self._of.get(labels)
        if found is None:
            found = self._of[labels] = Distribution(self._metric.bounds)
        return found

    def collect(self) -> Iterator[Family]:
        """As in `Collector`."""
        made = family(self._metric, ())
        for values, distribution in self._of.items():
            labels = dict(zip(self._metric.labels, values, strict=True))
            bounds = (*distribution.bounds, float("inf"))
            counts = tuple(accumulate(distribution.counts))
            for bound, count in zip(bounds, counts, strict=True):
                made.add_sample(f"{made.name}_bucket", {**labels, "le": written(bound)}, count)
            made.add_sample(f"{made.name}_sum", labels, distribution.total)
            made.add_sample(f"{made.name}_count", labels, counts[-1])
        yield made


def family(metric: Metric, values: Iterable[tuple[Labels, float]]) -> Family:
    """A metric with its values, as the registry has it."""
    made = Family(metric.name, metric.text, metric.kind)
    for labels, value in values:
        made.add_sample(metric.name, dict(zip(metric.labels, labels, strict=True)), value)
    return made


def written(value: float) -> str:
    """A number as Prometheus reads it (Go's ParseFloat)."""
    return "+Inf" if value == float("inf") else repr(float(value))


def one(answer: Callable[[], float]) -> Answer:
    """The answer of a metric without labels."""
    return lambda: ((_NO_LABELS, answer()),)


def new_registry() -> CollectorRegistry:
    """A registry of its own, with what is to be said of the process."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
