"""How a process that keeps others is ended: by its work, by a signal, or because it can't go on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable
from typing import Any


async def until_signal(meanwhile: Awaitable[int], failure: asyncio.Future[Any] | None = None) -> int:
    """Waits for `meanwhile`, or for SIGTERM, SIGINT or SIGHUP, and returns what it returned, else 0. Raises what
    `failure` gets."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    work = asyncio.ensure_future(meanwhile)
    stop = asyncio.create_task(ended.wait())
    awaited: set[asyncio.Future[Any]] = {work, stop} if failure is None else {work, stop, failure}
    try:
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        if failure is not None and failure.done():
            failure.result()
        return work.result() if work.done() else 0
    finally:
        for task in (work, stop):
            task.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)
