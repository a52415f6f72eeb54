"""Label selectors as kubectl writes them: `app=web,version!=v1,tier in (a,b),!old`."""

import re
from collections.abc import Iterator
from typing import Final

from weft.ir.values import LabelTerm

_KEY: Final = re.compile(r"[\w./-]+")
_VALUE: Final = re.compile(r"[\w.-]*")
_FORMS: Final = "write key=value, key!=value, key in (a,b) or !key"


def parse_selector(text: str) -> tuple[LabelTerm, ...]:
    """The requirements of a selector; ValueError where it can't be read."""
    return tuple(_term(part.strip()) for part in _parts(text)) if text.strip() else ()


def _parts(text: str) -> Iterator[str]:
    """The text between commas that are not in brackets."""
    begin, inside = 0, False
    for position, character in enumerate(text):
        if character in "()":
            inside = character == "("
        elif character == "," and not inside:
            yield text[begin:position]
            begin = position + 1
    yield text[begin:]


def _term(text: str) -> LabelTerm:
    if text.endswith(")"):
        return _set(text)
    for sign in ("!=", "==", "="):
        key, found, value = text.partition(sign)
        if found and key.strip():
            return _checked(text, (key.strip(), "not_in" if sign == "!=" else "in", (value.strip(),)))
    if text.startswith("!"):
        return _checked(text, (text[1:].strip(), "absent", ()))
    return _checked(text, (text, "exists", ()))


def _set(text: str) -> LabelTerm:
    """`key in (a,b)` or `key notin (a,b)`."""
    head, _, values = text[:-1].partition("(")
    words = head.split()
    if len(words) != 2 or words[1] not in ("in", "notin"):
        raise _error(text)
    parts = tuple(value.strip() for value in values.split(","))
    return _checked(text, (words[0], "in" if words[1] == "in" else "not_in", parts))


def _checked(text: str, term: LabelTerm) -> LabelTerm:
    key, _, values = term
    if not _KEY.fullmatch(key) or not all(map(_VALUE.fullmatch, values)):
        raise _error(text)
    return term


def _error(text: str) -> ValueError:
    return ValueError(f"{text[:80]!r} is no label selector: {_FORMS}")
