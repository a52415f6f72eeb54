"""A mesh of Weft: everything that is measured of it."""

import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from benchmarks.ads.arrivals import Mark
from benchmarks.ads.content import Protocol
from benchmarks.ads.driver import load_client
from benchmarks.control import changes
from benchmarks.control.changes import Change
from benchmarks.control.meter import Make, Meter, ServerProcess
from benchmarks.control.objects import Shape
from benchmarks.control.results import Case, Event, Stream
from benchmarks.control.server import By, Server, serving
from benchmarks.lab.processes import in_network
from msgspec import Struct

SERVER: Final = "weft"
_BATCHES: Final = (1, 10, 100)
_RECONNECTS: Final = 500
_STREAMS: Final = 1_000
"""First revisions of endpoints, so that all of a mesh differ."""

Tell = Callable[[str], None]


class Extent(Struct, frozen=True, kw_only=True):
    """What is measured: each event `repeats` times, each stream for `seconds`; `limit` seconds bound each of them.

    `by` is how changes are made. With `node` somebody follows the orders to the node process meanwhile.
    """

    repeats: int
    rates: tuple[int, ...]
    seconds: float
    limit: float
    events: tuple[str, ...]
    by: By = "files"
    node: bool = False
    protocol: Protocol = "delta"


def measured(shape: Shape, extent: Extent, tell: Tell) -> Case:
    """Runs a mesh and measures it. Raises ServerError, LoadClientError, OSError."""
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as name, serving(shape, Path(name), extent.by) as server:
        job = msgspec.structs.replace(server.job(shape.proxies), protocol=extent.protocol)
        with load_client(job, Path(name), in_network(server.pid, ())) as load:
            if extent.node:
                threading.Thread(target=server.follow_orders, daemon=True).start()
            meter = Meter(load, ServerProcess(server.pid), extent.limit)
            tell(f"  {changes.CONNECT}")
            connect = Event(changes.CONNECT, (meter.connect(),))
            return Case(
                shape=shape,
                server=SERVER,
                by=extent.by,
                node=extent.node,
                protocol=job.protocol,
                tls=bool(job.roots),
                ready=server.ready,
                events=(connect, *_events(meter, server, extent, tell)),
                batches=tuple(_batches(meter, server, shape, extent)),
                streams=tuple(_streams(meter, server, shape, extent, tell)),
            )


def _events(meter: Meter, server: Server, extent: Extent, tell: Tell) -> Iterator[Event]:
    if changes.RECONNECT in extent.events:
        tell(f"  {changes.RECONNECT}")
        made = [changes.endpoint(_RECONNECTS + each) for each in range(1, extent.repeats + 1)]
        yield Event(changes.RECONNECT, tuple(meter.reconnect(each.marks, partial(each.make, server)) for each in made))
    for name, change in changes.changes().items():
        if name in extent.events:
            tell(f"  {name}")
            yield _event(name, meter, server, [change(each) for each in range(1, extent.repeats + 1)])


def _batches(meter: Meter, server: Server, shape: Shape, extent: Extent) -> Iterator[tuple[int, Event]]:
    services = range(shape.hot, 2 * shape.hot)
    for place, count in enumerate(_BATCHES if changes.BATCH in extent.events else ()):
        if count <= len(services):
            first = 1 + place * extent.repeats
            made = [changes.batch(each, services, count) for each in range(first, first + extent.repeats)]
            yield count, _event(changes.BATCH, meter, server, made)


def _event(name: str, meter: Meter, server: Server, made: list[Change]) -> Event:
    return Event(name, tuple(meter.change(each.marks, partial(each.make, server)) for each in made))


def _streams(meter: Meter, server: Server, shape: Shape, extent: Extent, tell: Tell) -> Iterator[Stream]:
    first = _STREAMS
    for rate in extent.rates:
        tell(f"  {rate} endpoints a second")
        count = round(rate * extent.seconds)
        made = [changes.endpoint(first + each, each % shape.hot) for each in range(count)]
        yield meter.stream(rate, extent.seconds, [_marked(each, server) for each in made])
        first += count


def _marked(change: Change, server: Server) -> tuple[Mark, Make]:
    return change.marks[0], partial(change.make, server)
