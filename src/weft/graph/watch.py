"""Which of some derived values changed since they were last looked at."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

from weft.graph.tables import Derived

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Watcher(Generic[K, V]):
    """Follows chosen keys of one derived table."""

    def __init__(self, table: Derived[K, V]) -> None:
        self._table = table
        self._seen: dict[K, int] = {}
        self._stale: dict[K, None] = {}
        table.listen_stale(self._on_stale)

    def add(self, key: K) -> V:
        """Starts to watch a key; returns its value now."""
        node = self._table.node(key)
        if key not in self._seen:
            self._table.graph.pin(node)
        value = self._table.get(key)
        self._seen[key] = node.changed
        return value

    def remove(self, key: K) -> None:
        """Stops watching a key."""
        if self._seen.pop(key, None) is not None:
            self._stale.pop(key, None)
            self._table.graph.unpin(self._table.node(key))

    def pending(self) -> bool:
        """True if a watched value may have changed."""
        self._table.graph.settle()
        return bool(self._stale)

    def changes(self) -> list[tuple[K, V]]:
        """The watched values that really changed since the last call (or since they were added)."""
        return [change for change in self.each() if change is not None]

    def each(self) -> Iterator[tuple[K, V] | None]:
        """The same one by one, each computed when it is asked for; None for a value that turns out to be unchanged.

        Inputs may change and keys may come and go between; what has become stale by then is looked at, too.
        """
        while self.pending():
            key = next(iter(self._stale))
            del self._stale[key]
            value = self._table.get(key)
            node = self._table.node(key)
            unchanged = node.changed == self._seen[key]
            self._seen[key] = node.changed
            yield None if unchanged else (key, value)

    def _on_stale(self, key: K) -> None:
        if key in self._seen:
            self._stale[key] = None
