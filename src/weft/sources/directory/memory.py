"""What must be remembered of a folder between two starts: when objects were first seen, and files' last good texts."""

import zlib
from collections.abc import Callable, Iterable
from typing import Final

from weft.base.issues import Ref
from weft.sources.state import Tables

_SEEN: Final = "first-seen"
_GOOD: Final = "last-good-text"


class Memory:
    """Remembers in durable tables. Changes are kept until `flush`, which writes them in one go."""

    def __init__(self, tables: Tables, clock: Callable[[], float]) -> None:
        self._tables = tables
        self._clock = clock
        self._now = int(clock())
        self._seen = {key: int(value) for key, value in tables.load(_SEEN).items()}
        self._seen_changes: dict[str, bytes | None] = {}
        self._good_changes: dict[str, bytes | None] = {}

    def begin(self) -> None:
        """Begins a scan: objects that are first seen by one scan are equally old."""
        self._now = int(self._clock())

    def first_seen(self, ref: Ref) -> int:
        """When an object was first seen, in Unix seconds."""
        key = _key(ref)
        if key not in self._seen:
            self._seen[key] = self._now
            self._seen_changes[key] = str(self._seen[key]).encode()
        return self._seen[key]

    def forget(self, refs: Iterable[Ref]) -> None:
        """Forgets objects that are gone: what comes back under the same name is a new object."""
        for key in map(_key, refs):
            if self._seen.pop(key, None) is not None:
                self._seen_changes[key] = None

    def keep_only(self, refs: Iterable[Ref]) -> None:
        """Forgets all other objects."""
        kept = set(map(_key, refs))
        for key in [key for key in self._seen if key not in kept]:
            del self._seen[key]
            self._seen_changes[key] = None

    def good_text(self, file: str) -> str | None:
        """The last text of a file that could be read."""
        waiting = self._good_changes.get(file, b"")
        kept = self._tables.get(_GOOD, file) if waiting == b"" else waiting
        return None if kept is None else zlib.decompress(kept).decode()

    def set_good_text(self, file: str, text: str) -> None:
        """Keeps the text of a file that could be read."""
        self._good_changes[file] = zlib.compress(text.encode(), 1)

    def forget_file(self, file: str) -> None:
        """Forgets a file that is gone."""
        self._good_changes[file] = None

    def files(self) -> frozenset[str]:
        """The files that a last good text is kept of."""
        return frozenset(self._tables.load(_GOOD))

    def flush(self) -> None:
        """Writes what changed."""
        for table, changes in ((_SEEN, self._seen_changes), (_GOOD, self._good_changes)):
            if changes:
                self._tables.write(table, changes)
                changes.clear()


def _key(ref: Ref) -> str:
    return f"{ref.kind}/{ref.namespace}/{ref.name}"
