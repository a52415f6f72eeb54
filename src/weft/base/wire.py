"""Protobuf's wire format, as far as it is needed to write messages of which there are many, and to join messages that
are bytes already.

A field of kind "length-delimited" is its tag, its length and its bytes, and a repeated field is only several of them in
a row (protobuf.dev/programming-guides/encoding): joining bytes costs a fiftieth of building and serializing the parent
message.
"""

from collections.abc import Mapping
from functools import lru_cache
from struct import pack
from typing import Any

_VARINT = 0
_FIXED_64 = 1
_LENGTH_DELIMITED = 2

_LARGEST = 2**32


@lru_cache(maxsize=16_384)  # lengths and tags repeat
def varint(number: int) -> bytes:
    """Returns a number from 0 on as base 128 varint, least significant group first; ValueError for others."""
    if number < 0:
        raise ValueError(f"{number} is less than 0")
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


@lru_cache(maxsize=16_384)
def _head(field: int, length: int) -> bytes:
    return varint(field << 3 | _LENGTH_DELIMITED) + varint(length)


def bytes_field(field: int, value: bytes) -> bytes:
    """Returns a field that holds bytes, a string or a message; `field` is its number in the .proto file."""
    return _head(field, len(value)) + value


def string_field(field: int, text: str) -> bytes:
    """Returns a string field; nothing for the empty string, which is proto3's default."""
    value = text.encode()
    return _head(field, len(value)) + value if value else b""


@lru_cache(maxsize=16_384)  # ports, weights and states repeat
def number_field(field: int, number: int) -> bytes:
    """Returns a field of uint32, bool or an enum; nothing for 0, which is proto3's default.

    ValueError for a number that a uint32 does not hold.
    """
    if number >= _LARGEST:
        raise ValueError(f"{number} takes more than 32 bits")
    return varint(field << 3 | _VARINT) + varint(number) if number else b""


def map_field(field: int, values: Mapping[str, bytes]) -> bytes:
    """Returns a map of messages, sorted by key: each entry is a message of its own, the key 1 and the value 2."""
    entries = (string_field(1, key) + bytes_field(2, value) for key, value in sorted(values.items()))
    return b"".join([bytes_field(field, entry) for entry in entries])


def plain_struct(values: Mapping[str, Any]) -> bytes:
    """Returns a google.protobuf.Struct of plain JSON values."""
    return map_field(1, {key: _value(value) for key, value in values.items()})


def _value(value: Any) -> bytes:
    """A google.protobuf.Value: a oneof, so that the kind that is set is written even where it is empty."""
    if isinstance(value, str):
        return bytes_field(3, value.encode())
    if isinstance(value, bool):
        return varint(4 << 3 | _VARINT) + varint(value)
    if isinstance(value, int | float):
        return varint(2 << 3 | _FIXED_64) + pack("<d", value)
    if isinstance(value, Mapping):
        return bytes_field(5, plain_struct(value))
    if value is None:
        return varint(1 << 3 | _VARINT) + varint(0)
    return bytes_field(6, b"".join([bytes_field(1, _value(each)) for each in value]))
