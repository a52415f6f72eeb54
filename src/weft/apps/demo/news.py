"""Tells what becomes of changes while the demo is up: what is wrong with them, and when that is over."""

from __future__ import annotations

import asyncio
from typing import Final

from rich.console import Console
from rich.text import Text

from weft.base.issues import LocatedIssue
from weft.base.places import Places
from weft.cli.api import Controller
from weft.cli.errors import Failure
from weft.cli.issues import describe_issue

_LOOK: Final = 1.0
_COLOURS: Final = {"error": "red", "warning": "yellow", "info": "cyan", "solved": "green"}


async def tell_news(places: Places, console: Console) -> None:
    """Writes each issue when it appears and when it has gone, until cancelled."""
    controller = Controller(places)
    known: set[LocatedIssue] = set()
    while True:
        try:
            now = set(await asyncio.to_thread(controller.fetch, "/v1/issues", tuple[LocatedIssue, ...]))
        except Failure:  # the controller was killed, and comes back
            now = known
        for line in news(known, now):
            console.print(Text(line, _COLOURS[line.partition(":")[0]]), soft_wrap=True)
        known = now
        await asyncio.sleep(_LOOK)


def news(before: set[LocatedIssue], now: set[LocatedIssue]) -> list[str]:
    """A line for each issue that came or went."""
    came = [f"{located.issue.severity}: {describe_issue(located)}" for located in now - before]
    went = [f"solved: {describe_issue(located)}" for located in before - now]
    return sorted(came) + sorted(went)
