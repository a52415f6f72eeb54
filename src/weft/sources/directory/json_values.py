"""JSON text to values, and where they stand.

JSON is nearly YAML; it is read on its own because YAML has other rules for tabs and escapes.
"""

import re
from json import JSONDecodeError, JSONDecoder
from typing import Any, Final, NoReturn

import msgspec

from weft.model.fields import FieldPath
from weft.sources.directory.limits import Limits
from weft.sources.directory.text import UnreadableError
from weft.sources.directory.yaml_values import Mark

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")


class _DuplicateError(ValueError):
    """A name that stands twice in one object."""


def parse(text: str, limits: Limits) -> list[tuple[int, Any]]:
    """The lines and values of a text: usually one, but several may follow each other as kubectl allows.

    Raises UnreadableError.
    """
    decoder = JSONDecoder(object_pairs_hook=_fields, parse_constant=_refuse)
    values: list[tuple[int, Any]] = []
    position = _skip(text, 0)
    while position < len(text):
        value, end = _decode(decoder, text, position)
        if len(values) >= limits.documents:
            raise UnreadableError(f"the file holds more than {limits.documents:,} values", *_mark(text, position))
        values.append((_mark(text, position)[0], value))
        position = _skip(text, end)
    return values


def locate(text: str, document: int, path: FieldPath) -> Mark:
    """Where a field or element of a document stands: the deepest part of the path that there is."""
    decoder = JSONDecoder()
    position = _skip(text, 0)
    for _ in range(document):
        position = _skip(text, decoder.raw_decode(text, position)[1])
    place = position
    for part in path:
        found = _enter(decoder, text, position, part)
        if found is None:
            break
        place, position = found
    return _mark(text, place)


def _decode(decoder: JSONDecoder, text: str, position: int) -> tuple[Any, int]:
    try:
        value, end = decoder.raw_decode(text, position)
        if _HALF.search(text, position, end):
            msgspec.json.encode(value)  # raises UnicodeEncodeError for a half that stands alone
        return value, end
    except JSONDecodeError as error:
        raise UnreadableError(f"no JSON: {error.msg}", error.lineno, error.colno) from None
    except RecursionError:
        raise UnreadableError("fields are nested too deep", *_mark(text, position)) from None
    except UnicodeEncodeError:
        message = "a text has half of a character: \\ud800 to \\udfff stand in pairs"
        raise UnreadableError(message, *_mark(text, position)) from None
    except ValueError as error:
        raise UnreadableError(str(error), *_mark(text, position)) from None


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _DuplicateError(f"`{twice[:80]}` stands twice in the same place")
    return fields


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number that JSON has")


def _enter(decoder: JSONDecoder, text: str, position: int, part: str | int) -> tuple[int, int] | None:
    """Positions of a member (its name, or the element) and of its value; None where there is no such member."""
    if text[position] not in "[{" or (text[position] == "[") != isinstance(part, int):
        return None
    number = 0
    position = _skip(text, position + 1)
    while text[position] not in "]}":
        place = position
        key: str | int = number
        if isinstance(part, str):
            key, position = decoder.raw_decode(text, position)
            position = _skip(text, _skip(text, position) + 1)
        if key == part:
            return place, position
        position = _skip(text, decoder.raw_decode(text, position)[1])
        if text[position] == ",":
            position = _skip(text, position + 1)
        number += 1
    return None


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _mark(text: str, position: int) -> Mark:
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)
