"""The figures of the data plane in the documentation: between two markers of a page, and as a picture beside it."""

from collections.abc import Sequence

from benchmarks.lab.drawing import Group, bar_chart
from benchmarks.lab.paths import DIRECT, STATIC
from benchmarks.lab.results import Point, Result


def picture(result: Result) -> str | None:
    """Returns a chart of requests a second, in relation to the static pair; None where it was not measured.

    The direct way has no place in it: it is several times as long as all others.
    """
    groups: dict[str, list[Point]] = {}
    for point in result.points:
        if point.kind == "requests" and point.way != DIRECT:
            groups.setdefault(point.protocol, []).append(point)
    if not groups or not all(any(p.way == STATIC for p in points) for points in groups.values()):
        return None
    series = list(dict.fromkeys(point.way for points in groups.values() for point in points))
    title = f"Requests a second, in relation to the {STATIC}"
    return bar_chart(title, series, [_group(*each, series) for each in groups.items()], mark=1.0)


def _group(protocol: str, points: list[Point], series: Sequence[str]) -> Group:
    static = next(point for point in points if point.way == STATIC)
    found = {point.way: point.ratio(static, "rate").median for point in points}
    return Group(protocol, tuple(found.get(name) for name in series))
