"""Follows a folder: scans it when the kernel tells of a change, and says what changed."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import watchfiles

from weft.sources.changes import Changes
from weft.sources.directory.source import DirectorySource

QUIET: Final = 60
"""Milliseconds without a notification after which a writer is taken to have finished."""
LONGEST: Final = 120
"""Milliseconds after which a folder that never is quiet is looked at."""
LOOK: Final = 400
"""Milliseconds between looks where notifications can't be had: links, unfinished files, folders that are gone."""
MAX_LOAD: Final = 0.1
"""Share of the time that looking without notifications may take."""


async def follow(
    source: DirectorySource, publish: Callable[[Changes], None], *, clock: Callable[[], float] = time.monotonic
) -> None:
    """Scans the folder now, and until cancelled whenever something in it changes.

    `publish` is called on the event loop with each set of changes, also when only issues changed; scanning is done in a
    thread. The first scan is published before anything is waited for.
    """
    issues = None
    due = 0.0
    async for notified in _wakeups(source.root):
        if not notified and not (source.restless and clock() >= due):
            continue
        started = clock()
        changes = await asyncio.to_thread(source.scan)
        due = clock() + (clock() - started) / MAX_LOAD
        if changes or changes.issues != issues:
            issues = changes.issues
            publish(changes)


async def _wakeups(root: Path) -> AsyncIterator[bool]:
    """When to look: True after a notification, False after a while without one."""
    while True:
        yield True
        identity = _identity(root)
        with suppress(OSError, RuntimeError):
            watcher = watchfiles.awatch(
                root,
                watch_filter=None,
                debounce=LONGEST,
                step=QUIET,
                rust_timeout=LOOK,
                yield_on_timeout=True,
            )
            async for notified in watcher:
                yield bool(notified)
                if _identity(root) != identity:
                    break  # another folder has its name now, and notifications are of the old one
        await asyncio.sleep(LOOK / 1_000)


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        status = root.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
