"""One call of gRPC over one connection of HTTP/2, as a client: bytes in, messages out. No I/O.

It speaks only what a discovery stream needs: one stream, headers without compression, flow control both ways.
Sources: RFC 9113 (HTTP/2), RFC 7541 (HPACK), and gRPC's "gRPC over HTTP2".
"""

import re
import struct
from collections.abc import Sequence
from typing import Final

WINDOW: Final = 16 * 2**20
"""Bytes that the server may send ahead, by stream and by connection."""

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_ACK, _END_STREAM, _END_HEADERS, _PADDED = 0x1, 0x1, 0x4, 0x8
_INITIAL_WINDOW_SIZE: Final = 4
_DEFAULT_WINDOW: Final = 65_535
_FRAME_HEAD: Final = 9
_MESSAGE_HEAD: Final = 5
_LARGEST_FRAME: Final = 16_384
_STREAM: Final = 1
_TEXT: Final = re.compile(rb"[ -~]{4,}")
_USUAL: Final = (":status", "content-type", "application/grpc", "grpc-status", "grpc-message")

Header = tuple[str, str]


class CallEndedError(Exception):
    """The server ended the call, or broke the protocol; the message holds what can be read of its reasons."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Returns a frame."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def header_block(headers: Sequence[Header]) -> bytes:
    """Returns headers as literals that nobody indexes: the same bytes on every connection."""
    return b"".join(b"\x00" + _text(name) + _text(value) for name, value in headers)


def _text(value: str) -> bytes:
    """A string literal without Huffman coding: its length has a prefix of 7 bits (RFC 7541, 5.1)."""
    data = value.encode()
    if len(data) < 0x7F:
        return bytes((len(data),)) + data
    rest, length = len(data) - 0x7F, bytearray(b"\x7f")
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    length.append(rest)
    return bytes(length) + data


class Call:
    """The state of a connection and its only call. What is to be written gathers in `outgoing`."""

    def __init__(self, headers: Sequence[Header]) -> None:
        settings = struct.pack(">HIHI", 2, 0, _INITIAL_WINDOW_SIZE, WINDOW)  # no pushes
        more = (WINDOW - _DEFAULT_WINDOW).to_bytes(4, "big")
        self.outgoing = bytearray(PREFACE + frame(_SETTINGS, 0, 0, settings) + frame(_WINDOW_UPDATE, 0, 0, more))
        self.outgoing += frame(_HEADERS, _END_HEADERS, _STREAM, header_block(headers))
        self._unread = b""
        self._message = bytearray()
        self._unsent = bytearray()
        self._consumed = 0
        self._initial_window = self._stream_window = self._connection_window = _DEFAULT_WINDOW

    def send(self, message: bytes) -> None:
        """Sends a message, as far as the server's windows allow; the rest follows when they do."""
        self._unsent += b"\0" + len(message).to_bytes(4, "big") + message
        self._flush()

    def receive(self, incoming: bytes | memoryview) -> list[bytes]:
        """Takes what came in; returns the messages that are whole now. Raises CallEndedError."""
        data = memoryview(self._unread + incoming if self._unread else incoming)
        at, size = 0, len(data)
        while size - at >= _FRAME_HEAD:
            length = int.from_bytes(data[at : at + 3], "big")
            if length > _LARGEST_FRAME:
                raise CallEndedError(f"a frame of {length} bytes")
            end = at + _FRAME_HEAD + length
            if end > size:
                break
            kind, flags, stream = data[at + 3], data[at + 4], int.from_bytes(data[at + 5 : at + 9], "big")
            payload = data[at + _FRAME_HEAD : end]
            if kind == _DATA:
                self._data(payload, flags)
            else:
                self._control(kind, flags, stream, bytes(payload))
            at = end
        self._unread = bytes(data[at:])
        return self._messages()

    def _data(self, payload: memoryview, flags: int) -> None:
        self._consumed += len(payload)
        if flags & _PADDED:
            payload = payload[1 : len(payload) - payload[0]]
        self._message += payload
        if flags & _END_STREAM:
            raise CallEndedError("the stream ended without a status")
        if self._consumed >= WINDOW // 4:
            more = self._consumed.to_bytes(4, "big")
            self.outgoing += frame(_WINDOW_UPDATE, 0, 0, more) + frame(_WINDOW_UPDATE, 0, _STREAM, more)
            self._consumed = 0

    def _messages(self) -> list[bytes]:
        found: list[bytes] = []
        gathered = self._message
        while len(gathered) >= _MESSAGE_HEAD:
            end = _MESSAGE_HEAD + int.from_bytes(gathered[1:_MESSAGE_HEAD], "big")
            if len(gathered) < end:
                break
            if gathered[0]:
                raise CallEndedError("a compressed message")
            with memoryview(gathered) as view:
                found.append(bytes(view[_MESSAGE_HEAD:end]))
            del gathered[:end]
        return found

    def _control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _SETTINGS and not flags & _ACK:
            self._settings(payload)
        elif kind == _PING and not flags & _ACK:
            self.outgoing += frame(_PING, _ACK, 0, payload)
        elif kind == _WINDOW_UPDATE:
            self._window_update(stream, int.from_bytes(payload, "big"))
        elif kind == _HEADERS and flags & _END_STREAM:
            raise CallEndedError(f"the server ended the stream: {_readable(payload)}")
        elif kind == _RST_STREAM:
            raise CallEndedError(f"the server reset the stream: error {int.from_bytes(payload, 'big')}")
        elif kind == _GOAWAY and int.from_bytes(payload[4:8], "big"):
            raise CallEndedError(f"the server goes away: {_readable(payload)}")

    def _settings(self, payload: bytes) -> None:
        for name, value in struct.iter_unpack(">HI", payload):
            if name == _INITIAL_WINDOW_SIZE:
                self._stream_window += value - self._initial_window
                self._initial_window = value
        self.outgoing += frame(_SETTINGS, _ACK, 0)
        self._flush()

    def _window_update(self, stream: int, more: int) -> None:
        if stream:
            self._stream_window += more
        else:
            self._connection_window += more
        self._flush()

    def _flush(self) -> None:
        while self._unsent:
            size = min(len(self._unsent), _LARGEST_FRAME, self._stream_window, self._connection_window)
            if size <= 0:
                return
            self.outgoing += frame(_DATA, 0, _STREAM, bytes(self._unsent[:size]))
            del self._unsent[:size]
            self._stream_window -= size
            self._connection_window -= size


def _readable(data: bytes) -> str:
    """The texts in bytes that are not decoded: good enough to tell why a call failed."""
    words = (found.decode() for found in _TEXT.findall(data))
    return " ".join(word for word in words if word not in _USUAL) or "no reason that can be read"
