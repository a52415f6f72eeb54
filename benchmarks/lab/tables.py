"""The figures as tables in Markdown, aligned so that they read well on a terminal too."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from benchmarks.lab.load import LARGE_BODY, RATE
from benchmarks.lab.paths import ABOUT, KEPT, MESH, OTHER, STATIC
from benchmarks.lab.results import Footprint, Point, Propagation, Result
from benchmarks.lab.samples import spread

_MEGABYTE: Final = 1_000_000
NONE: Final = "-"
_COMPARED: Final = ((MESH, STATIC), (KEPT, STATIC), (MESH, OTHER))

Row = Sequence[str]


def markdown(result: Result) -> str:
    """Returns all tables with their headings; parts that were not measured are left out."""
    return "\n\n".join([*_machine(result), *_loads(result.points), *_sidecars(result)]) + "\n"


def table(head: Row, rows: Iterable[Row]) -> str:
    """Returns a table; the first column is text, the others are numbers."""
    cells = [list(head), *map(list, rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [_aligned(cells[0], widths), rule, *(_aligned(row, widths) for row in cells[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float) -> str:
    """Returns a number with three digits that count, or all that are before the point."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def _aligned(row: Row, widths: Sequence[int]) -> list[str]:
    return [
        cell.ljust(width) if not place else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]


def _machine(result: Result) -> Iterator[str]:
    machine = result.machine
    yield (
        f"{machine['date']}, {machine['processors']} processors ({machine['processor']}), Linux {machine['kernel']}, "
        f"Envoy {machine['envoy']}, Weft {machine['weft']}; load of the machine before: {machine['load']:.2f}. "
        f"Medians of {result.rounds} rounds of {result.seconds:g} s."
    )


def _loads(points: Sequence[Point]) -> Iterator[str]:
    found: dict[str, list[list[Point]]] = {"requests": [], "rate": [], "connections": [], "bodies": []}
    for _, group in groupby(points, key=lambda point: point.load):
        same = list(group)
        found[same[0].kind].append(same)
    if found["requests"]:
        yield "### Requests a second, as many as can be"
        yield _by_way(found["requests"], "rate")
        yield "### Processor time of Envoys, seconds for 1,000 requests"
        yield _by_way(found["requests"], "cpu", lower=True)
    if found["rate"]:
        yield f"### Latency at {RATE:,} requests a second, milliseconds"
        yield _latency(found["rate"])
    if found["connections"]:
        yield "### New connections a second, one request in each"
        yield _by_way(found["connections"], "rate")
    if found["bodies"]:
        yield "### Bodies of 1 MiB, megabytes a second"
        yield _by_way(found["bodies"], "rate", scale=LARGE_BODY / _MEGABYTE)


def _by_way(groups: Sequence[Sequence[Point]], field: str, *, scale: float = 1, lower: bool = False) -> str:
    """One row a protocol, one column a way, and how ways of the mesh compare to others."""
    names = _names(groups)
    compared = [pair for pair in _COMPARED if set(pair) <= set(names)]
    head = ["", *names, *(f"{one} / {other}" for one, other in compared)]
    rows = []
    for group in groups:
        found = {point.way: point for point in group}
        cells = [_figure(found[name], field, scale) if name in found else NONE for name in names]
        cells += [_ratio(found, pair, field) for pair in compared]
        rows.append([group[0].protocol, *cells])
    note = "Less is better. " if lower else ""
    return table(head, rows) + f"\n\n{note}Ratios are medians; in brackets: least and most of the rounds." * bool(
        compared
    )


def _names(groups: Sequence[Sequence[Point]]) -> list[str]:
    """All ways, in order: no group has them in another one."""
    return sorted({point.way for group in groups for point in group}, key=list(ABOUT).index)


def _figure(point: Point, field: str, scale: float) -> str:
    median = point.spread(field).median * scale
    return number(median) if median else NONE


def _ratio(found: Mapping[str, Point], pair: tuple[str, str], field: str) -> str:
    one, other = (found.get(name) for name in pair)
    if one is None or other is None:
        return NONE
    ratio = one.ratio(other, field)
    return f"{ratio.median:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"


def _latency(groups: Sequence[Sequence[Point]]) -> str:
    """Two numbers in one cell: a column for each would be too wide."""
    names = _names(groups)
    rows = []
    for group in groups:
        found = {point.way: point for point in group}
        rows.append([group[0].protocol, *(_latencies(found[name]) if name in found else NONE for name in names)])
    return table(["p50 / p99", *names], rows)


def _latencies(point: Point) -> str:
    return f"{number(point.spread('p50').median)} / {number(point.spread('p99').median)}"


def _sidecars(result: Result) -> Iterator[str]:
    if result.footprints:
        yield "### Memory of a sidecar, and start-up"
        yield table(["services", "its own memory, MiB", "ready after, s"], map(_footprint, result.footprints))
    if result.propagations:
        yield "### From the save of a file until sidecars route by it, milliseconds"
        yield table(
            ["sidecars", "half of them", "all of them", "least", "most"], map(_propagation, result.propagations)
        )


def _footprint(found: Footprint) -> Row:
    return [f"{found.services:,}", f"{found.memory:.1f}", f"{found.ready:.1f}"]


def _propagation(found: Propagation) -> Row:
    everywhere = spread(found.all)
    values = (spread(found.half).median, everywhere.median, everywhere.low, everywhere.high)
    return [str(found.proxies), *(f"{value:.0f}" for value in values)]


def legend(names: Iterable[str]) -> str:
    """Returns a list of what the ways are."""
    return "\n".join(f"- **{name}**: {ABOUT[name]}" for name in names)
