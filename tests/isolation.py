"""Levels of isolation that tests ask for: what each test needs, and what there is."""

import os
from typing import Any, Final

import pytest

from weft.node.choice import BEST_FIRST, choose
from weft.node.isolation_probes import machine_probes

LEVELS: Final = BEST_FIRST[::-1]
"""From the least to the most; each can what the ones before it can."""


def needed(item: pytest.Item) -> str:
    """The level that a test needs: of its markers `isolation` the highest; `root` is the same as `netns`."""
    stated = [_level(marker) for marker in item.iter_markers("isolation")]
    if item.get_closest_marker("root"):
        stated.append("netns")
    return max(stated, key=LEVELS.index, default="loopback")


def lacking(item: pytest.Item, level: str) -> str:
    """Why a test can't run at a level; empty if it can.

    A test that makes networks in this very process (`here=True`) needs to be root in its user namespace, too.
    """
    wanted = needed(item)
    if LEVELS.index(wanted) > LEVELS.index(level):
        return f"needs isolation {wanted}"
    here = any(marker.kwargs.get("here") for marker in item.iter_markers("isolation"))
    if here and os.geteuid() != 0:
        return "needs networks in this process: `./dev test` runs it in a user namespace"
    return ""


def best() -> str:
    """The best level that works on this machine, as `weft up` finds it."""
    return choose("auto", machine_probes()).isolation


def _level(marker: Any) -> str:
    if len(marker.args) != 1 or marker.args[0] not in LEVELS or marker.kwargs.keys() - {"here"}:
        raise pytest.UsageError(f"write isolation(LEVEL) with one of {', '.join(LEVELS)}")
    return str(marker.args[0])
