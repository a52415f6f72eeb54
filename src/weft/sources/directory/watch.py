"""Follows a folder: scans it when the kernel tells of a change, and says what changed.

A thread of its own does that, because it must not wait for its turn: an event loop that serves many is busy most of all
while much changes.
"""

import asyncio
import logging
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from weft.base.issues import LocatedIssue
from weft.sources.changes import Changes
from weft.sources.directory.inotify import Notifications
from weft.sources.directory.pace import DEFAULT_WAITS, Pace, Waits
from weft.sources.directory.source import DirectorySource

_log: Final = logging.getLogger(__name__)

LOOK: Final = 0.4
"""Seconds between looks where notifications can't be had: links, unfinished files, folders that are gone."""
MAX_LOAD: Final = 0.1
"""Share of the time that looking without notifications may take."""

_MOST_NAMED: Final = 1_000
"""Files that are looked at by name; where more have changed, all are."""


async def follow(source: DirectorySource, publish: Callable[[Changes], None], *, waits: Waits = DEFAULT_WAITS) -> None:
    """Scans the folder now, and until cancelled whenever something in it changes.

    `publish` is called on the event loop with each set of changes, also when only issues changed. The first scan is
    published before anything is waited for. Ends with whatever scanning or `publish` raises.
    """
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()

    def fail(error: Exception) -> None:
        if not failed.done():
            failed.set_exception(error)

    def take(changes: Changes) -> None:
        try:
            publish(changes)
        except Exception as error:  # noqa: BLE001 - raised to who awaits
            fail(error)

    def run() -> None:
        try:
            _Follower(source, lambda changes: loop.call_soon_threadsafe(take, changes), waits, stop).run()
        except Exception as error:  # noqa: BLE001 - raised to who awaits
            loop.call_soon_threadsafe(fail, error)

    stop, stopping = os.pipe2(os.O_CLOEXEC)
    thread = threading.Thread(target=run, name="folder", daemon=True)
    thread.start()
    try:
        await failed
    finally:
        os.close(stopping)
        await asyncio.shield(asyncio.to_thread(thread.join))
        os.close(stop)


class _Follower:
    """Scans and waits, until the other end of the pipe `stop` is closed."""

    def __init__(self, source: DirectorySource, tell: Callable[[Changes], object], waits: Waits, stop: int) -> None:
        self._source = source
        self._tell = tell
        self._stop = stop
        self._pace = Pace(waits)
        self._names: set[str] | None = None
        self._issues: tuple[LocatedIssue, ...] | None = None

    def run(self) -> None:
        """Returns when it is stopped."""
        with _notifications(self._source) as notifications:
            going, followed = True, None
            while going:
                unwatched = self._look()
                folders = self._source.folders
                if notifications is not None and folders is not followed and notifications.follow(folders):
                    self._changed(None, finished=True)  # nobody told what happened there until now
                followed = folders
                blind = notifications is None or not notifications.complete or self._source.restless
                going = self._wait(notifications, unwatched if blind else None)

    def _look(self) -> float:
        """Looks at what may have changed; returns when to look again if nobody tells of changes."""
        names, self._names = self._names, set()
        self._pace.begin()
        began, used = time.monotonic(), time.thread_time()
        changes = self._source.scan(names)
        ended = time.monotonic()
        self._pace.looked(ended, time.thread_time() - used)
        if changes or changes.issues != self._issues:
            self._issues = changes.issues
            self._tell(changes)
        return max(began + LOOK, ended + (ended - began) / MAX_LOAD)

    def _wait(self, notifications: Notifications | None, unwatched: float | None) -> bool:
        """Waits until something is due, and at `unwatched` at the latest for all files; False if it is stopped."""
        poll = select.poll()
        poll.register(self._stop)
        if notifications is not None:
            poll.register(notifications, select.POLLIN)
        while True:
            due, now = self._pace.due, time.monotonic()
            if unwatched is not None and (due is None or unwatched <= due):
                due = unwatched
            if due is not None and due <= now:
                self._names = self._names if unwatched is None else None
                return True
            ready = dict(poll.poll(None if due is None else 1_000 * (due - now)))
            if self._stop in ready:
                return False
            for notice in notifications.read() if notifications is not None else ():
                self._changed(notice.path, finished=notice.finished)

    def _changed(self, path: str | None, *, finished: bool) -> None:
        if path is None or self._names is None or len(self._names) >= _MOST_NAMED:
            self._names = None
        else:
            self._names.add(path)
        self._pace.changed(time.monotonic(), finished=finished)


@contextmanager
def _notifications(source: DirectorySource) -> Iterator[Notifications | None]:
    """None where the kernel has no more of them to give: the folder is then looked at from time to time."""
    try:
        notifications = Notifications(str(source.root))
    except OSError as error:
        _log.warning("changes of %s are noticed late: %s", source.root, error)
        yield None
        return
    with notifications:
        yield notifications
