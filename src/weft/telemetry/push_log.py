"""Why something was pushed: the last pushes, with what changed before them and what they told.

Takes references to names that are there anyway, up to a bound, so that it costs little in time and memory.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, Literal

from msgspec import Struct

PUSHES: Final = 128
"""Pushes that are remembered."""

_CHANGES: Final = 64
_NAMES: Final = 2_000

Lane = Literal["endpoints", "everything"]
LANES: Final[tuple[Lane, ...]] = ("endpoints", "everything")

Told = Mapping[Any, Mapping[str, Set[str]]]
"""Names of resources that are different, by whose they are and type URL."""


class Push(Struct, frozen=True, kw_only=True):
    """One push. `changes` are the objects that changed since the former one of its lane, `more_changes` counts those
    that are not listed; `time` is in Unix seconds, `waited` in seconds, from the first change on.

    `told` holds names by whose they are and type URL; of a large push not all, as `names` tells. `moved` are the uids
    of pods whose proxies show another view since.
    """

    number: int
    time: float
    waited: float
    lane: Lane
    changes: tuple[str, ...]
    more_changes: int
    told: dict[tuple[Hashable, str], tuple[str, ...]]
    names: int
    moved: frozenset[str] = frozenset()


class _Changes:
    """Objects that changed, in order, each once; the first ones by name, all others by number."""

    def __init__(self) -> None:
        self.refs: dict[Hashable, None] = {}
        self.more = 0

    def add(self, ref: Hashable) -> None:
        if len(self.refs) < _CHANGES:
            self.refs[ref] = None
        elif ref not in self.refs:
            self.more += 1

    def take(self) -> _Changes:
        """All of them; none are left."""
        taken = _Changes()
        taken.refs, taken.more = self.refs, self.more
        self.refs, self.more = {}, 0
        return taken


class _Begun(Struct):
    changes: _Changes
    since: float


class PushLog:
    """The last pushes. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._pushes: deque[Push] = deque(maxlen=PUSHES)
        self._pending = {lane: _Changes() for lane in LANES}
        self._begun = {lane: _Begun(_Changes(), 0.0) for lane in LANES}
        self._lane: Lane | None = None
        self._count = 0

    def __iter__(self) -> Iterator[Push]:
        """The pushes, the newest first."""
        return reversed(tuple(self._pushes))

    def changed(self, ref: Hashable) -> None:
        """An object is another one now, or gone. Both lanes will tell what follows."""
        for changes in self._pending.values():
            changes.add(ref)

    def begin(self, lane: Lane, waited: float) -> None:
        """A push begins, `waited` seconds after its first change: what has changed until now is what it is about."""
        self._begun[lane] = _Begun(self._pending[lane].take(), self._clock() - waited)

    @contextmanager
    def telling(self, lane: Lane) -> Iterator[None]:
        """Inside, what is recorded is of this lane. What is recorded outside is due to a proxy that came."""
        self._lane = lane
        try:
            yield
        finally:
            self._lane = None

    def record(self, told: Told, moved: Set[str] = frozenset()) -> None:
        """A push tells this. What changed while it was computed may have its part in it, and stays for the next one."""
        names = sum(len(each) for by_type in told.values() for each in by_type.values())
        if not names and not moved:
            return
        lane, now = self._lane or "everything", self._clock()
        later = self._pending[lane]
        begun = self._begun[lane] if self._lane else _Begun(_Changes(), now)
        refs = dict.fromkeys((*begun.changes.refs, *later.refs))
        self._count += 1
        push = Push(
            number=self._count,
            time=now,
            waited=max(now - begun.since, 0.0),
            lane=lane,
            changes=tuple(map(str, refs)),
            more_changes=begun.changes.more + later.more,
            told=_bounded(told),
            names=names,
            moved=frozenset(moved),
        )
        self._pushes.append(push)


def _bounded(told: Told) -> dict[tuple[Hashable, str], tuple[str, ...]]:
    room = _NAMES
    kept: dict[tuple[Hashable, str], tuple[str, ...]] = {}
    for owner, by_type in told.items():
        for type_url, names in by_type.items():
            if room > 0:
                kept[owner, type_url] = tuple(islice(names, room))
                room -= len(kept[owner, type_url])
    return kept
