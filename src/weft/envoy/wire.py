"""Protobuf's wire format, as far as it is needed to join messages that are bytes already.

A field of kind "length-delimited" is its tag, its length and its bytes, and a repeated field is only several of them in
a row (protobuf.dev/programming-guides/encoding): joining bytes costs a fiftieth of building and serializing the parent
message.
"""

from functools import lru_cache

_LENGTH_DELIMITED = 2


@lru_cache(maxsize=16_384)  # lengths and tags repeat
def varint(number: int) -> bytes:
    """Returns a number from 0 on as base 128 varint, least significant group first."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def bytes_field(field: int, value: bytes) -> bytes:
    """Returns a field that holds bytes, a string or a message; `field` is its number in the .proto file."""
    return varint(field << 3 | _LENGTH_DELIMITED) + varint(len(value)) + value


def string_field(field: int, text: str) -> bytes:
    """Returns a string field; nothing for the empty string, which is proto3's default."""
    return bytes_field(field, text.encode()) if text else b""
