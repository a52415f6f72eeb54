"""Loads on all ways, in turns: what disturbs the machine for a while disturbs all of them alike."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.lab import load as loads
from benchmarks.lab.load import Load, Outcome
from benchmarks.lab.paths import Way
from benchmarks.lab.processes import Command, cpu_seconds, in_network
from benchmarks.lab.results import Point, Sample

_FIRST: Final = 0.3
_PATIENCE: Final = 30.0

Tell = Callable[[str], None]


def measured(
    ways: Sequence[Way], chosen: Sequence[Load], *, rounds: int, seconds: float, folder: Path, tell: Tell
) -> Iterator[Point]:
    """Yields the points of each load, on all ways; a first short round fills pools and does not count."""
    for way in ways:
        _reuse_ports(way)
    for load in chosen:
        open_to = [way for way in ways if way.carries(load.protocol)]
        tell(f"{load.kind}, {load.protocol}: {rounds} rounds of {seconds:g} s on each of {len(open_to)} ways")
        samples: dict[str, list[Sample]] = {way.name: [] for way in open_to}
        for way in open_to:
            _sample(way, load, _FIRST, folder)
        for _ in range(rounds):
            for way in open_to:
                samples[way.name].append(_sample(way, load, seconds, folder))
        for name, found in samples.items():
            yield Point(load.name, load.kind, load.protocol, name, tuple(found))


def _reuse_ports(way: Way) -> None:
    """Clients that open a connection for each request may take a port again at once: else they run out of them."""
    with Command(in_network(way.client, ["sysctl", "-qw", "net.ipv4.tcp_tw_reuse=1"])) as running:
        running.output(_PATIENCE)


def _sample(way: Way, load: Load, seconds: float, folder: Path) -> Sample:
    """One round. Raises LoadError or CommandError."""
    loads.prepare(folder)
    command = loads.command(load, way.address(load.port), way.host, seconds=seconds, folder=folder)
    with Command(in_network(way.client, command)) as running:
        time.sleep(loads.warm_up(load))
        before = cpu_seconds(way.envoys)
        text = running.output(seconds + _PATIENCE)
    return sample(loads.outcome(load, text, folder, seconds), cpu_seconds(way.envoys) - before)


def sample(outcome: Outcome, cpu: float) -> Sample:
    """Returns the sample of an outcome, and of the processor seconds that Envoys used for it."""
    return Sample(outcome.requests / outcome.seconds, outcome.p50, outcome.p99, 1_000 * cpu / outcome.requests)
