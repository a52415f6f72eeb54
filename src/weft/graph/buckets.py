"""Indexes that are kept up to date.

An index costs what changed: only entries whose source changed are looked at again, and only buckets whose members
changed are touched.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from weft.graph.collections import Collection, Part, order
from weft.graph.core import Graph, Node
from weft.graph.few import Few, added, removed

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
B = TypeVar("B", bound=Hashable)
P = TypeVar("P")


class Buckets(Generic[K, V, B]):
    """Keys of a source, by the buckets that `function(key, value)` names: what `Index` and `Gathered` have in common.

    Most questions about hosts and addresses are answered with nothing. Whoever asks for a bucket that is not there
    depends on all that are missing of its group (`missing_by`), where there are groups: so there is a node for each
    group and not for each question, and a new bucket is told to few that did not ask for it.
    """

    def __init__(
        self,
        graph: Graph,
        name: str,
        source: Collection[K, V],
        function: Callable[[K, V], Iterable[B]],
        missing_by: Callable[[B], Hashable] | None = None,
    ) -> None:
        self.graph = graph
        self.name = name
        self.computed = 0
        self.cut_off = 0
        self._source = source
        self._function = function
        self._missing_by = missing_by
        self._members: dict[B, Few[K]] = {}
        self._buckets_of: dict[K, tuple[B, ...]] = {}
        self._nodes: dict[B, Node] = {}
        self._missing: dict[Hashable, Node] = {}
        self._waiting: dict[K, None] = {}
        self._reshaped: set[B] = set()
        self._all = Node(self, None)
        graph.pin(self._all)
        graph.add_settling(self)
        graph.tables.append(self)
        source.listen(self._wait)

    def __len__(self) -> int:
        return len(self._nodes) + len(self._missing)

    def _node(self, bucket: B) -> Node:
        """The node to read for a bucket."""
        node = self._nodes.get(bucket)
        if node is None:
            self.graph.settle()
            if self._missing_by is not None and bucket not in self._members:
                return self._missing_node(self._missing_by(bucket))
            node = self._nodes[bucket] = Node(self, bucket)
            node.value = self._content(bucket)
        return node

    def _missing_node(self, group: Hashable) -> Node:
        node = self._missing.get(group)
        if node is None:
            node = self._missing[group] = Node(self, group)
            node.value = ()
        return node

    def _content(self, bucket: B) -> tuple[object, ...]:
        """What a bucket is read as."""
        raise NotImplementedError

    def _told(self, buckets: tuple[B, ...]) -> Iterable[B]:
        """The buckets that are other ones because an entry that stays in them has changed."""
        raise NotImplementedError

    def buckets(self) -> tuple[B, ...]:
        """All buckets that have members, sorted; a dependency on which buckets there are."""
        self.graph.read(self._all)
        return tuple(sorted(self._members, key=order))

    def settle(self) -> bool:
        """Looks again at the entries that may have changed."""
        if not self._waiting:
            return False
        waiting, self._waiting = self._waiting, {}
        touched: set[B] = set()
        for key in waiting:
            touched.update(self._move(key))
        for bucket in touched:
            node = self._nodes.get(bucket)
            if node is not None:
                self._renew(node, self._content(bucket))
        if self._reshaped:
            reshaped, self._reshaped = self._reshaped, set()
            self.graph.change(self._all, None)
            self._tell_missing(reshaped)
        return True

    def _renew(self, node: Node, content: tuple[object, ...]) -> None:
        if content != node.value:
            self.graph.change(node, content)

    def _tell_missing(self, reshaped: set[B]) -> None:
        """Buckets that came are missing no more."""
        if self._missing_by is None or not self._missing:
            return
        for group in {self._missing_by(bucket) for bucket in reshaped if bucket in self._members}:
            node = self._missing.get(group)
            if node is not None:
                self.graph.change(node, ())

    def _move(self, key: K) -> Iterable[B]:
        """Moves an entry to its buckets; returns those that are to be read anew."""
        value = self._source.peek(key)
        old = self._buckets_of.get(key, ())
        new = tuple(self._function(key, value)) if value is not None else ()
        if len(new) > 1:
            new = tuple(dict.fromkeys(new))
        self.computed += 1
        if old == new:
            return self._told(new)
        if new:
            self._buckets_of[key] = new
        else:
            self._buckets_of.pop(key, None)
        for bucket in new:
            if bucket not in old:
                self._enter(bucket, key)
        if not old:
            return new
        left = [bucket for bucket in old if bucket not in new]
        for bucket in left:
            self._leave(bucket, key)
        return (*left, *(bucket for bucket in new if bucket not in old), *self._told(new))

    def _enter(self, bucket: B, key: K) -> None:
        members = self._members.get(bucket)
        if members is None:
            self._reshaped.add(bucket)
            self._members[bucket] = (key,)
        else:
            self._members[bucket] = added(members, key)

    def _leave(self, bucket: B, key: K) -> None:
        members = removed(self._members[bucket], key)
        if members:
            self._members[bucket] = members
        else:
            del self._members[bucket]
            self._reshaped.add(bucket)

    def _sorted(self, bucket: B) -> tuple[K, ...]:
        members = self._members.get(bucket, ())
        return members if type(members) is tuple and len(members) < 2 else tuple(sorted(members, key=order))

    def _wait(self, key: K) -> None:
        self._waiting[key] = None
        self.graph.unsettle()

    def compute(self, key: B) -> tuple[K, ...]:
        """Buckets are never computed: they are changed when the index settles."""
        raise NotImplementedError

    def on_stale(self, node: Node) -> None:
        """Buckets never become stale: they are changed when the index settles."""

    def on_orphan(self, node: Node) -> None:
        """Forgets the node of a bucket, or of missing ones, that nobody reads."""
        if node is self._missing.get(node.key):
            del self._missing[node.key]
        elif node is not self._all:
            self._nodes.pop(node.key, None)


class Index(Buckets[K, V, B]):
    """Keys of a source, by the buckets that `function(key, value)` names; sorted inside each bucket."""

    def get(self, bucket: B) -> tuple[K, ...]:
        """The keys in a bucket, sorted; empty where there are none."""
        members: tuple[K, ...] = self.graph.read(self._node(bucket))
        return members

    def _content(self, bucket: B) -> tuple[K, ...]:
        return self._sorted(bucket)

    def _told(self, buckets: tuple[B, ...]) -> Iterable[B]:
        return ()


class Gathered(Buckets[K, V, B], Generic[K, V, B, P]):
    """Pieces of the entries of a source, by buckets: where entries are looked for only to read these.

    `pieces(value, bucket)` gives those of an entry that are in a bucket. They are in the order of the entries' keys.
    Who reads a bucket depends on it alone, and not on every entry in it.
    """

    def __init__(
        self,
        graph: Graph,
        name: str,
        source: Part[K, V],
        function: Callable[[K, V], Iterable[B]],
        pieces: Callable[[V, B], Iterable[P]],
        missing_by: Callable[[B], Hashable] | None = None,
    ) -> None:
        self._pieces = pieces
        super().__init__(graph, name, source, function, missing_by)

    def get(self, bucket: B) -> tuple[P, ...]:
        """The pieces in a bucket; empty where there are none."""
        found: tuple[P, ...] = self.graph.read(self._node(bucket))
        return found

    def _content(self, bucket: B) -> tuple[P, ...]:
        found: list[P] = []
        for key in self._sorted(bucket):
            value = self._source.peek(key)
            if value is not None:
                found += self._pieces(value, bucket)
        return tuple(found)

    def _told(self, buckets: tuple[B, ...]) -> Iterable[B]:
        return buckets
