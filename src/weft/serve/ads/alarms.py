"""Wakes streams at a time, by one timer for all of them.

A stream that waits for an answer has it long before the time is up, as a rule: hundreds of timers would be made and
cancelled for each change.
"""

import asyncio
import time
from typing import Final, Protocol

_NEVER: Final = float("inf")


class Sleeper(Protocol):
    """Who is woken."""

    def wake(self) -> None:
        """The time has come. It returns at once."""


class Alarms:
    """Times are those of `time.monotonic`. All is of one event loop."""

    def __init__(self) -> None:
        self._at: dict[Sleeper, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._rings = _NEVER

    def set(self, sleeper: Sleeper, at: float) -> None:
        """Wakes somebody at a time, and not at the one that was set before."""
        self._at[sleeper] = at
        if at < self._rings:
            self._wait_until(at)

    def cancel(self, sleeper: Sleeper) -> None:
        """Lets somebody sleep."""
        self._at.pop(sleeper, None)

    def _wait_until(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings = at
        self._timer = asyncio.get_running_loop().call_later(max(0.0, at - time.monotonic()), self._ring)

    def _ring(self) -> None:
        self._timer, self._rings = None, _NEVER
        now = time.monotonic()
        due = [sleeper for sleeper, at in self._at.items() if at <= now]
        for sleeper in due:
            if self._at.pop(sleeper, None) is not None:
                sleeper.wake()
        if self._at:
            self._wait_until(min(self._at.values()))
