"""Protobuf's wire format, read without building messages: only what a load client needs of discovery responses.

Source: protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator
from typing import Final

_VARINT: Final = 0
_FIXED64: Final = 1
_BYTES: Final = 2
_FIXED32: Final = 5
_CONTINUES: Final = 0x80

Span = tuple[int, int, int, int]
"""A field that holds bytes: its number, where its tag begins, and begin and end of its content."""


class WireError(ValueError):
    """Bytes that are no protobuf message."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Returns the number that begins at a place, and the place behind it. Raises WireError."""
    number = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < _CONTINUES:
            return number, at
        shift += 7
    raise WireError("a number has no end")


def spans(data: bytes, at: int = 0) -> Iterator[Span]:
    """Yields the fields of a message that hold bytes, texts or messages; others are passed over. Raises WireError."""
    size = len(data)
    while at < size:
        begin = at
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == _BYTES:
            length, at = varint(data, at)
            yield tag >> 3, begin, at, at + length
            at += length
        elif kind == _VARINT:
            _, at = varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise WireError(f"there is no wire type {kind}")
    if at != size:
        raise WireError("a field is longer than its message")


def content(data: bytes, field: int) -> bytes:
    """Returns the content of the first field of a number; empty if there is none. Raises WireError."""
    return next((data[start:end] for number, _, start, end in spans(data) if number == field), b"")
