"""The payload of SETTINGS frames (RFC 9113, section 6.5)."""

import struct
from collections.abc import Iterator, Mapping
from typing import Final

from weft.serve.http2.errors import Code, ConnectionFaultError
from weft.serve.http2.windows import MAX_WINDOW

ENABLE_PUSH: Final = 0x2
MAX_CONCURRENT_STREAMS: Final = 0x3
INITIAL_WINDOW_SIZE: Final = 0x4
MAX_FRAME_SIZE: Final = 0x5
MAX_HEADER_LIST_SIZE: Final = 0x6

_ENTRY: Final = struct.Struct(">HI")
_FRAME_SIZES: Final = range(16_384, 1 << 24)


def encode_settings(settings: Mapping[int, int]) -> bytes:
    """Settings as a payload."""
    return b"".join(_ENTRY.pack(number, value) for number, value in settings.items())


def decode_settings(payload: bytes) -> Iterator[tuple[int, int]]:
    """The settings of a payload in their order, each checked; unknown ones too, which mean nothing."""
    if len(payload) % _ENTRY.size:
        raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, "a part of a setting")
    for number, value in _ENTRY.iter_unpack(payload):
        if number == ENABLE_PUSH and value > 1:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "ENABLE_PUSH is neither 0 nor 1")
        if number == INITIAL_WINDOW_SIZE and value > MAX_WINDOW:
            raise ConnectionFaultError(Code.FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is too large")
        if number == MAX_FRAME_SIZE and value not in _FRAME_SIZES:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "MAX_FRAME_SIZE is out of range")
        yield number, value
