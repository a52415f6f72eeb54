"""Which isolation a mesh gets: the one that was named, or the best that works on this machine; pure."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

from msgspec import Struct

from weft.model.local import Isolation

AUTO: Final = "auto"
BEST_FIRST: Final[tuple[Isolation, ...]] = ("netns", "userns", "loopback")

Wanted = Literal["auto", "netns", "userns", "loopback"]
Probe = Callable[[], str | None]
"""Tries an isolation, and leaves no trace; returns why it does not work here, None if it does."""


class Choice(Struct, frozen=True):
    """The isolation that was chosen, and why each better one does not work."""

    isolation: Isolation
    refused: tuple[tuple[Isolation, str], ...] = ()


class IsolationError(Exception):
    """The isolation can't be had on this machine, or not for this mesh; the message says why."""


def choose(wanted: Wanted, probes: Mapping[Isolation, Probe]) -> Choice:
    """The wanted isolation; with `auto` the first of BEST_FIRST that works. Raises IsolationError."""
    candidates = BEST_FIRST if wanted == "auto" else (wanted,)
    refused: list[tuple[Isolation, str]] = []
    for isolation in candidates:
        reason = probes[isolation]()
        if reason is None:
            return Choice(isolation, tuple(refused))
        refused.append((isolation, reason))
    said = "; ".join(f"{isolation}: {reason}" for isolation, reason in refused)
    raise IsolationError(f"this machine can't isolate pods that way: {said}")
