"""Frames (RFC 9113, sections 4 and 6): read from bytes in parts of any size, and written."""

from collections.abc import Iterator
from typing import Final

from weft.serve.http2.errors import Code, ConnectionFaultError

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MAX_PAYLOAD: Final = 16_384
"""Bytes in a frame: what every peer takes, and what we take."""

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
HAS_PRIORITY: Final = 0x20

_HEAD: Final = 9
_ID_MASK: Final = 0x7FFFFFFF

Frame = tuple[int, int, int, bytes]
"""Kind, flags, stream and payload."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame as bytes."""
    return head(kind, flags, stream, len(payload)) + payload


def head(kind: int, flags: int, stream: int, length: int) -> bytes:
    """What stands before the payload of a frame."""
    return (length << 48 | kind << 40 | flags << 32 | stream).to_bytes(_HEAD, "big")


def unpadded(flags: int, payload: bytes) -> bytes:
    """The payload of DATA or HEADERS without its padding."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise ConnectionFaultError(Code.PROTOCOL_ERROR, "more padding than payload")
    return payload[1 : len(payload) - payload[0]]


class FrameReader:
    """Takes what a client sends; holds one unfinished frame at most."""

    def __init__(self) -> None:
        self._buffer = b""
        self._preface = False

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now. The preface of the connection comes before them (section 3.4)."""
        data = self._buffer + data if self._buffer else data
        start = 0
        if not self._preface:
            start = self._skip_preface(data)
        size = len(data)
        while self._preface and size - start >= _HEAD:
            number = int.from_bytes(data[start : start + _HEAD], "big")
            length = number >> 48
            if length > MAX_PAYLOAD:
                raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, f"a frame of {length} bytes")
            end = start + _HEAD + length
            if end > size:
                break
            payload = data[start + _HEAD : end]
            start = end
            yield (number >> 40) & 0xFF, (number >> 32) & 0xFF, number & _ID_MASK, payload
        self._buffer = data[start:]

    def _skip_preface(self, data: bytes) -> int:
        if not PREFACE.startswith(data[: len(PREFACE)]):
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "this is no HTTP/2 connection")
        self._preface = len(data) >= len(PREFACE)
        return len(PREFACE) if self._preface else 0
