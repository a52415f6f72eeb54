"""Waiting for what becomes true by itself."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.05


def eventually(check: Callable[[], T], *, within: float = 10.0) -> T:
    """Calls `check` until it raises no AssertionError; what it raised last is the failure after `within` seconds."""
    end = time.monotonic() + within
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > end:
                raise
            time.sleep(PAUSE)


def seconds_until(check: Callable[[], object], *, within: float = 10.0) -> float:
    """How long it takes until `check` raises no AssertionError."""
    started = time.monotonic()
    eventually(check, within=within)
    return time.monotonic() - started
