"""The figures as tables in Markdown."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.control.growth import growth
from benchmarks.control.objects import ENDPOINTS, Shape
from benchmarks.control.reference import ISTIOD, SERVICES, STREAM_LAST, Reference
from benchmarks.control.results import Case, Event, Result, Stream, spread_of
from benchmarks.lab.samples import percentile
from benchmarks.lab.tables import NONE, Row, number, table

_MEGABYTE: Final = 1_000_000
_NEVER: Final = "never"


def markdown(result: Result) -> str:
    """Returns all tables with their headings."""
    parts = [_machine(result)]
    for case in result.cases:
        parts += [f"#### {title(case)}", _events(case), *_streams(case)]
    return "\n\n".join([*parts, *_growth(result.cases)]) + "\n"


def title(case: Case) -> str:
    """Returns what a case is, for people."""
    shape = case.shape
    many = f" of {shape.workloads} workloads" if shape.workloads else ""
    size = f" of {shape.endpoints} endpoints" if shape.endpoints != ENDPOINTS else ""
    by = ", changed by commands" if case.by == "commands" else ""
    node = ", with a node" if case.node else ""
    security = "TLS" if case.tls else "plaintext"
    server = "" if case.server == "weft" else f"{case.server}: "
    return (
        f"{server}{shape.services:,} services{size}, {shape.proxies:,} proxies{many} "
        f"({case.protocol}, {security}{by}{node})"
    )


def _machine(result: Result) -> str:
    about = result.machine
    return (
        f"{about['date']}, {about['processors']} processors ({about['processor']}), Linux {about['kernel']}, "
        f"Weft {about['weft']}; load of the machine before: {about['load']:.2f}. Medians."
    )


def _events(case: Case) -> str:
    compared = any(_reference(case.shape, event.name) for event in case.events)
    head = ["", "first / half / last, ms", "CPU, s", "MB sent", "memory (peak), MiB", "load client's CPU, s"]
    if compared:
        head += ["istiod: last, ms", "CPU, s", "MB sent", "CPU / istiod's"]
    rows = [_event(case, event, compared=compared) for event in case.events]
    rows += [_event(case, event, str(count), compared=compared) for count, event in case.batches]
    ready = f"\n\nIt served {case.ready:.1f} s after its start." if case.ready is not None else ""
    return table(head, rows) + ready + _ended(case)


def _ended(case: Case) -> str:
    """Says how many streams ended during what, and for which reason most of them."""
    found: list[str] = []
    for event in case.events:
        reasons = sum((Counter(sample.cost.ended) for sample in event.samples), Counter[str]())
        if reasons:
            found.append(f"{reasons.total()} during '{event.name}' ({reasons.most_common(1)[0][0]})")
    return f"\n\nStreams that ended and were opened again: {', '.join(found)}." if found else ""


def _event(case: Case, event: Event, count: str = "", *, compared: bool) -> Row:
    row = [
        f"{count} {event.name}".strip(),
        " / ".join(_delay(event, field) for field in ("first", "half", "last")),
        _figure(event.cost("cpu")),
        _figure(event.cost("received"), 1 / _MEGABYTE),
        f"{_figure(event.cost('memory'))} ({_figure(event.cost('peak'))})",
        _figure(event.cost("client_cpu")),
    ]
    if not compared:
        return row
    other = _reference(case.shape, event.name)
    if other is None:
        return [*row, NONE, NONE, NONE, NONE]
    cpu = event.cost("cpu")
    ratio = None if cpu is None else cpu / other.cpu
    return [*row, _figure(other.last), _figure(other.cpu), _figure(other.received, 1 / _MEGABYTE), _figure(ratio)]


def _reference(shape: Shape, event: str) -> Reference | None:
    return ISTIOD.get((event, shape.proxies)) if shape.services == SERVICES else None


def _delay(event: Event, field: str) -> str:
    found = event.delay(field)
    return NONE if found is None else _figure(found.median)


def _figure(value: float | None, scale: float = 1) -> str:
    if value is None:
        return NONE
    return number(value * scale) if math.isfinite(value) else _NEVER


def _streams(case: Case) -> Iterator[str]:
    if case.streams:
        head = ["endpoints a second, steadily", "half of proxies, ms", "last proxy, ms", "of 99 in 100", "at most"]
        head += ["CPU, share of one", "MB sent", "peak, MiB", "load client's CPU", "istiod: last proxy, ms"]
        yield table(head, [_stream(case, stream) for stream in case.streams])


def _stream(case: Case, stream: Stream) -> Row:
    half, last = spread_of(stream.writes, "half"), spread_of(stream.writes, "last")
    worst = percentile([math.inf if each.last is None else each.last for each in stream.writes], 99)
    cost = stream.cost
    other = STREAM_LAST.get((stream.rate, case.shape.proxies)) if case.shape.services == SERVICES else None
    return [
        str(stream.rate),
        _figure(half.median),
        _figure(last.median),
        _figure(worst),
        _figure(last.high),
        _figure(None if cost.cpu is None else cost.cpu / stream.seconds),
        _figure(cost.received, 1 / _MEGABYTE),
        _figure(cost.peak),
        _figure(cost.client_cpu / stream.seconds),
        _figure(other),
    ]


def _growth(cases: Sequence[Case]) -> Iterator[str]:
    for axis in growth(cases):
        yield f"#### Processor time against {axis.name}, seconds"
        yield table([axis.fixed, *axis.labels], [[name, *map(_figure, values)] for name, values in axis.rows])
