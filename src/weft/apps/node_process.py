"""The node process with the options of its command line."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from weft.apps.endings import signals_call
from weft.apps.families import families_in
from weft.base.places import Places
from weft.node.agent import run_node
from weft.node.settings import NodeSettings, node_settings


def run(places: Places, envoy: Path | None, ip_families: str) -> None:
    """Runs the node process until it is told to end."""
    asyncio.run(_run(node_settings(places, envoy, families_in(ip_families))))


async def _run(settings: NodeSettings) -> None:
    """The pods go on when this ends: the next node process takes them over."""
    work = asyncio.create_task(run_node(settings))
    with signals_call(work.cancel), contextlib.suppress(asyncio.CancelledError):
        await work
