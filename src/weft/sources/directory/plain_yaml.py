"""The plain part of YAML, which nearly all manifests are written in, read line by line in a fraction of libyaml's time.

Most lines of a folder stand in it many times (`metadata:`, `kind: Service`): what a line says is remembered. Plain are
mappings and lists in block style, and values of one line: words, quoted text without escapes, and flow collections.
All else (anchors, tags, block scalars, tabs, whatever goes on in the next line, any mistake) is not guessed at: it is
for libyaml. What is read here is what libyaml would give; tests compare the two.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from msgspec import msgpack

from weft.sources.directory.scalars import resolve

_KEY: Final = r"[A-Za-z_][A-Za-z0-9_./-]{0,253}"
_START: Final = r"-?[A-Za-z0-9_./]"
_ELEMENT: Final = rf"{_START}[A-Za-z0-9_./@+-]*"
_HEAD: Final = re.compile(rf"( *)(- +)?({_KEY})")
_ELEMENT_LINE: Final = re.compile(r"( *)(- +)(.+)")
_WORD: Final = re.compile(rf"~|{_START}(?:[^ :#]|:(?=[^ ])|(?<=[^ ])#| +(?=[^ #]))*")
_QUOTED: Final = re.compile(r"\"([^\"\\]*)\"|'([^']*)'")
_WORDS: Final = re.compile(rf"\[{_ELEMENT}(?:, {_ELEMENT})*\]")
_PAIRS: Final = re.compile(rf"\{{{_KEY}: {_ELEMENT}(?:, {_KEY}: {_ELEMENT})*\}}")
_BEGIN: Final = "---"
_COMMENT: Final = " #"
_LONGEST_LINE: Final = 1_000
_DEEPEST: Final = 20
_REMEMBERED: Final = 4_096

Frame = tuple[int, Any]
"""The column of a list's dashes or of a mapping's keys, and the list or mapping."""
Flow = Callable[[str], Any]
"""Reads a flow collection that is not a plain one; raises ValueError."""


class UnusualError(Exception):
    """A text has something that is not plain, or is wrong."""


Line = tuple[int, int, str | None, bool, Any, str | None]
"""What a line says: its first column, that of what is behind a dash (0 where there is none), the key, whether it is
bare so that a value may follow, else the value, or the text of a flow collection."""


def parse_plain(text: str, flow: Flow) -> tuple[int, Any]:
    """The line of the begin of a text's only document, which is a mapping, and its value. Raises UnusualError."""
    if not text.isascii() or "\n---" in text:
        raise UnusualError
    frames: list[Frame] = []
    waiting: str | None = None
    first = 0
    for number, words in enumerate(text.split("\n"), 1):
        line = _read(words)
        if line is None:
            continue
        if not first:
            first = number
            frames.append((line[0], {}))
        waiting = _take(line, frames, waiting, flow)
    if not first:
        raise UnusualError
    return first, frames[0][1]


def _take(line: Line, frames: list[Frame], waiting: str | None, flow: Flow) -> str | None:
    """Puts what a line says where it belongs; returns the key whose value may follow."""
    column, inner, key, bare, value, flowing = line
    container = _container(column, frames, waiting, dash=inner > 0)
    if flowing is not None:
        value = _flow(flowing, flow)
    if key is None:
        container.append(value)
        return None
    if inner:
        element: dict[str, Any] = {}
        container.append(element)
        frames.append((inner, element))
        container = element
    if key in container:
        raise UnusualError
    container[key] = value
    return key if bare else None


def _container(column: int, frames: list[Frame], waiting: str | None, *, dash: bool) -> Any:
    """The list or mapping that a line adds to: an open one, or the value of a key that waits for it."""
    left, container = frames[-1]
    if waiting is not None and (column > left or (dash and column == left)):
        inside: Any = [] if dash else {}
        container[waiting] = inside
        frames.append((column, inside))
        if len(frames) > _DEEPEST:
            raise UnusualError
        return inside
    while left > column:
        frames.pop()
        if not frames:
            raise UnusualError
        left, container = frames[-1]
    if not dash and type(container) is list:
        frames.pop()  # a list may stand as far left as the key that it is the value of
        left, container = frames[-1]
    if left != column or dash is not (type(container) is list):
        raise UnusualError
    return container


@lru_cache(maxsize=_REMEMBERED)
def _read(words: str) -> Line | None:
    """What a line says; None where that is nothing. Raises UnusualError."""
    if len(words) > _LONGEST_LINE or not words.isprintable():
        raise UnusualError
    said = words.partition(_COMMENT)[0].rstrip(" ") if _COMMENT in words else words.rstrip(" ")
    if not said or said[0] == "#" or said == _BEGIN:
        return None
    head, colon, value = said.partition(": ")
    if not colon and said[-1] == ":":
        head, colon = said[:-1], ":"
    place = _head(head) if colon else None
    if place is None:
        return _element(said)
    column, inner, key = place
    value = value.lstrip(" ")
    if not value:
        return column, inner, key, True, None, None
    return _valued(column, inner, key, value)


@lru_cache(maxsize=_REMEMBERED)
def _head(words: str) -> tuple[int, int, str] | None:
    """The first column, that of what is behind a dash (0 where there is none), and the key; None where that is none."""
    found = _HEAD.fullmatch(words)
    if found is None:
        return None
    indent, dash, key = found.groups()
    if resolve(key) != key:
        raise UnusualError
    return len(indent), len(indent) + len(dash) if dash else 0, key


def _element(said: str) -> Line:
    """A line without a key: an element of a list."""
    found = _ELEMENT_LINE.fullmatch(said)
    if found is None:
        raise UnusualError
    indent, dash, value = found.groups()
    return _valued(len(indent), len(indent) + len(dash), None, value)


def _valued(column: int, inner: int, key: str | None, value: str) -> Line:
    if value[0] in "{[":
        return column, inner, key, False, None, value
    return column, inner, key, False, _scalar(value), None


def _scalar(said: str) -> Any:
    if _WORD.fullmatch(said):
        return _resolved(said)
    quoted = _QUOTED.fullmatch(said)
    if quoted is None:
        raise UnusualError
    return quoted[quoted.lastindex or 0]


def _resolved(word: str) -> Any:
    try:
        return resolve(word)
    except ValueError:
        raise UnusualError from None


def _flow(said: str, flow: Flow) -> Any:
    """A flow collection: most are lists of words or pairs of them."""
    if _WORDS.fullmatch(said):
        return [_resolved(word) for word in said[1:-1].split(", ")]
    if _PAIRS.fullmatch(said):
        pairs = [pair.split(": ") for pair in said[1:-1].split(", ")]
        found = {key: _resolved(word) for key, word in pairs}
        if len(found) < len(pairs) or any(resolve(key) != key for key in found):
            raise UnusualError
        return found
    return msgpack.decode(_packed(said, flow))


@lru_cache(maxsize=_REMEMBERED)
def _packed(said: str, flow: Flow) -> bytes:
    """Another flow collection in a form of which everybody gets a value of his own."""
    if "&" in said or "*" in said:
        raise UnusualError
    try:
        return msgpack.encode(flow(said))
    except ValueError:
        raise UnusualError from None
