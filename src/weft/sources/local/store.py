"""The objects of the mesh: what the files say, and over it what was applied, labelled or deleted by command.

An entry over a file's object holds until the file's own text of that object changes, also while nobody looked: whoever
wrote last is right.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from hashlib import blake2b
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from weft.base.issues import LocatedIssue, Position, Ref
from weft.model.decode import Decoded, Decoder
from weft.sources.changes import Changes, Value
from weft.sources.state import Tables

Body = dict[str, Any]
"""An object with all fields as its author wrote them."""

_TABLE: Final = "overlay"


class Files(Protocol):
    """The folder, as the store needs it (`DirectorySource`)."""

    def body(self, ref: Ref) -> Body | None:
        """What the object's file says of it; None for objects that are in no file."""

    def bodies(self, refs: Iterable[Ref]) -> dict[Ref, Body]:
        """`body` of many objects, for less. May be called by another thread."""

    def position(self, ref: Ref, path: str = "") -> Position | None:
        """Where an object, or a field of it, stands; None for objects that are in no file."""


class Entry(Struct, frozen=True):
    """What a command said of an object: its body, or None if it was deleted; `base` is the file's text it is over."""

    ref: Ref
    body: Body | None
    base: str
    created: int


class ObjectStore:
    """All objects by key. `clock` gives Unix seconds."""

    def __init__(self, decoder: Decoder, files: Files, tables: Tables, clock: Callable[[], float]) -> None:
        self._decoder = decoder
        self._files = files
        self._tables = tables
        self._clock = clock
        self._from_files: dict[Ref, Value] = {}
        self._issues_of_files: tuple[LocatedIssue, ...] = ()
        self._by_kind: dict[str, set[Ref]] = {}
        self._overlay: dict[Ref, Entry] = {}
        self._decoded: dict[Ref, Decoded] = {}
        self.complete = False
        """Whether all files were looked at since the start: before, what is missing may still be there."""
        for data in tables.load(_TABLE).values():
            self._cover(msgspec.json.decode(data, type=Entry))
        self._untold = set(self._overlay)

    # ---- reading -----------------------------------------------------------------------------------------------
    def refs(self, *kinds: str) -> list[Ref]:
        """The keys of all objects of some kinds, in no order."""
        return [ref for kind in kinds for ref in self._by_kind.get(kind, ())]

    def value(self, ref: Ref) -> Value | None:
        """An object, None if there is none."""
        if ref in self._overlay:
            decoded = self._decoded.get(ref)
            return decoded.value if decoded is not None else None
        return self._from_files.get(ref)

    def body(self, ref: Ref) -> Body | None:
        """What an object's author wrote, None if there is no such object."""
        entry = self._overlay.get(ref)
        return copy.deepcopy(entry.body) if entry is not None else self._files.body(ref)

    def bodies(self, refs: Iterable[Ref]) -> Callable[[], dict[Ref, Body]]:
        """What authors wrote of many objects. The function that is returned takes long: it may run in a thread."""
        wanted = list(refs)
        applied = {ref: self._overlay[ref].body for ref in wanted if ref in self._overlay}
        in_files = [ref for ref in wanted if ref not in applied]
        return lambda: self._files.bodies(in_files) | {ref: body for ref, body in applied.items() if body is not None}

    def position(self, ref: Ref, path: str = "") -> Position | None:
        """Where an object's file says it; None for what was said by command."""
        return None if ref in self._overlay else self._files.position(ref, path)

    def place(self, ref: Ref, path: str = "") -> Position | None:
        """Where an object's file says it, also if a command said something else of it since."""
        return self._files.position(ref, path)

    def issues(self) -> Iterator[LocatedIssue]:
        """What is wrong with files and with what was applied."""
        yield from (each for each in self._issues_of_files if each.issue.ref not in self._overlay)
        yield from (LocatedIssue(issue) for decoded in self._decoded.values() for issue in decoded.issues)

    def together(self) -> AbstractContextManager[None]:
        """What follows from one change is kept by one write, of whatever of the tables' users."""
        return self._tables.together()

    # ---- changing ----------------------------------------------------------------------------------------------
    def take(self, changes: Changes) -> set[Ref]:
        """Takes what changed in the files; returns the objects that may be different now, at first all there are."""
        self._issues_of_files = changes.issues
        self._from_files.update(changes.upserts)
        for ref in changes.deletes:
            self._from_files.pop(ref, None)
        touched = {*changes.upserts, *changes.deletes}
        # After a start it is not known what changed since the last one.
        compared = self._overlay.keys() if changes.complete and not self.complete else touched & self._overlay.keys()
        outdated = {ref for ref in compared if self._overlay[ref].base != self._base(ref)}
        for ref in outdated:
            self._uncover(ref)
        for ref in touched:
            self._reindex(ref)
        self.complete = self.complete or changes.complete
        untold, self._untold = self._untold, set()
        return touched | outdated | untold

    def decode(self, body: Body) -> Decoded:
        """What a body means, and what is wrong with it; changes nothing."""
        return self._decoder.decode(body)

    def put(self, ref: Ref, body: Body) -> None:
        """Sets an object that was decoded without errors."""
        known = self.value(ref)
        created = known.metadata.created if known is not None else int(self._clock())
        self._keep(Entry(ref, body, self._base(ref), created))

    def delete(self, ref: Ref) -> bool:
        """Deletes an object; False if there is none."""
        if self.value(ref) is None:
            return False
        if ref in self._from_files:
            self._keep(Entry(ref, None, self._base(ref), 0))
        else:
            self._uncover(ref)
        return True

    def _keep(self, entry: Entry) -> None:
        self._cover(entry)
        self._tables.write(_TABLE, {_key(entry.ref): msgspec.json.encode(entry)})

    def _cover(self, entry: Entry) -> None:
        self._overlay[entry.ref] = entry
        self._decoded.pop(entry.ref, None)
        if entry.body is not None:
            self._decoded[entry.ref] = self._decode(entry, entry.body)
        self._reindex(entry.ref)

    def _uncover(self, ref: Ref) -> None:
        del self._overlay[ref]
        self._decoded.pop(ref, None)
        self._tables.write(_TABLE, {_key(ref): None})
        self._reindex(ref)

    def _reindex(self, ref: Ref) -> None:
        if self.value(ref) is not None:
            self._by_kind.setdefault(ref.kind, set()).add(ref)
        else:
            self._by_kind.get(ref.kind, set()).discard(ref)

    def _decode(self, entry: Entry, body: Body) -> Decoded:
        decoded = self._decoder.decode(body)
        value = decoded.value
        if value is None or value.metadata.created:
            return decoded
        dated = msgspec.structs.replace(value.metadata, created=entry.created)
        return Decoded(msgspec.structs.replace(value, metadata=dated), decoded.issues)

    def _base(self, ref: Ref) -> str:
        body = self._files.body(ref)
        if body is None:
            return ""
        return blake2b(msgspec.json.encode(body, order="deterministic", enc_hook=str), digest_size=16).hexdigest()


def _key(ref: Ref) -> str:
    return f"{ref.kind} {ref.namespace} {ref.name}"
