"""Startup, liveness and readiness of one container, with the meaning that Kubernetes gives them.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-probes
One thing is quicker than in Kubernetes: until a container is ready for the first time it is asked more often than once
a period, which changes nothing but the time that a pod takes to get ready.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from weft.model.local import Probe
from weft.node.checks import Checker

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 1.0


class Probes(Struct, frozen=True):
    """The probes of a container."""

    startup: Probe | None = None
    liveness: Probe | None = None
    readiness: Probe | None = None


class Streak:
    """Turns single results into a verdict: it changes after as many equal results in a row as the thresholds say."""

    def __init__(self, probe: Probe, *, passing: bool) -> None:
        self._thresholds = {True: probe.success_threshold, False: probe.failure_threshold}
        self._last = passing
        self._count = 0
        self.passing = passing

    def observe(self, success: bool) -> bool:
        """Takes one result and returns the verdict after it."""
        self._count = self._count + 1 if success == self._last else 1
        self._last = success
        if self._count >= self._thresholds[success]:
            self.passing = success
        return self.passing


def eager_pauses(period: float) -> Iterator[float]:
    """Seconds between two checks of a container that was never ready: short ones first, never above the period."""
    pause = _FIRST_PAUSE
    while True:
        yield min(pause, period)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


class Prober:
    """Probes one process of a container. `ready` and `started` may be true from the beginning for an adopted one."""

    def __init__(
        self, probes: Probes, checker: Checker, changed: Callable[[], None], *, started: bool, ready: bool
    ) -> None:
        self._probes = probes
        self._checker = checker
        self._changed = changed
        self.started = started or probes.startup is None
        self.ready = ready and self.started
        self.message = ""
        """Why the container is not ready; empty if it is."""

    async def run(self) -> str:
        """Probes until the container must be restarted, and says why."""
        if self._probes.startup and not self.started:
            failure = await self._start_up(self._probes.startup)
            if failure:
                return f"startup probe failed: {failure}"
        self._note(started=True, ready=self.ready or self._probes.readiness is None)
        readiness = asyncio.create_task(self._watch_readiness())
        try:
            return f"liveness probe failed: {await self._watch_liveness()}"
        finally:
            readiness.cancel()

    async def _start_up(self, probe: Probe) -> str | None:
        """Waits for the first success; what was wrong if there was none in `failure_threshold` periods."""
        await asyncio.sleep(probe.initial_delay / 1_000)
        loop = asyncio.get_running_loop()
        begin, period = loop.time(), probe.period / 1_000
        for pause in eager_pauses(period):
            failure = await self._ask(probe)
            if failure is None:
                return None
            self._note(started=False, ready=False, message=f"startup probe failed: {failure}")
            if loop.time() - begin >= period * (probe.failure_threshold - 1):
                return failure
            await asyncio.sleep(pause)
        raise AssertionError("pauses never end")

    async def _watch_liveness(self) -> str:
        """Returns what was wrong when it has failed too often in a row; without a probe, never."""
        probe = self._probes.liveness
        if probe is None:
            await asyncio.Event().wait()
            raise AssertionError("nobody sets the event")
        await asyncio.sleep(probe.initial_delay / 1_000)
        streak = Streak(probe, passing=True)
        while True:
            failure = await self._ask(probe)
            if not streak.observe(failure is None):
                return failure or ""
            await asyncio.sleep(probe.period / 1_000)

    async def _watch_readiness(self) -> None:
        probe = self._probes.readiness
        if probe is None:
            return
        if not self.ready:
            await asyncio.sleep(probe.initial_delay / 1_000)
        streak = Streak(probe, passing=self.ready)
        eager = eager_pauses(probe.period / 1_000)
        seen = self.ready
        while True:
            failure = await self._ask(probe)
            ready = streak.observe(failure is None)
            message = "" if ready else f"readiness probe failed: {failure or 'not often enough in a row yet'}"
            self._note(started=True, ready=ready, message=message)
            seen = seen or failure is None
            await asyncio.sleep(probe.period / 1_000 if seen else next(eager))

    async def _ask(self, probe: Probe) -> str | None:
        return await self._checker.check(probe.action, probe.timeout)

    def _note(self, *, started: bool, ready: bool, message: str = "") -> None:
        if (started, ready, message) != (self.started, self.ready, self.message):
            self.started, self.ready, self.message = started, ready, message
            self._changed()
