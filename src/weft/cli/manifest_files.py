"""Objects in files that are named on the command line, each with the places of its fields."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from weft.base.issues import Position
from weft.cli.errors import Failure
from weft.cli.manifests import Json
from weft.model.fields import FieldPath, parse_path
from weft.sources.directory.chunks import Chunk, split
from weft.sources.directory.limits import Limits
from weft.sources.directory.reader import unrolled
from weft.sources.directory.text import UnreadableError, decode_text

STANDARD_INPUT: Final = "-"

_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
_LIMITS: Final = Limits()


class Manifest(Struct, frozen=True):
    """An object as its file says it. `document` and `prefix` lead to it in the chunk (`items[2]` of a list)."""

    body: Json
    file: str
    chunk: Chunk
    document: int
    prefix: FieldPath

    def position(self, path: str = "") -> Position:
        """Where a field of the object stands, or the deepest part of its path that there is."""
        line, column = self.chunk.places(_LIMITS, self.document, [(*self.prefix, *parse_path(path))])[0]
        return Position(self.file, line, column)


class Unreadable(Struct, frozen=True):
    """A file, or one document of it, that is no YAML or JSON."""

    position: Position
    message: str
    advice: str


def read_manifests(names: Sequence[str], *, recursive: bool) -> Iterator[Manifest | Unreadable]:
    """The objects of files, of the files of folders (`recursive`: and of those below), and of standard input (`-`).

    What can't be read is told in its place, and the rest goes on. Raises Failure for a name that leads to nothing.
    """
    for name in names:
        if name == STANDARD_INPUT:
            yield from _read(name, sys.stdin.buffer.read(_LIMITS.file_bytes + 1))
        else:
            for path in _files(Path(name), recursive=recursive):
                yield from _read(str(path), _bytes(path))


def _files(path: Path, *, recursive: bool) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = path.rglob("*") if recursive else path.iterdir()
    files = sorted(each for each in found if each.suffix in _SUFFIXES and each.is_file())
    if not files:
        hint = "" if recursive else "-R reads the folders below, too"
        raise Failure(f"{path} has no files that end with {', '.join(sorted(_SUFFIXES))}", hint=hint)
    return files


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LIMITS.file_bytes + 1)
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error


def _read(file: str, data: bytes) -> Iterator[Manifest | Unreadable]:
    try:
        if len(data) > _LIMITS.file_bytes:
            raise UnreadableError(f"the file has more than {_LIMITS.file_bytes >> 20} MiB", advice="split it")
        text = decode_text(data)
    except UnreadableError as error:
        yield _unreadable(file, error)
        return
    for chunk in split(text, json=file.endswith(".json")):
        yield from _of_chunk(file, chunk)


def _of_chunk(file: str, chunk: Chunk) -> Iterator[Manifest | Unreadable]:
    try:
        documents = chunk.parse(_LIMITS)
    except UnreadableError as error:
        yield _unreadable(file, error.moved(chunk.lines))
        return
    for number, (line, value) in enumerate(documents):
        for prefix, body in unrolled(value, ()):
            if isinstance(body, dict):
                yield Manifest(body, file, chunk, number, prefix)
            else:
                position = Position(file, line + chunk.lines)
                yield Unreadable(position, "this is no object", "write apiVersion, kind and metadata")


def _unreadable(file: str, error: UnreadableError) -> Unreadable:
    return Unreadable(Position(file, error.line, error.column), error.message, error.advice)
