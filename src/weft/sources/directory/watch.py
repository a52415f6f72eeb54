"""Follows a folder: scans it when the kernel tells of a change, and says what changed."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Final

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

    `publish` is called on the event loop with each set of changes, also when only issues changed; scanning is done in a
    thread. The first scan is published before anything is waited for.
    """
    issues = None
    names: frozenset[str] | None = None
    with _notifications(source) as notifications:
        watch = _Watch(notifications, Pace(waits))
        with watch.listening():
            while True:
                began = time.monotonic()
                changes = await asyncio.to_thread(source.scan, names)
                watch.looked(began)
                if changes or changes.issues != issues:
                    issues = changes.issues
                    publish(changes)
                unseen = notifications is not None and notifications.follow(source.folders)
                blind = notifications is None or not notifications.complete or source.restless
                names = await watch.wait(again=unseen, blind=blind)


class _Watch:
    """Waits until a folder is to be looked at again."""

    def __init__(self, notifications: Notifications | None, pace: Pace) -> None:
        self._notifications = notifications
        self._pace = pace
        self._told = asyncio.Event()
        self._names: set[str] | None = set()
        self._unwatched = 0.0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hears notifications inside."""
        if self._notifications is None:
            yield
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(self._notifications, self._hear, self._notifications)
        try:
            yield
        finally:
            loop.remove_reader(self._notifications)

    def looked(self, began: float) -> None:
        """The folder was looked at from `began` until now."""
        ended = time.monotonic()
        self._pace.looked(began, ended)
        self._unwatched = max(began + LOOK, ended + (ended - began) / MAX_LOAD)

    async def wait(self, *, again: bool, blind: bool) -> frozenset[str] | None:
        """Returns when to look, and at which files, None for all; `again` is soon, `blind` also if nothing is told."""
        if again:
            self._names = None
            self._pace.changed(time.monotonic(), finished=True)
        while True:
            due = min((each for each in (self._pace.due, self._unwatched if blind else None) if each), default=None)
            now = time.monotonic()
            if due is not None and due <= now:
                return self._begin(whole=blind)
            self._told.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else due - now):
                    await self._told.wait()

    def _begin(self, *, whole: bool) -> frozenset[str] | None:
        self._pace.begin()
        names, self._names = self._names, set()
        return None if whole or names is None else frozenset(names)

    def _hear(self, notifications: Notifications) -> None:
        now = time.monotonic()
        for notice in notifications.read():
            if notice.path is None or self._names is None or len(self._names) > _MOST_NAMED:
                self._names = None
            else:
                self._names.add(notice.path)
            self._pace.changed(now, finished=notice.finished)
        self._told.set()


@contextmanager
def _notifications(source: DirectorySource) -> Iterator[Notifications | None]:
    """None where the kernel has no more of them to give: the folder is then looked at from time to time."""
    try:
        notifications = Notifications(str(source.root))
    except OSError as error:
        _log.warning("changes of %s are noticed late: %s", source.root, error)
        with nullcontext():
            yield None
        return
    with notifications:
        yield notifications
