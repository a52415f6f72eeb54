"""The picture of the figures: what Weft spends in relation to istiod."""

import math

from benchmarks.control.objects import Shape
from benchmarks.control.reference import ISTIOD, SERVICES
from benchmarks.control.results import Event, Result
from benchmarks.lab.drawing import Group, bar_chart

_SERIES = ("processor time", "until the last proxy has it", "bytes sent")


def picture(result: Result) -> str | None:
    """Returns a chart of the largest mesh that there are figures of istiod for; None where none was measured."""
    found = [case for case in result.cases if any(_comparable(case.shape, event) for event in case.events)]
    if not found:
        return None
    case = max(found, key=lambda each: each.shape.proxies)
    shape = case.shape
    title = f"Weft in relation to istiod (1.0): {shape.services:,} services, {shape.proxies:,} proxies"
    groups = [_group(event, shape) for event in case.events if _comparable(shape, event)]
    return bar_chart(title, _SERIES, groups, mark=1.0)


def _comparable(shape: Shape, event: Event) -> bool:
    return shape.services == SERVICES and (event.name, shape.proxies) in ISTIOD


def _group(event: Event, shape: Shape) -> Group:
    other, last = ISTIOD[event.name, shape.proxies], event.delay("last")
    values = (
        _share(event.cost("cpu"), other.cpu),
        _share(last.median if last else None, other.last),
        _share(event.cost("received"), other.received),
    )
    return Group(event.name, values)


def _share(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None or not math.isfinite(value) else value / other
