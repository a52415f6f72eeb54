"""The gRPC health check (https://github.com/grpc/grpc/blob/master/doc/health-checking.md) as bytes; pure.

A probe's connection must be made inside of a pod's network namespace, which a gRPC library does not let us do. One
unary call is small enough to write out: HTTP/2 frames (RFC 9113), literal headers (RFC 7541, section 6.2.2), one
protobuf field. The answer is known from its data frame alone: an error has none.
"""

from typing import Final

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _GOAWAY = 0x0, 0x1, 0x3, 0x4, 0x7
_END_STREAM, _END_HEADERS, _PADDED = 0x1, 0x4, 0x8
_STREAM: Final = 1
_FRAME_HEAD: Final = 9
_MESSAGE_HEAD: Final = 5
_SERVICE_FIELD: Final = 0x0A
_STATUS_FIELD: Final = 0x08
_SERVING: Final = 1
_LIMIT: Final = 64 * 1024


def request(authority: str, service: str) -> bytes:
    """All that the client sends: `Health/Check` for a service ("" is the whole server).

    Raises ValueError for a name that is too long.
    """
    headers = (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    )
    name = service.encode()
    if len(name) > 127:
        raise ValueError(f"{service!r} is too long for the name of a gRPC service: at most 127 bytes")
    message = bytes((_SERVICE_FIELD, len(name))) + name if name else b""
    block = b"".join(b"\x00" + _literal(key) + _literal(value) for key, value in headers)
    return b"".join(
        (
            _PREFACE,
            _frame(_SETTINGS, 0, 0, b""),
            _frame(_HEADERS, _END_HEADERS, _STREAM, block),
            _frame(_DATA, _END_STREAM, _STREAM, b"\x00" + len(message).to_bytes(4) + message),
        )
    )


def _literal(text: str) -> bytes:
    """A short string of HPACK without Huffman coding (RFC 7541, section 5.2)."""
    raw = text.encode()
    if len(raw) > 126:
        raise ValueError(f"{text!r} is too long for a header of a health check: at most 126 bytes")
    return bytes((len(raw),)) + raw


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


class HealthReader:
    """Takes what the server sends, in parts of any size, until the verdict is known."""

    def __init__(self) -> None:
        self._buffer = b""
        self._message = b""
        self.verdict: bool | None = None
        """Whether the service is serving; None as long as that is not known."""

    def receive(self, data: bytes) -> None:
        """Takes bytes; none means that the server has closed the connection."""
        self._buffer += data
        if not data or len(self._buffer) > _LIMIT:
            self.verdict = self._is_serving()
            return
        while self.verdict is None and (frame := self._next_frame()) is not None:
            self._take(*frame)

    def _next_frame(self) -> tuple[int, int, int, bytes] | None:
        """Kind, flags, stream and payload of the next whole frame."""
        if len(self._buffer) < _FRAME_HEAD:
            return None
        end = _FRAME_HEAD + int.from_bytes(self._buffer[:3])
        if len(self._buffer) < end:
            return None
        head, payload = self._buffer[:_FRAME_HEAD], self._buffer[_FRAME_HEAD:end]
        self._buffer = self._buffer[end:]
        return head[3], head[4], int.from_bytes(head[5:]) & 0x7FFFFFFF, payload

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _DATA and stream == _STREAM:
            self._message += payload[1 : len(payload) - payload[0]] if flags & _PADDED and payload else payload
        ended = stream == _STREAM and kind in (_DATA, _HEADERS) and flags & _END_STREAM
        if ended or kind == _GOAWAY or (stream == _STREAM and kind == _RST_STREAM):
            self.verdict = self._is_serving()

    def _is_serving(self) -> bool:
        """HealthCheckResponse{status: SERVING}, in a message that is not compressed."""
        return self._message == b"\x00\x00\x00\x00\x02" + bytes((_STATUS_FIELD, _SERVING))
