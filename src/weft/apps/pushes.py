"""When changes are computed and told: an isolated one at once, those of a storm together, endpoints before all else.

There are two lanes. Endpoints are computed and told whole, some times a second at most. Everything else is computed in
steps, and endpoints overtake it between two steps. What is computed while a former push is still on its way merges with
it in the streams, which remember names and not contents.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from msgspec import Struct

from weft.telemetry.push_log import LANES, Lane


class Work(Protocol):
    """What is done for a change."""

    def publish_endpoints(self) -> None:
        """Tells the endpoints that changed."""

    def compute(self) -> Iterator[None]:
        """Computes everything else in steps."""

    @property
    def computed(self) -> bool:
        """Whether there is anything to tell but endpoints that go ahead."""

    def publish(self) -> None:
        """Tells what was computed, and all that follows from it."""


class PushObserver(Protocol):
    """Hears of pushes. Times are seconds of `time.monotonic`."""

    def started(self, lane: Lane, since: float) -> None:
        """A push of a lane begins; the first of its changes was at `since`."""

    def telling(self, lane: Lane, since: float) -> AbstractContextManager[None]:
        """Inside, proxies are told what has changed at `since`."""


class Unobserved:
    """Nobody wants to know."""

    def started(self, lane: Lane, since: float) -> None:
        """As in `PushObserver`."""

    def telling(self, lane: Lane, since: float) -> AbstractContextManager[None]:
        """As in `PushObserver`."""
        return nullcontext()


class PushPacing(Struct, frozen=True):
    """Times in seconds.

    `endpoints` lie between two pushes of endpoints, from begin to begin; `everything` at least between two of
    everything else, longer if a push takes longer, so that computing takes half of the time at most, up to `longest`.
    Computing lets others have their turn after each `slice`; what changes again and again is told after `longest` all
    the same.
    """

    endpoints: float = 0.08
    everything: float = 0.1
    longest: float = 2.0
    slice: float = 0.005


DEFAULT_PACING: Final = PushPacing()


class Pushes:
    """Does the work whenever something changed, as often as the pacing allows."""

    def __init__(self, work: Work, pacing: PushPacing = DEFAULT_PACING, observer: PushObserver | None = None) -> None:
        self._work = work
        self._pacing = pacing
        self._observer = observer or Unobserved()
        self._endpoints = asyncio.Event()
        self._everything = asyncio.Event()
        self._since: dict[Lane, float] = {}
        self._changes = 0
        self._told: dict[Lane, int] = dict.fromkeys(LANES, 0)
        self._news = asyncio.Event()

    def changed(self) -> None:
        """Takes note that something changed. Returns at once."""
        self._changes += 1
        self._endpoints.set()
        self._everything.set()
        now = time.monotonic()
        self._since.setdefault("endpoints", now)
        self._since.setdefault("everything", now)

    async def told(self) -> None:
        """Returns when all that has changed until now was told: at once if nothing waits."""
        changes = self._changes
        while min(self._told.values()) < changes:
            await self._news.wait()

    async def run(self) -> None:
        """Works until cancelled; ends with whatever the work raises."""
        async with asyncio.TaskGroup() as lanes:
            lanes.create_task(self._push_endpoints())
            lanes.create_task(self._push_everything())

    async def _push_endpoints(self) -> None:
        while True:
            await self._endpoints.wait()
            self._endpoints.clear()
            began, changes = time.monotonic(), self._changes
            since = self._start("endpoints")
            with self._observer.telling("endpoints", since):
                self._work.publish_endpoints()
            self._end("endpoints", changes)
            await asyncio.sleep(began + self._pacing.endpoints - time.monotonic())

    async def _push_everything(self) -> None:
        while True:
            await self._everything.wait()
            self._everything.clear()
            changes = self._changes
            since = self._start("everything")
            busy = await self._compute()
            if self._work.computed:  # else endpoints keep their own pace
                with self._observer.telling("everything", since):
                    self._work.publish_endpoints()
                    self._work.publish()
            self._end("everything", changes)
            await asyncio.sleep(min(max(self._pacing.everything, busy), self._pacing.longest))

    def _start(self, lane: Lane) -> float:
        since = self._since.pop(lane)
        self._observer.started(lane, since)
        return since

    def _end(self, lane: Lane, changes: int) -> None:
        self._told[lane] = changes
        self._news.set()
        self._news = asyncio.Event()

    async def _compute(self) -> float:
        """Computes in slices; returns the seconds that it took without the pauses."""
        clock = asyncio.get_running_loop().time
        began = started = clock()
        busy = 0.0
        for _ in self._work.compute():
            now = clock()
            if now - started >= self._pacing.slice and now - began < self._pacing.longest:
                busy += now - started
                await asyncio.sleep(0)
                started = clock()
        return busy + clock() - started
