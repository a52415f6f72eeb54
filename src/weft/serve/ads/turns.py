"""Turns of streams that have something to send: each has one after the other, and the event loop in between."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

SLICE: Final = 0.02
"""Seconds that streams may take before the event loop reads and does what else is due: what a change costs that goes to
a few hundred streams. They have it before the first answers are read."""


class Turns:
    """A queue of turns; nobody is in it twice."""

    def __init__(self, slice_: float = SLICE) -> None:
        self._slice = slice_
        self._queue: deque[Callable[[], None]] = deque()
        self._going = False

    def want(self, turn: Callable[[], None]) -> None:
        """Calls `turn` soon. Ask again when it was called, not before."""
        self._queue.append(turn)
        if not self._going:
            self._going = True
            asyncio.get_running_loop().call_soon(self._go)

    def _go(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._slice
        try:
            while self._queue:
                self._queue.popleft()()
                if loop.time() > end:
                    break
        finally:
            self._going = bool(self._queue)
            if self._going:
                loop.call_soon(self._go)
