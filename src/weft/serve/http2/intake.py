"""Long messages come in a few at a time.

Proxies that come back tell the versions of all that they have, and all proxies do so at once: a thousand of them were a
gigabyte of messages that are not complete. Nobody is kept waiting before the first window is used up. More of a long
message is let come when its call has a place; until then its window stays closed, and the client keeps the rest
(RFC 9113, section 5.2).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, Protocol

PLACES: Final = 32
"""Calls that may send long messages at a time."""

PATIENCE: Final = 5.0
"""Seconds that a call may take before another one has its place; it is let go on."""


class Sender(Protocol):
    """A call whose caller sends a long message."""

    def let_more_come(self) -> None:
        """It has a place now."""


class Intake:
    """Gives places to calls, first come, first served. `clock` tells seconds."""

    def __init__(
        self, places: int = PLACES, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._places = places
        self._patience = patience
        self._clock = clock
        self._coming: dict[Sender, float] = {}
        self._late: set[Sender] = set()
        self._waiting: dict[Sender, None] = {}

    def enter(self, sender: Sender) -> bool:
        """Returns whether a call may send on; if not, it hears when it may."""
        if sender in self._coming or sender in self._late:
            return True
        if len(self._coming) < self._places and not self._waiting:
            self._coming[sender] = self._clock()
            return True
        self._waiting[sender] = None
        return False

    def keeps_waiting(self, sender: Sender) -> bool:
        """Whether a call has no place yet."""
        return sender in self._waiting

    def leave(self, sender: Sender) -> None:
        """A call sends nothing long any more."""
        self._late.discard(sender)
        self._waiting.pop(sender, None)
        if self._coming.pop(sender, None) is not None:
            self._fill()

    def look(self) -> None:
        """Gives the places of those who take too long to others: to be called every few seconds."""
        end = self._clock() - self._patience
        late = [sender for sender, since in self._coming.items() if since < end] if self._waiting else []
        for sender in late:
            del self._coming[sender]
        self._late.update(late)
        self._fill()

    def _fill(self) -> None:
        while self._waiting and len(self._coming) < self._places:
            sender = next(iter(self._waiting))
            del self._waiting[sender]
            self._coming[sender] = self._clock()
            sender.let_more_come()
