"""When to try again; pure."""

import random
from collections.abc import Iterator

from weft.node.settings import Backoff


def after_end(delay: float, ran: float, policy: Backoff) -> tuple[float, float]:
    """What to wait before a process that ended starts again, and the delay to remember for its next end.

    `delay` is what the last call said to remember (0 at first), `ran` how long the process has run, all in seconds.
    The first restart is immediate.
    """
    if ran >= policy.forgive:
        delay = 0
    return delay, min(max(delay * 2, policy.initial), policy.limit)


def retry_pauses(first: float, limit: float) -> Iterator[float]:
    """Seconds between tries to reach somebody: doubled up to `limit`, each one up to a quarter shorter by chance."""
    pause = first
    while True:
        yield pause * random.uniform(0.75, 1)
        pause = min(pause * 2, limit)
