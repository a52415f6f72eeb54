"""How a process that keeps others is ended: by its work, by a signal, or because it can't go on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def signals_call(act: Callable[[], object]) -> Iterator[None]:
    """Inside, SIGTERM and SIGINT call this in the running loop. Afterwards they mean nothing: the process is ending,
    and starts no other one. (A signal that comes while asyncio closes its loop would be an error in the log.)"""
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        asyncio.get_running_loop().add_signal_handler(number, act)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)


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
