"""When what is waited for arrived at each proxy."""

import math
from array import array
from collections.abc import Iterator, Sequence

from benchmarks.ads.content import Content
from msgspec import Struct

from weft.envoy.type_urls import RDS, VHDS


class Mark(Struct, frozen=True):
    """Bytes that only a change brings, in resources of one type. In JSON the bytes are Base64.

    A later mark of the same `group` stands for the earlier ones too: what was overtaken is never sent.
    """

    type_url: str
    text: bytes
    group: str = ""


class Arrivals:
    """Notes at which time each of some marks came to each of `proxies`; `number` tells this watch from others."""

    def __init__(self, number: int, marks: Sequence[Mark], proxies: int) -> None:
        self._number = number
        self._marks = tuple(marks)
        self._before = list(_predecessors(marks))
        self._times = [array("d", [math.nan]) * proxies for _ in marks]
        self.awaited = len(marks) * proxies

    def note(self, proxy: int, content: Content, now: float) -> None:
        """Takes note of what a proxy got."""
        if not self._marks:
            return
        if content.watch != self._number:
            content.watch, content.found = self._number, self._search(content)
        for number in content.found:
            mark: int | None = number
            while mark is not None and math.isnan(self._times[mark][proxy]):
                self._times[mark][proxy] = now
                self.awaited -= 1
                mark = self._before[mark]

    def times(self) -> list[list[float | None]]:
        """Returns the times of each mark, by proxy; None where it did not come."""
        return [[None if math.isnan(time) else time for time in times] for times in self._times]

    def _search(self, content: Content) -> tuple[int, ...]:
        return tuple(
            number
            for number, mark in enumerate(self._marks)
            if _may_hold(content, mark) and mark.text in content.section
        )


def _may_hold(content: Content, mark: Mark) -> bool:
    """Whether the mark may be there; what routes say may also come as a virtual host of its own."""
    return content.type_url in ((RDS, VHDS) if mark.type_url == RDS else (mark.type_url,))


def _predecessors(marks: Sequence[Mark]) -> Iterator[int | None]:
    """Yields for each mark the number of the one before it in its group."""
    last: dict[str, int] = {}
    for number, mark in enumerate(marks):
        yield last.get(mark.group) if mark.group else None
        last[mark.group] = number
