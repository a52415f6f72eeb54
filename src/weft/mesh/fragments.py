"""From objects to fragments: every object compiled by its dialect, alone, and again only when what it read changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from weft.base.issues import Issue, Ref
from weft.dialects.compiled import Compile, CompileBroken, Compiled, Fragment
from weft.graph.buckets import Gathered, Index
from weft.graph.collections import Mapped, Partition
from weft.graph.tables import Derived, Input
from weft.ir.settings import MeshSettings
from weft.model.objects import Broken, Object

F = TypeVar("F")
B = TypeVar("B", bound=Hashable)
NAMESPACE = "Namespace"


class Dialects:
    """The compile functions of all dialects by kind, for readable and for broken objects; and by kind the label whose
    value dialects find objects by (`Lookup.labelled`).
    """

    def __init__(
        self,
        compilers: Iterable[Mapping[str, Compile]],
        broken: Iterable[Mapping[str, CompileBroken]],
        labels: Iterable[Mapping[str, str]] = (),
    ) -> None:
        self.compilers = {kind: function for table in compilers for kind, function in table.items()}
        self.broken = {kind: function for table in broken for kind, function in table.items()}
        self.labels = {kind: label for table in labels for kind, label in table.items()}


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
        self._dialects = dialects
        # What objects are found by settles before they are compiled: otherwise each would be compiled again.
        self._lookup = ObjectLookup(self, dialects.labels, settings)
        self._by_type: Partition[Ref, Compiled, type, Fragment | Issue] = Partition(
            graph, "fragments", self.compiled, _by_type
        )

    def of(self, refs: Iterable[Ref], kind: type[F]) -> Iterator[F]:
        """The fragments of one type that some objects became."""
        for ref in refs:
            for fragment in self._by_type.pieces(ref, kind):
                if isinstance(fragment, kind):
                    yield fragment

    def refs(self, kind: type[F]) -> tuple[Ref, ...]:
        """The objects that became fragments of a type, sorted by namespace and name."""
        return self._by_type.keys(kind)

    def index(
        self, name: str, function: Callable[[F], Iterable[B]], kind: type[F], *kinds: type[F]
    ) -> Index[Ref, Compiled, B]:
        """Objects by the buckets that `function` names for their fragments of some types."""
        types = (kind, *kinds)
        return Index(self.graph, name, self._by_type.part(*types), _buckets(function, types))

    def gathered(
        self,
        name: str,
        function: Callable[[F], Iterable[B]],
        kind: type[F],
        missing_by: Callable[[B], Hashable] | None = None,
    ) -> Gathered[Ref, Compiled, B, F]:
        """The fragments of a type by the buckets that `function` names for each; `missing_by` as in `Buckets`."""

        def pieces(compiled: Compiled, bucket: B) -> list[F]:
            return [each for each in compiled.fragments if isinstance(each, kind) and bucket in function(each)]

        part = self._by_type.part(kind)
        return Gathered(self.graph, name, part, _buckets(function, (kind,)), pieces, missing_by)

    def issues(self, ref: Ref | None = None) -> Iterator[Issue]:
        """What is wrong with the objects, or with one of them, each seen alone."""
        for each in self._by_type.keys(Issue) if ref is None else (ref,):
            yield from self.of((each,), Issue)

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

    def __init__(self, fragments: Fragments, labels: Mapping[str, str], settings: Derived[None, MeshSettings]) -> None:
        self._fragments = fragments
        self._labels = labels
        self._settings = settings
        self._by_label: Index[Ref, Object[Any] | Broken, tuple[str, str, str]] = Index(
            fragments.graph, "objects by label", fragments.objects, self._label
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
        return self._readable(self._fragments.by_kind.get((kind, namespace)))

    def labelled(self, kind: str, namespace: str, value: str) -> tuple[Object[Any], ...]:
        """Those of `objects` whose label that the kind is found by (`Dialects.labels`) has this value."""
        return self._readable(self._by_label.get((kind, namespace, value)))

    def _readable(self, refs: Iterable[Ref]) -> tuple[Object[Any], ...]:
        found = (self.object(ref) for ref in refs)
        return tuple(each for each in found if each is not None)

    def _label(self, ref: Ref, found: Object[Any] | Broken) -> Iterator[tuple[str, str, str]]:
        label = self._labels.get(ref.kind)
        if label is not None and label in found.metadata.labels:
            yield ref.kind, ref.namespace, found.metadata.labels[label]

    def namespace_labels(self, namespace: str) -> dict[str, str]:
        """Labels of a namespace, empty where it is not declared."""
        found = self.object(Ref(NAMESPACE, "", namespace))
        return found.metadata.labels if found else {}


def _buckets(
    function: Callable[[F], Iterable[B]], types: tuple[type[F], ...]
) -> Callable[[Ref, Compiled], Iterator[B]]:
    def buckets(_: Ref, compiled: Compiled) -> Iterator[B]:
        for fragment in compiled.fragments:
            if isinstance(fragment, types):
                yield from function(fragment)

    return buckets


def _by_type(compiled: Compiled) -> Mapping[type, tuple[Fragment | Issue, ...]]:
    found: dict[type, list[Fragment | Issue]] = {}
    for piece in (*compiled.fragments, *compiled.issues):
        found.setdefault(type(piece), []).append(piece)
    return {kind: tuple(pieces) for kind, pieces in found.items()}
