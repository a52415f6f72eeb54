"""The objects of the mesh: what the files say, and over it what was applied, labelled or deleted by command.

An entry over a file's object holds until the file's own text of that object changes: whoever wrote last is right.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from weft.base.issues import LocatedIssue, Position, Ref
from weft.model.decode import Decoded, Decoder
from weft.sources.changes import Changes, Value
from weft.sources.state import Tables

_TABLE: Final = "overlay"


class Files(Protocol):
    """The folder, as the store needs it (`DirectorySource`)."""

    def body(self, ref: Ref) -> dict[str, Any] | None:
        """What the object's file says of it, with all fields; None for objects that are in no file."""

    def position(self, ref: Ref, path: str = "") -> Position | None:
        """Where an object, or a field of it, stands; None for objects that are in no file."""


class Entry(Struct, frozen=True):
    """What a command said of an object: its body, or None if it was deleted; `base` is the file's text it is over."""

    ref: Ref
    body: dict[str, Any] | None
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
        loaded = (msgspec.json.decode(data, type=Entry) for data in tables.load(_TABLE).values())
        self._overlay: dict[Ref, Entry] = {entry.ref: entry for entry in loaded}
        self._decoded: dict[Ref, Decoded] = {
            ref: self._decode(entry) for ref, entry in self._overlay.items() if entry.body is not None
        }

    # ---- reading -----------------------------------------------------------------------------------------------
    def refs(self) -> Iterator[Ref]:
        """The keys of all objects, sorted."""
        gone = {ref for ref, entry in self._overlay.items() if entry.body is None}
        return iter(sorted((self._from_files.keys() | self._decoded.keys()) - gone))

    def value(self, ref: Ref) -> Value | None:
        """An object, None if there is none."""
        entry = self._overlay.get(ref)
        if entry is None:
            return self._from_files.get(ref)
        return self._decoded[ref].value if entry.body is not None else None

    def body(self, ref: Ref) -> dict[str, Any] | None:
        """An object with all fields as its author wrote them, None if there is none."""
        entry = self._overlay.get(ref)
        return copy.deepcopy(entry.body) if entry is not None else self._files.body(ref)

    def position(self, ref: Ref, path: str = "") -> Position | None:
        """Where an object's file says it; None for what was said by command."""
        return None if ref in self._overlay else self._files.position(ref, path)

    def issues(self) -> tuple[LocatedIssue, ...]:
        """What is wrong with files and with what was applied."""
        applied = (LocatedIssue(issue) for decoded in self._decoded.values() for issue in decoded.issues)
        hidden = self._overlay.keys()
        files = (each for each in self._issues_of_files if each.issue.ref not in hidden)
        return (*files, *applied)

    # ---- changing ----------------------------------------------------------------------------------------------
    def take(self, changes: Changes) -> set[Ref]:
        """Takes what changed in the files; returns the objects that may be different now."""
        self._issues_of_files = changes.issues
        self._from_files.update(changes.upserts)
        for ref in changes.deletes:
            self._from_files.pop(ref, None)
        touched = {*changes.upserts, *changes.deletes}
        for ref in touched & self._overlay.keys():
            if self._overlay[ref].base != self._base(ref):
                self._drop(ref)
        return touched

    def decode(self, body: dict[str, Any]) -> Decoded:
        """What a body means, and what is wrong with it; changes nothing."""
        return self._decoder.decode(body)

    def put(self, ref: Ref, body: dict[str, Any]) -> None:
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
            self._drop(ref)
        return True

    def _keep(self, entry: Entry) -> None:
        self._overlay[entry.ref] = entry
        self._decoded.pop(entry.ref, None)
        if entry.body is not None:
            self._decoded[entry.ref] = self._decode(entry)
        self._tables.write(_TABLE, {_key(entry.ref): msgspec.json.encode(entry)})

    def _drop(self, ref: Ref) -> None:
        del self._overlay[ref]
        self._decoded.pop(ref, None)
        self._tables.write(_TABLE, {_key(ref): None})

    def _decode(self, entry: Entry) -> Decoded:
        decoded = self._decoder.decode(entry.body)
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
