"""What the checks share."""

from collections.abc import Iterator
from typing import TypeVar

from weft.base.issues import Ref
from weft.mesh.fragments import Fragments

F = TypeVar("F")


def each(fragments: Fragments, kind: type[F]) -> Iterator[tuple[Ref, F]]:
    """All fragments of a type, with the objects that they come from, sorted by object."""
    for ref in fragments.refs(kind):
        for fragment in fragments.of((ref,), kind):
            yield ref, fragment
