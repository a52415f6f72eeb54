"""What one file says: its objects, each with its place, and what is wrong with it."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from msgspec import Struct, structs

from weft.base.issues import Issue, LocatedIssue, Position
from weft.model.codes import UNREADABLE_FILE
from weft.model.decode import Decoded, Decoder
from weft.model.fields import FieldPath, format_path, parse_path
from weft.model.objects import Broken
from weft.sources.changes import Value
from weft.sources.directory.chunks import Chunk, split
from weft.sources.directory.limits import Limits
from weft.sources.directory.text import UnreadableError

_LIST_NAMES: Final = re.compile(r"[A-Za-z]*List")
_OBJECT_BEGIN: Final = re.compile(r"""^(?=[ \t{-]*["']?apiVersion["']?[ \t]*:)""", re.MULTILINE)
_SALVAGED: Final = {
    name: re.compile(rf"""^[ \t{{-]*["']?{name}["']?[ \t]*:[ \t]*["']?([A-Za-z0-9./-]{{1,253}})""", re.MULTILINE)
    for name in ("apiVersion", "kind", "name", "namespace")
}

Ahead = Callable[[bytes], list[tuple[int, Any]] | None]
"""What `Chunk.parse` gives for the plain YAML that has a digest; None where that is not known."""


class Entry(Struct, frozen=True):
    """An object of a chunk: the number and line of its document, and its place in that (`items[2]` of a list)."""

    value: Value
    document: int
    line: int
    prefix: FieldPath = ()


class ChunkContent(Struct, frozen=True):
    """What a chunk says; issues are placed by line from the chunk's begin (0: the file as a whole) and column."""

    entries: tuple[Entry, ...]
    issues: tuple[tuple[Issue, int, int], ...] = ()
    error: UnreadableError | None = None


class FileContent(Struct, frozen=True):
    """What a file says. Chunks are found by the digest of their text and carry the number of lines before them."""

    chunks: tuple[tuple[bytes, int, ChunkContent], ...]

    @property
    def readable(self) -> bool:
        """Whether every part of the file could be read."""
        return all(content.error is None for _, _, content in self.chunks)

    @property
    def count(self) -> int:
        """How many objects it holds."""
        return sum(len(content.entries) for _, _, content in self.chunks)

    def line(self, chunk: int, entry: Entry) -> int:
        """The line in which the document of an object begins."""
        return self.chunks[chunk][1] + entry.line

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """All objects in order, each with the number of its chunk."""
        for number, (_, _, content) in enumerate(self.chunks):
            for entry in content.entries:
                yield number, entry

    def issues(self, file: str) -> Iterator[LocatedIssue]:
        """Everything that is wrong, placed in the file."""
        for _, lines, content in self.chunks:
            for issue, line, column in content.issues:
                yield LocatedIssue(issue, Position(file, line + lines, column))


class FileReader:
    """Reads texts of files. What is known of an older text of the same file is used again where it did not change.

    `ahead` gives what others have read already of the text that has a digest.
    """

    def __init__(self, decoder: Decoder, limits: Limits, ahead: Ahead = lambda _: None) -> None:
        self._decoder = decoder
        self._limits = limits
        self._ahead = ahead

    def read(self, text: str, *, json: bool, older: FileContent | None = None) -> FileContent:
        """What a text says. A part that can't be read gives an error, and `Broken` for the object it seems to be."""
        known = {digest: content for digest, _, content in older.chunks} if older else {}
        chunks = []
        for chunk in split(text, json=json):
            digest = chunk.digest()
            content = known.get(digest) or self._read(chunk, digest)
            chunks.append((digest, chunk.lines, content))
            if len(chunks) > self._limits.documents:
                error = UnreadableError(f"the file holds more than {self._limits.documents:,} documents")
                return FileContent(((b"", 0, _unreadable(error)),))
        return FileContent(tuple(chunks))

    def refuse(self, error: UnreadableError) -> FileContent:
        """The content of a file whose text can't be had."""
        return FileContent(((b"", 0, _unreadable(error)),))

    def place(self, chunk: Chunk, entry: Entry, path: str) -> tuple[int, int]:
        """Line and column of an object's field in the chunk that the object was read from."""
        return chunk.places(self._limits, entry.document, [(*entry.prefix, *parse_path(path))])[0]

    def bodies(self, chunk: Chunk, entries: Iterable[Entry]) -> list[dict[str, Any]]:
        """What a chunk says of objects, as it stands there. Raises UnreadableError."""
        documents = chunk.parse(self._limits)
        return [_inside(documents[entry.document][1], entry.prefix) for entry in entries]

    def _read(self, chunk: Chunk, digest: bytes) -> ChunkContent:
        try:
            documents = self._ahead(digest) or chunk.parse(self._limits)
        except UnreadableError as error:
            return structs.replace(_unreadable(error), entries=tuple(self._salvage(chunk.text)))
        entries: list[Entry] = []
        issues: list[tuple[Issue, int, int]] = []
        for number, (line, value) in enumerate(documents):
            bodies = unrolled(value, ())
            decoded = [(prefix, self._decoder.decode(body, shallow=not chunk.json)) for prefix, body in bodies]
            entries += [Entry(each.value, number, line, prefix) for prefix, each in decoded if each.value is not None]
            issues += self._placed(chunk, number, decoded)
        return ChunkContent(tuple(entries), tuple(issues))

    def _placed(
        self, chunk: Chunk, document: int, decoded: list[tuple[FieldPath, Decoded]]
    ) -> list[tuple[Issue, int, int]]:
        issues = [(prefix, issue) for prefix, each in decoded for issue in each.issues]
        if not issues:
            return []
        paths = [(*prefix, *parse_path(issue.path)) for prefix, issue in issues]
        marks = chunk.places(self._limits, document, paths)
        named = [
            structs.replace(issue, path=format_path(path)) if issue.ref is None else issue
            for path, (_, issue) in zip(paths, issues, strict=True)
        ]
        return [(issue, line - chunk.lines, column) for issue, (line, column) in zip(named, marks, strict=True)]

    def _salvage(self, text: str) -> Iterator[Entry]:
        """The objects that an unreadable text seems to hold, so that a policy that was never readable fails closed."""
        for piece in _OBJECT_BEGIN.split(text):
            found = {name: match[1] for name, pattern in _SALVAGED.items() if (match := pattern.search(piece))}
            metadata = {name: found[name] for name in ("name", "namespace") if name in found}
            value = self._decoder.decode({**found, "metadata": metadata}).value
            if value is not None:
                yield Entry(Broken(value.kind, value.metadata, {}), 0, 1)


def _inside(value: Any, path: FieldPath) -> Any:
    for part in path:
        value = value[part]
    return value


def _unreadable(error: UnreadableError) -> ChunkContent:
    issue = Issue(UNREADABLE_FILE, "error", None, "", error.message, advice=error.advice)
    return ChunkContent((), ((issue, error.line, error.column),), error)


def unrolled(value: Any, prefix: FieldPath) -> Iterator[tuple[FieldPath, Any]]:
    """The objects in a document: itself, or the items of a list as `kubectl get -o yaml` writes it."""
    if value is None:
        return
    kind = value.get("kind") if isinstance(value, dict) else None
    items = value.get("items") if isinstance(kind, str) and _LIST_NAMES.fullmatch(kind) else None
    if not isinstance(items, list):
        yield prefix, value
        return
    for index, item in enumerate(items):
        if isinstance(item, dict) and kind != "List" and "kind" not in item:
            item = {"apiVersion": value.get("apiVersion"), "kind": str(kind).removesuffix("List"), **item}
        yield from unrolled(item, (*prefix, "items", index))
