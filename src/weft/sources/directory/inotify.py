"""Notifications of changes in folders, as the kernel gives them (inotify(7))."""

import ctypes
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from msgspec import Struct

_MODIFIED: Final = 0x2
_RIGHTS: Final = 0x4
_WRITTEN: Final = 0x8
_MOVED_AWAY: Final = 0x40
_MOVED_HERE: Final = 0x80
_CREATED: Final = 0x100
_DELETED: Final = 0x200
_SELF: Final = 0xC00
_OVERFLOW: Final = 0x4000
_IGNORED: Final = 0x8000
_ONLY_FOLDERS: Final = 0x0100_0000
_IS_FOLDER: Final = 0x4000_0000
"""Bits of <sys/inotify.h>."""

_FINISHED: Final = _WRITTEN | _MOVED_AWAY | _MOVED_HERE | _DELETED | _SELF | _OVERFLOW | _IGNORED | _IS_FOLDER
_MASK: Final = _MODIFIED | _RIGHTS | _WRITTEN | _MOVED_AWAY | _MOVED_HERE | _CREATED | _DELETED | _SELF | _ONLY_FOLDERS
_EVENT: Final = struct.Struct("iIII")
_BUFFER: Final = 1 << 16


class Notice(Struct, frozen=True):
    """Something has changed. `path` is the file, relative to the root; None where it may be anything: a folder came or
    went, or notifications were lost. `finished` is False while more is to be expected: a file is being written.
    """

    path: str | None
    finished: bool


class Notifications:
    """Tells of changes in folders below a root, from when `follow` was asked for them. Raises OSError where the kernel
    has no more to give (its limit `max_user_instances`)."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._library = ctypes.CDLL(None, use_errno=True)
        self._folders: dict[int, str] = {}
        self.complete = False
        """Whether all folders that were asked for are followed."""
        self._descriptor = self._checked(self._library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def fileno(self) -> int:
        """Becomes readable when there are notices."""
        return self._descriptor

    def follow(self, folders: Iterable[str]) -> bool:
        """Follows these folders (relative to the root, "" is the root itself) and no others.

        True if there is one among them that was not followed before: what happened in it so far was not told.
        """
        before, self._folders, self.complete = self._folders, {}, True
        for folder in folders:
            try:
                path = os.fsencode(os.path.join(self._root, folder))
                self._folders[self._checked(self._library.inotify_add_watch(self._descriptor, path, _MASK))] = folder
            except OSError:  # it is gone, or the kernel's limit max_user_watches is reached
                self.complete = False
        for watch in before.keys() - self._folders.keys():
            self._library.inotify_rm_watch(self._descriptor, watch)
        return bool(self._folders.keys() - before.keys())

    def read(self) -> list[Notice]:
        """What was told since the last call."""
        found: list[Notice] = []
        with suppress(BlockingIOError):
            while data := os.read(self._descriptor, _BUFFER):
                found += self._notices(data)
        return found

    def _notices(self, data: bytes) -> Iterator[Notice]:
        begin = 0
        while begin < len(data):
            watch, mask, _, length = _EVENT.unpack_from(data, begin)
            begin += _EVENT.size + length
            folder, name = self._folders.get(watch), data[begin - length : begin].rstrip(b"\0")
            if folder is None and mask & _IGNORED:
                continue  # of a folder that is not followed any more
            is_file = name and not mask & (_IS_FOLDER | _SELF | _OVERFLOW | _IGNORED)
            path = os.path.join(folder, os.fsdecode(name)) if is_file and folder is not None else None
            yield Notice(path, bool(mask & _FINISHED))

    def _checked(self, result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result
