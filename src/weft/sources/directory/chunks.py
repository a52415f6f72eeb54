"""A file's text in pieces that are read independently: the documents of a YAML file, or a JSON file as a whole.

Splitting at lines that begin with `---` is what kubectl does. It is safe because no YAML value can hold such a line. It
makes a change of a long file cost what changed, and one broken document no loss of the others.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct

from weft.model.fields import FieldPath
from weft.sources.directory import json_values, yaml_values
from weft.sources.directory.limits import Limits
from weft.sources.directory.plain_yaml import UnusualError, parse_plain
from weft.sources.directory.yaml_values import Mark

_SEPARATOR: Final = re.compile(r"^---(?=\s)", re.MULTILINE)
_ONE_LINE: Final = Limits()
_NOTHING: Final = re.compile(r"(?:[ \t\r]*(?:[#%][^\n]*)?\n)*[ \t\r]*(?:[#%][^\n]*)?")


class Chunk(Struct, frozen=True):
    """A piece of a file's text, after `lines` other lines of it."""

    text: str
    lines: int
    json: bool = False

    def parse(self, limits: Limits) -> list[tuple[int, Any]]:
        """The lines and values of its documents. Raises UnreadableError, whose lines count from the chunk's begin."""
        if self.json:
            return json_values.parse(self.text, limits)
        document = self.plain()
        return [document] if document is not None else yaml_values.parse(self.text, limits)

    def plain(self) -> tuple[int, Any] | None:
        """The line and value of its only document, if that is plain YAML."""
        try:
            return parse_plain(self.text, _flow)
        except UnusualError:
            return None

    def digest(self) -> bytes:
        """By what its text is known again."""
        return blake2b(self.text.encode(), digest_size=16).digest()

    def places(self, limits: Limits, document: int, paths: list[FieldPath]) -> list[Mark]:
        """Line of the file and column where fields of a document stand: the deepest part of a path that there is."""
        if self.json:
            return [json_values.locate(self.text, document, path) for path in paths]
        known = yaml_values.locate(self.text, limits, document)
        return [self._deepest(known, path) for path in paths]

    def _deepest(self, known: dict[FieldPath, Mark], path: FieldPath) -> Mark:
        for end in range(len(path), -1, -1):
            if path[:end] in known:
                line, column = known[path[:end]]
                return line + self.lines, column
        return self.lines + 1, 1


def _flow(text: str) -> Any:
    """The value of a flow collection that stands in one line: too short to exhaust anything."""
    ((_, value),) = yaml_values.parse(text, _ONE_LINE)
    return value


def split(text: str, *, json: bool) -> Iterator[Chunk]:
    """The chunks of a file's text, in order."""
    if json:
        yield Chunk(text, 0, json=True)
        return
    begin, lines = 0, 0
    for match in (*_SEPARATOR.finditer(text), None):
        end = match.start() if match else len(text)
        piece = text[begin:end]
        if not _NOTHING.fullmatch(piece):
            yield Chunk(piece, lines)
        lines += piece.count("\n")
        begin = end
