"""Keyed inputs and keyed derived values."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

from weft.graph.core import Graph, Node

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Input(Generic[K, V]):
    """A table that is filled from outside. Setting an equal value changes nothing."""

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph = graph
        self.name = name
        self.computed = 0
        self.cut_off = 0
        self._nodes: dict[K, Node] = {}
        self._present: dict[K, None] = {}
        self._membership = Node(self, None)
        self._listeners: list[Callable[[K], None]] = []
        graph.pin(self._membership)
        graph.tables.append(self)

    def get(self, key: K) -> V | None:
        """The value of a key, None where there is none."""
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Node(self, key)
        value: V | None = self.graph.read(node)
        return value

    def peek(self, key: K) -> V | None:
        """The value of a key, for who catches up: nothing depends on it, and nothing is left behind."""
        value: V | None = self._nodes[key].value if key in self._present else None
        return value

    def keys(self) -> tuple[K, ...]:
        """All keys, in order of arrival; a dependency on the set of keys, not on their values."""
        self.graph.read(self._membership)
        return tuple(self._present)

    def set(self, key: K, value: V) -> bool:
        """Sets a value; True if it differs from the one before."""
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Node(self, key)
        if key in self._present and node.value == value:
            return False
        if key not in self._present:
            self._present[key] = None
            self.graph.change(self._membership, len(self._present))
        self.graph.change(node, value)
        self._tell(key)
        return True

    def remove(self, key: K) -> bool:
        """Removes a key; False if it was not there."""
        if key not in self._present:
            return False
        del self._present[key]
        node = self._nodes[key]
        self.graph.change(self._membership, len(self._present))
        self.graph.change(node, None)
        if not node.dependents:
            del self._nodes[key]
        self._tell(key)
        return True

    def listen(self, listener: Callable[[K], None]) -> None:
        """Calls `listener` with each key whose value may have changed, and now with all that are there."""
        self._listeners.append(listener)
        for key in self._present:
            listener(key)

    def __contains__(self, key: K) -> bool:
        return key in self._present

    def __iter__(self) -> Iterator[K]:
        return iter(self._present)

    def __len__(self) -> int:
        return len(self._present)

    def _tell(self, key: K) -> None:
        for listener in self._listeners:
            listener(key)

    def compute(self, key: K) -> V | None:
        """Inputs are never computed."""
        raise NotImplementedError

    def on_stale(self, node: Node) -> None:
        """Inputs never become stale."""

    def on_orphan(self, node: Node) -> None:
        """Forgets the placeholder of a key that was asked for but is not there."""
        key = node.key
        if node is not self._membership and key not in self._present:
            self._nodes.pop(key, None)


class Derived(Generic[K, V]):
    """Values computed from a key and from whatever the function reads; kept while somebody uses them."""

    def __init__(self, graph: Graph, name: str, function: Callable[[K], V]) -> None:
        self.graph = graph
        self.name = name
        self.computed = 0
        self.cut_off = 0
        self._function = function
        self._nodes: dict[K, Node] = {}
        self._stale_listeners: list[Callable[[K], None]] = []
        graph.tables.append(self)

    def get(self, key: K) -> V:
        """The value for a key. Raises what the function raised."""
        node = self._nodes.get(key)
        value: V = self.graph.read(self.node(key) if node is None else node)
        return value

    def node(self, key: K) -> Node:
        """The node of a key, made where there is none yet."""
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Node(self, key, derived=True)
        return node

    def listen_stale(self, listener: Callable[[K], None]) -> None:
        """Calls `listener` with each key whose value may have changed."""
        self._stale_listeners.append(listener)

    def __len__(self) -> int:
        return len(self._nodes)

    def compute(self, key: K) -> V:
        """The value for a key, computed now."""
        return self._function(key)

    def on_stale(self, node: Node) -> None:
        """Passes staleness on to listeners."""
        for listener in self._stale_listeners:
            listener(node.key)

    def on_orphan(self, node: Node) -> None:
        """Forgets a value that nobody uses."""
        self._nodes.pop(node.key, None)
        self.graph.unlink(node)
