"""Tables that follow other tables: a function applied to every entry, and entries in pieces by class."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from weft.graph.core import Graph, Node
from weft.graph.tables import Derived

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
V_co = TypeVar("V_co", covariant=True)
W = TypeVar("W")
B = TypeVar("B", bound=Hashable)
P = TypeVar("P")


class Collection(Protocol[K, V_co]):
    """A table whose keys can be followed. Implemented by `Input` and `Mapped`."""

    def get(self, key: K) -> V_co | None:
        """The value of a key, None where there is none."""

    def peek(self, key: K) -> V_co | None:
        """The same for who follows the keys and catches up when the graph settles, where reads are nobody's
        dependencies: no trace is left of a key that is not there."""

    def listen(self, listener: Callable[[K], None]) -> None:
        """Calls `listener` with each key whose value may have changed, and now with all that are there."""

    def __contains__(self, key: K) -> bool: ...


class Mapped(Generic[K, V, W]):
    """`function(key, value)` for every entry of a source, computed when asked for and kept as long as the entry."""

    def __init__(
        self,
        graph: Graph,
        name: str,
        source: Collection[K, V],
        function: Callable[[K, V], W],
    ) -> None:
        self.graph = graph
        self.name = name
        self._source = source
        self._function = function
        self._derived: Derived[K, W | None] = Derived(graph, name, self._compute)
        self._listeners: list[Callable[[K], None]] = []
        self._kept: set[K] = set()
        self._derived.listen_stale(self._tell)
        source.listen(self._follow)

    def get(self, key: K) -> W | None:
        """The mapped value of a key, None where the source has no such key."""
        return self._derived.get(key)

    def peek(self, key: K) -> W | None:
        """The mapped value of a key, for who catches up."""
        return self._derived.get(key) if key in self._kept else None

    def listen(self, listener: Callable[[K], None]) -> None:
        """Calls `listener` with each key whose mapped value may have changed, and now with all that are there."""
        self._listeners.append(listener)
        for key in self._kept:
            listener(key)

    def __contains__(self, key: K) -> bool:
        return key in self._kept

    def __iter__(self) -> Iterator[K]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def computed(self) -> int:
        """How often the function ran."""
        return self._derived.computed

    def _compute(self, key: K) -> W | None:
        value = self._source.get(key)
        return None if value is None else self._function(key, value)

    def _follow(self, key: K) -> None:
        there = key in self._source
        if there and key not in self._kept:
            self._kept.add(key)
            self.graph.pin(self._derived.node(key))
        elif not there and key in self._kept:
            self._kept.discard(key)
            self.graph.unpin(self._derived.node(key))
        self._tell(key)

    def _tell(self, key: K) -> None:
        for listener in self._listeners:
            listener(key)


class Part(Generic[K, V]):
    """Those entries of a source that have pieces of some classes; see `Partition`, whose `values` these are."""

    def __init__(self, source: Collection[K, V], values: Mapping[K, V], classes: Iterable[Hashable]) -> None:
        self.classes = frozenset(classes)
        self._source = source
        self._values = values
        self._members: set[K] = set()
        self._listeners: list[Callable[[K], None]] = []

    def get(self, key: K) -> V | None:
        """The value of a key, None where there is none of these classes."""
        return self._source.get(key) if key in self._members else None

    def peek(self, key: K) -> V | None:
        """The value of a key by which the entries were divided last, for who catches up."""
        return self._values[key] if key in self._members else None

    def listen(self, listener: Callable[[K], None]) -> None:
        """Calls `listener` with each key whose value may have changed, and now with all that are there."""
        self._listeners.append(listener)
        for key in self._members:
            listener(key)

    def __contains__(self, key: K) -> bool:
        return key in self._members

    def look(self, key: K, *, belongs: bool) -> None:
        """Takes note of a key that has changed, and whether it has pieces of these classes now."""
        (self._members.add if belongs else self._members.discard)(key)
        for listener in self._listeners:
            listener(key)


class Partition(Generic[K, V, B, P]):
    """The entries of a source in pieces, by the class of these.

    A change goes no further than the pieces that differ: entries are divided when the graph settles, before anything is
    read, and only who reads a piece that is another one becomes stale. Who follows a part hears only of entries whose
    pieces of its classes differ: where there are many indexes, each entry is looked at by those that it concerns.
    """

    def __init__(
        self, graph: Graph, name: str, source: Collection[K, V], divide: Callable[[V], Mapping[B, tuple[P, ...]]]
    ) -> None:
        self.graph = graph
        self.name = name
        self.computed = 0
        self.cut_off = 0
        self._source = source
        self._divide = divide
        self._values: dict[K, V] = {}
        self._nodes: dict[tuple[K, B], Node] = {}
        self._members: dict[B, set[K]] = {}
        self._sorted: dict[B, tuple[K, ...]] = {}
        self._with: dict[B, Node] = {}
        self._parts: dict[B, dict[Part[K, V], None]] = {}
        self._waiting: dict[K, None] = {}
        graph.add_settling(self)
        graph.tables.append(self)
        source.listen(self._wait)

    def __len__(self) -> int:
        return len(self._nodes)

    def part(self, *classes: B) -> Part[K, V]:
        """The entries with pieces of any of some classes. To be asked for before there are any entries."""
        part = Part(self._source, self._values, classes)
        for each in classes:
            self._parts.setdefault(each, {})[part] = None
        return part

    def pieces(self, key: K, kind: B) -> tuple[P, ...]:
        """The pieces of a class that an entry has, in order; a dependency on these alone."""
        self.graph.settle()
        if not self.graph.computing:
            return self._pieces(key, kind)
        node = self._nodes.get((key, kind))
        if node is None:
            node = self._nodes[key, kind] = Node(self, (key, kind))
            node.value = self._pieces(key, kind)
        found: tuple[P, ...] = self.graph.read(node)
        return found

    def keys(self, kind: B) -> tuple[K, ...]:
        """The keys of all entries with pieces of a class, sorted; a dependency on which ones these are."""
        self.graph.settle()
        if self.graph.computing:
            node = self._with.get(kind)
            if node is None:
                node = self._with[kind] = Node(self, kind)
                self.graph.pin(node)
            self.graph.read(node)
        if kind not in self._sorted:
            self._sorted[kind] = tuple(sorted(self._members.get(kind, ()), key=order))
        return self._sorted[kind]

    def settle(self) -> bool:
        """Looks again at the entries that may have changed."""
        if not self._waiting:
            return False
        waiting, self._waiting = self._waiting, {}
        for key in waiting:
            self._move(key)
        return True

    def _move(self, key: K) -> None:
        old, new = self._values.pop(key, None), self._source.peek(key)
        if new is not None:
            self._values[key] = new
        if old is new:
            self.cut_off += 1
            return
        self.computed += 1
        before, after = self._divided(old), self._divided(new)
        differing = [kind for kind in {**before, **after} if before.get(kind) != after.get(kind)] if before else after
        for kind in before.keys() ^ after.keys():
            self._enter(key, kind, there=kind in after)
        looking: dict[Part[K, V], None] = {}
        for kind in differing:
            node = self._nodes.get((key, kind))
            if node is not None:
                self.graph.change(node, after.get(kind, ()))
            looking.update(self._parts.get(kind, {}))
        for part in looking:
            part.look(key, belongs=not part.classes.isdisjoint(after))

    def _enter(self, key: K, kind: B, *, there: bool) -> None:
        members = self._members.setdefault(kind, set())
        (members.add if there else members.discard)(key)
        self._sorted.pop(kind, None)
        node = self._with.get(kind)
        if node is not None:
            self.graph.change(node, None)

    def _pieces(self, key: K, kind: B) -> tuple[P, ...]:
        return self._divided(self._values.get(key)).get(kind, ())

    def _divided(self, value: V | None) -> Mapping[B, tuple[P, ...]]:
        return {} if value is None else self._divide(value)

    def _wait(self, key: K) -> None:
        self._waiting[key] = None
        self.graph.unsettle()

    def compute(self, key: tuple[K, B]) -> tuple[P, ...]:
        """Pieces are never computed: they are changed when the graph settles."""
        raise NotImplementedError

    def on_stale(self, node: Node) -> None:
        """Pieces never become stale: they are changed when the graph settles."""

    def on_orphan(self, node: Node) -> None:
        """Forgets the node of pieces that nobody reads."""
        self._nodes.pop(node.key, None)


def order(key: Hashable) -> tuple[str, str]:
    """The key to sort keys of any kind by."""
    return (type(key).__name__, repr(key)) if not isinstance(key, str) else ("", key)
