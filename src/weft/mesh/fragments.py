"""From objects to fragments: every object compiled by its dialect, alone, and again only when what it read changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from weft.base.issues import Issue, Ref
from weft.dialects.compiled import Compile, CompileBroken, Compiled
from weft.graph.collections import Index, Mapped, Partition
from weft.graph.tables import Derived, Input
from weft.ir.settings import MeshSettings
from weft.model.objects import Broken, Object

F = TypeVar("F")
B = TypeVar("B", bound=Hashable)
NAMESPACE = "Namespace"


class Dialects:
    """The compile functions of all dialects by kind, for readable and for broken objects."""

    def __init__(
        self, compilers: Iterable[Mapping[str, Compile]], broken: Iterable[Mapping[str, CompileBroken]]
    ) -> None:
        self.compilers = {kind: function for table in compilers for kind, function in table.items()}
        self.broken = {kind: function for table in broken for kind, function in table.items()}


Objects = Input[Ref, Object[Any] | Broken]
"""All objects of the mesh by their keys: the input of everything."""


class Fragments:
    """What all objects were compiled to."""

    def __init__(self, objects: Objects, dialects: Dialects, settings: Derived[None, MeshSettings]) -> None:
        self.objects = objects
        self.graph = graph = objects.graph
        self.by_kind: Index[Ref, Object[Any] | Broken, tuple[str, str]] = Index(
            graph, "objects by kind", self.objects, lambda ref, _: [(ref.kind, ref.namespace)]
        )
        self.compiled: Mapped[Ref, Object[Any] | Broken, Compiled] = Mapped(
            graph, "compiled", self.objects, self._compile
        )
        self._by_type: Partition[Ref, Compiled, type] = Partition(
            graph, self.compiled, lambda compiled: map(type, compiled.fragments)
        )
        self._dialects = dialects
        self._lookup = ObjectLookup(self, settings)

    def of(self, refs: Iterable[Ref], kind: type[F]) -> Iterator[F]:
        """The fragments of one type that some objects became."""
        for ref in refs:
            compiled = self.compiled.get(ref)
            for fragment in compiled.fragments if compiled else ():
                if isinstance(fragment, kind):
                    yield fragment

    def index(
        self, name: str, function: Callable[[F], Iterable[B]], kind: type[F], *kinds: type[F]
    ) -> Index[Ref, Compiled, B]:
        """Objects by the buckets that `function` names for their fragments of some types."""
        types = (kind, *kinds)

        def buckets(_: Ref, compiled: Compiled) -> Iterator[B]:
            for fragment in compiled.fragments:
                if isinstance(fragment, types):
                    yield from function(fragment)

        return Index(self.graph, name, self._by_type.part(*types), buckets)

    def issues(self) -> Iterator[Issue]:
        """What is wrong with the objects, each seen alone."""
        for ref in self.objects:
            compiled = self.compiled.get(ref)
            yield from compiled.issues if compiled else ()

    def alone(self, found: Object[Any]) -> Compiled:
        """What an object would become that is not among the mesh's objects, and does not get there by this."""
        return self._compile(found.ref, found)

    def _compile(self, ref: Ref, found: Object[Any] | Broken) -> Compiled:
        try:
            return self._compile_by_dialect(ref, found)
        except Exception as failure:  # noqa: BLE001 - one object must never stop the mesh
            issue = Issue(
                "WEFT0001",
                "error",
                ref,
                "",
                f"compiling failed inside Weft: {type(failure).__name__}: {failure}",
                effect="the object is not used; a security policy refuses what it selects",
                advice="this is a defect of Weft: please report it with the object",
            )
            return Compiled(self._fail_closed(ref, found), (issue,))

    def _compile_by_dialect(self, ref: Ref, found: Object[Any] | Broken) -> Compiled:
        if isinstance(found, Broken):
            broken = self._dialects.broken.get(ref.kind)
            return broken(found, self._lookup) if broken else Compiled()
        compiler = self._dialects.compilers.get(ref.kind)
        return compiler(found, self._lookup) if compiler else Compiled()

    def _fail_closed(self, ref: Ref, found: Object[Any] | Broken) -> tuple[Any, ...]:
        broken = self._dialects.broken.get(ref.kind)
        if broken is None:
            return ()
        return broken(Broken(found.kind, found.metadata, {}), self._lookup).fragments


class ObjectLookup:
    """What dialects may read besides the object they compile."""

    def __init__(self, fragments: Fragments, settings: Derived[None, MeshSettings]) -> None:
        self._fragments = fragments
        self._settings = settings
        graph = fragments.graph
        self._by_label: Derived[tuple[str, str, str], dict[str, tuple[Object[Any], ...]]] = Derived(
            graph, "objects by label", self._group
        )
        self._labelled: Derived[tuple[str, str, str, str], tuple[Object[Any], ...]] = Derived(
            graph, "objects of label", self._find_labelled
        )

    def settings(self) -> MeshSettings:
        """Settings of the mesh."""
        return self._settings.get(None)

    def object(self, ref: Ref) -> Object[Any] | None:
        """A readable object by its key."""
        found = self._fragments.objects.get(ref)
        return found if isinstance(found, Object) else None

    def objects(self, kind: str, namespace: str) -> tuple[Object[Any], ...]:
        """All readable objects of a kind in a namespace, sorted by name."""
        found = (self.object(ref) for ref in self._fragments.by_kind.get((kind, namespace)))
        return tuple(each for each in found if each is not None)

    def labelled(self, kind: str, namespace: str, label: tuple[str, str]) -> tuple[Object[Any], ...]:
        """Those of `objects` that have a label of this value."""
        return self._labelled.get((kind, namespace, *label))

    def _find_labelled(self, asked: tuple[str, str, str, str]) -> tuple[Object[Any], ...]:
        kind, namespace, key, value = asked
        return self._by_label.get((kind, namespace, key)).get(value, ())

    def _group(self, asked: tuple[str, str, str]) -> dict[str, tuple[Object[Any], ...]]:
        """The objects of a kind and namespace by the value of a label, so that many askers look at each only once."""
        kind, namespace, key = asked
        found: dict[str, tuple[Object[Any], ...]] = {}
        for each in self.objects(kind, namespace):
            if key in each.metadata.labels:
                value = each.metadata.labels[key]
                found[value] = (*found.get(value, ()), each)
        return found

    def namespace_labels(self, namespace: str) -> dict[str, str]:
        """Labels of a namespace, empty where it is not declared."""
        found = self.object(Ref(NAMESPACE, "", namespace))
        return found.metadata.labels if found else {}
