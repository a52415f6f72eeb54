"""Nodes, dependencies and invalidation.

A change of an input marks everything that depends on it as stale (push); nothing is computed before somebody asks
(pull). A stale node first brings its dependencies up to date: if none of them changed since the node was last verified,
it keeps its value without computing; if its new value equals the old one, its dependents stop there (early cut-off).

Single-threaded by design: one thread owns a graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from weft.graph.few import Few, added, removed


class CycleError(RuntimeError):
    """A value depends on itself; the message names the chain of nodes."""


class Node:
    """One value in the graph: that of a `key` in the table that owns it. It is `derived`, or set from outside.

    A large mesh has millions, so they hold nothing that could be had of their table.
    """

    __slots__ = (
        "changed",
        "computing",
        "dependencies",
        "dependents",
        "derived",
        "error",
        "key",
        "owner",
        "pinned",
        "stale",
        "value",
        "verified",
    )

    def __init__(self, owner: Owner, key: Any, *, derived: bool = False) -> None:
        self.owner = owner
        self.key = key
        self.derived = derived
        self.value: Any = None
        self.error: Exception | None = None
        self.changed = 0
        self.verified = 0
        self.stale = derived
        self.computing = False
        self.pinned = 0
        self.dependencies: tuple[Node, ...] = ()
        self.dependents: Few[Node] = ()


class Owner(Protocol):
    """The table that a node belongs to."""

    name: str
    computed: int
    cut_off: int

    def __len__(self) -> int:
        """How many nodes it has."""

    def compute(self, key: Any) -> Any:
        """The value of a key; called for derived nodes."""

    def on_stale(self, node: Node) -> None:
        """Called once when a node becomes stale."""

    def on_orphan(self, node: Node) -> None:
        """Called when nothing depends on the node any more, so that its table can forget it."""


class Settling(Protocol):
    """Something that must catch up after inputs changed, before anything is read (an index)."""

    def settle(self) -> bool:
        """Catches up; True if there was anything to do."""


class Graph:
    """The engine. `revision` counts changes of inputs."""

    def __init__(self) -> None:
        self.revision = 1
        self.tables: list[Owner] = []
        """All tables, in the order in which they were made."""
        self._reading: list[list[Node]] = []
        self._settling: list[Settling] = []
        self._unsettled = False
        self._catching_up = False
        self._orphans: set[Node] = set()

    # ---- reading -----------------------------------------------------------------------------------------------
    @property
    def computing(self) -> bool:
        """Whether a value is being computed, which depends on what is read now."""
        return bool(self._reading)

    def read(self, node: Node) -> Any:
        """The node's current value; recorded as a dependency of the node that is being computed, if any.

        Raises the exception that computing the value raised.
        """
        if self._reading:
            self._reading[-1].append(node)
        else:
            self.settle()
            if not node.dependents and not node.pinned:
                self._orphans.add(node)
        if node.stale:
            self._refresh(node)
        if node.error is not None:
            raise node.error
        return node.value

    def _refresh(self, node: Node) -> None:
        if node.computing:
            raise CycleError(f"{node.owner.name} {node.key!r} depends on itself")
        node.computing = True
        try:
            if node.verified and not self._dependency_changed(node):
                node.owner.cut_off += 1
            else:
                self._compute(node)
        finally:
            node.computing = False
        node.stale = False
        node.verified = self.revision

    def _dependency_changed(self, node: Node) -> bool:
        for dependency in node.dependencies:
            if dependency.stale:
                self._refresh(dependency)
            if dependency.changed > node.verified:
                return True
        return False

    def _compute(self, node: Node) -> None:
        reads: list[Node] = []
        self._reading.append(reads)
        error: Exception | None = None
        value: Any = None
        try:
            value = node.owner.compute(node.key)
        except CycleError:
            raise
        except Exception as failure:  # noqa: BLE001 - kept as the node's result and raised to whoever reads it
            error = failure
        finally:
            self._reading.pop()
        node.owner.computed += 1
        self._link(node, reads)
        if error is not None or node.error is not None or not node.verified or value != node.value:
            node.changed = self.revision
            node.value = value
            node.error = error

    def _link(self, node: Node, reads: list[Node]) -> None:
        former, fresh = node.dependencies, dict.fromkeys(reads)
        node.dependencies = tuple(fresh)
        for old in former:
            if old in fresh:
                del fresh[old]
            else:
                old.dependents = removed(old.dependents, node)
                self._maybe_orphan(old)
        for dependency in fresh:
            dependents = dependency.dependents
            dependency.dependents = added(dependents, node) if dependents else (node,)

    # ---- changing ----------------------------------------------------------------------------------------------
    def change(self, node: Node, value: Any) -> None:
        """Sets an input to a value that differs from its old one, and marks its dependents as stale."""
        self.revision += 1
        node.value = value
        node.changed = self.revision
        self.invalidate(node)

    def invalidate(self, node: Node) -> None:
        """Marks everything that depends on the node as stale."""
        waiting = list(node.dependents)
        while waiting:
            dependent = waiting.pop()
            if dependent.stale:
                continue
            dependent.stale = True
            dependent.owner.on_stale(dependent)
            waiting.extend(dependent.dependents)

    # ---- settling ----------------------------------------------------------------------------------------------
    def add_settling(self, part: Settling) -> None:
        """Registers a part that catches up after changes; earlier parts are asked first."""
        self._settling.append(part)
        self._unsettled = True

    def unsettle(self) -> None:
        """Says that some part has to catch up."""
        self._unsettled = True

    def settle(self) -> None:
        """Lets all parts catch up until nothing is left to do, then forgets values that nobody uses.

        Nothing happens where a value asks for it that is computed because a part catches up: it takes what is there,
        and becomes stale when that changes.
        """
        if self._catching_up:
            return
        if self._unsettled:
            self._catch_up()
        if self._orphans:
            self._forget_orphans()

    def _catch_up(self) -> None:
        self._catching_up = True
        try:
            with self.detached():
                while self._unsettled:
                    self._unsettled = False
                    for part in self._settling:
                        self._unsettled = part.settle() or self._unsettled
        finally:
            self._catching_up = False

    @contextmanager
    def detached(self) -> Iterator[None]:
        """Reads inside are nobody's dependencies."""
        saved, self._reading = self._reading, [[]]
        try:
            yield
        finally:
            self._reading = saved

    def _maybe_orphan(self, node: Node) -> None:
        if not node.dependents and not node.pinned:
            self._orphans.add(node)

    def _forget_orphans(self) -> None:
        while self._orphans:
            node = self._orphans.pop()
            if node.dependents or node.pinned:
                continue
            node.owner.on_orphan(node)

    def unlink(self, node: Node) -> None:
        """Cuts a forgotten node off from what it depended on; called by its table."""
        for dependency in node.dependencies:
            dependency.dependents = removed(dependency.dependents, node)
            self._maybe_orphan(dependency)
        node.dependencies = ()
        node.stale = node.derived
        node.verified = 0

    def pin(self, node: Node) -> None:
        """Keeps a node although nothing depends on it."""
        node.pinned += 1

    def unpin(self, node: Node) -> None:
        """Ends one `pin`."""
        node.pinned -= 1
        self._maybe_orphan(node)
