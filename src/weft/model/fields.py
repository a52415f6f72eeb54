"""Paths to fields as text for people (`spec.http[0].route`, `metadata.labels["example.org/x"]`) and as parts."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

FieldPath = tuple[str | int, ...]
"""Parts of a path: names of fields, and indexes of list elements counted from 0."""

_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$/-]*")
_PART = re.compile(r'\.?(?P<plain>[A-Za-z_$][A-Za-z0-9_$/-]*)|\[(?P<index>\d+)\]|\["(?P<quoted>(?:[^"\\]|\\.)*)"\]')
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def format_path(path: Iterable[str | int]) -> str:
    """The text of a path; names that are not plain words are quoted in brackets."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            text += f".{part}" if text else part
        else:
            escaped = part.replace("\\", "\\\\").replace('"', '\\"')
            text += f'["{escaped}"]'
    return text


def parse_path(text: str) -> FieldPath:
    """The parts of a path's text, the inverse of `format_path`; what follows the first unreadable part is left out."""
    parts: list[str | int] = []
    position = 0
    while match := _PART.match(text, position):
        if match["index"] is not None:
            parts.append(int(match["index"]))
        elif match["plain"] is not None:
            parts.append(match["plain"])
        else:
            parts.append(_ESCAPED.sub(r"\1", match["quoted"]))
        position = match.end()
    return tuple(parts)


def shorten(text: str) -> str:
    """The begin of a text that may be very long, to be shown in a message."""
    return text if len(text) <= 80 else text[:79] + "…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The known word that `word` is most likely a slip of, or "" where none is near."""
    by_folded = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold()[:100], by_folded, n=1, cutoff=0.7)
    return by_folded[near[0]] if near else ""
