"""When a folder that changes is looked at: soon after a change that is complete, and seldom enough in a storm."""

from typing import Final

from msgspec import Struct


class Waits(Struct, frozen=True):
    """Times in seconds.

    After something complete (a file was closed, renamed or removed) a folder is looked at when nothing else was told
    for `settled`: what one command does to several files takes effect together. While files are being written it has to
    be quiet for `quiet`. A folder that never is quiet is looked at `merged` after the first change, or `written` where
    only writing goes on. Looks take a `share` of a processor at most.
    """

    settled: float = 0.01
    quiet: float = 0.06
    merged: float = 0.04
    written: float = 0.12
    share: float = 0.5


DEFAULT_WAITS: Final = Waits()


class Pace:
    """When to look next. Times are seconds of one clock."""

    def __init__(self, waits: Waits = DEFAULT_WAITS) -> None:
        self._waits = waits
        self._first: float | None = None
        self._due = 0.0
        self._rested = 0.0

    @property
    def due(self) -> float | None:
        """When to look; None while nothing was told."""
        return None if self._first is None else max(self._due, self._rested)

    def changed(self, now: float, *, finished: bool) -> None:
        """Something was told; `finished` as in `Notice`."""
        waits = self._waits
        self._first = now if self._first is None else self._first
        wait, bound = (waits.settled, waits.merged) if finished else (waits.quiet, waits.written)
        self._due = min(now + wait, self._first + bound)

    def begin(self) -> None:
        """A look begins: all that was told until now is settled by that."""
        self._first = None

    def looked(self, now: float, used: float) -> None:
        """A look has ended, for which so much processor time was used."""
        self._rested = now + used * (1 / self._waits.share - 1)
