"""How cost grows with one size while all others stay as they are."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from benchmarks.control.objects import Shape
from benchmarks.control.results import Case
from msgspec import Struct

_SIZES: Final[dict[str, Callable[[Shape], int]]] = {
    "services": lambda shape: shape.services,
    "proxies": lambda shape: shape.proxies,
    "workloads": lambda shape: shape.workloads,
    "endpoints": lambda shape: shape.endpoints,
}


class Axis(Struct, frozen=True):
    """The processor time of events where one size grows: what is `fixed`, a label for each size, and a row an event."""

    name: str
    fixed: str
    labels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]


def growth(cases: Sequence[Case]) -> Iterator[Axis]:
    """Yields the axes along which at least two cases lie, and the one of the sizes of a change."""
    for name in _SIZES:
        groups: dict[tuple[object, ...], list[Case]] = {}
        for case in cases:
            others = tuple(size(case.shape) for other, size in _SIZES.items() if other != name)
            groups.setdefault((case.server, case.protocol, case.tls, *others), []).append(case)
        for group in groups.values():
            if len({_SIZES[name](case.shape) for case in group}) > 1:
                yield _axis(name, sorted(group, key=lambda case: _SIZES[name](case.shape)))
    yield from _of_changes(cases)


def _axis(name: str, cases: Sequence[Case]) -> Axis:
    sizes = tuple(f"{_SIZES[name](case.shape):,} {name}" for case in cases)
    fixed = ", ".join(f"{size(cases[0].shape):,} {other}" for other, size in _SIZES.items() if other != name)
    events = dict.fromkeys(event.name for case in cases for event in case.events)
    rows = tuple((event, tuple(_cpu(case, event) for case in cases)) for event in events)
    return Axis(f"the number of {name}", fixed, sizes, rows)


def _cpu(case: Case, event: str) -> float | None:
    return next((each.cost("cpu") for each in case.events if each.name == event), None)


def _of_changes(cases: Sequence[Case]) -> Iterator[Axis]:
    found = [case for case in cases if case.batches]
    if not found:
        return
    counts = sorted({count for case in found for count, _ in case.batches})
    rows = tuple(
        (
            f"{case.shape.services:,} services, {case.shape.proxies:,} proxies",
            tuple(dict(case.batches)[count].cost("cpu") if count in dict(case.batches) else None for count in counts),
        )
        for case in found
    )
    yield Axis("the size of a change", "", tuple(f"{count} endpoints" for count in counts), rows)
