"""What a source of objects tells those who follow it."""

from typing import Any

from msgspec import Struct

from weft.base.issues import LocatedIssue, Ref
from weft.model.objects import Broken, Object

Value = Object[Any] | Broken


class Changes(Struct, frozen=True):
    """Objects that are new or different, objects that are gone, and all that is wrong now (not only what is new).

    `complete` is False while a part of the source can't be looked at: what is not known may still be there.
    """

    upserts: dict[Ref, Value]
    deletes: frozenset[Ref]
    issues: tuple[LocatedIssue, ...] = ()
    complete: bool = True

    def __bool__(self) -> bool:
        """Whether any object changed."""
        return bool(self.upserts or self.deletes)
