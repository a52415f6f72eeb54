"""Tables as kubectl prints them: upper-case headers, columns as wide as their widest cell, three spaces between."""

from collections.abc import Iterable, Sequence
from typing import Final

_GAP: Final = "   "
_NOT_PRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"


def render(header: Sequence[str], rows: Iterable[Sequence[str]], *, headers: bool = True) -> str:
    """The table as text without a last line feed. What could steer a terminal is replaced: cells are others' words."""
    lines = [*([tuple(header)] if headers else []), *(tuple(map(printable, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_line(line, widths) for line in lines)


def printable(text: str) -> str:
    """The text in one line without control characters."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _NOT_PRINTABLE for character in text)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
