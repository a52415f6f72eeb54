"""One gRPC call: messages in and out over a stream of a connection, within the windows of both sides."""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol
from urllib.parse import quote

from weft.serve.http2.errors import Code, StreamFaultError
from weft.serve.http2.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    MAX_PAYLOAD,
    RST_STREAM,
    WINDOW_UPDATE,
    frame,
    head,
)
from weft.serve.http2.headers import Request, encode_headers
from weft.serve.http2.intake import Intake
from weft.serve.http2.status import RESOURCE_EXHAUSTED, UNIMPLEMENTED
from weft.serve.http2.windows import DEFAULT_WINDOW, MAX_WINDOW, ReceiveWindow

_HEADERS: Final = encode_headers(((":status", "200"), ("content-type", "application/grpc")))
_PREFIX: Final = 5
_LONG: Final = DEFAULT_WINDOW // 2
"""Bytes of a message that comes in its turn (`intake`). Shorter ones always have room: a window that is half used up is
opened."""

_AT_ONCE: Final = 4 * MAX_PAYLOAD
"""Bytes of messages that are handed to the socket together: fewer copies, calls of the system, and records of TLS."""

_MAX_DETAIL: Final = 1_024
_UNESCAPED: Final = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


class Receiver(Protocol):
    """Who serves a call. It may answer from within each of these."""

    def received(self, message: bytes) -> None:
        """Takes a message of the caller."""

    def drained(self) -> None:
        """There may be room for another message."""

    def ended(self) -> None:
        """The caller says no more, or is gone."""


class Carrier(Protocol):
    """What a call needs of its connection: whether the socket is `paused`, the `window` that is left, and the `intake`
    of long messages."""

    paused: bool
    window: int
    intake: Intake

    def send(self, data: bytes, size: int = 0) -> None:
        """Sends frames, `size` bytes of which count for the connection's window."""

    def done(self, stream: int) -> None:
        """Forgets the call."""


class Call:
    """A call. Of its messages nothing is read beyond the first window before it is accepted.

    `peer` is the caller's IP address, `window` what it takes at first, `max_message` the bytes of a message to us.
    """

    def __init__(
        self, carrier: Carrier, stream: int, request: Request, *, peer: str, window: int, max_message: int
    ) -> None:
        self.request = request
        self.peer = peer
        self.half_closed = False
        self._carrier = carrier
        self._stream = stream
        self._window = window
        self._max_message = max_message
        self._incoming = ReceiveWindow(DEFAULT_WINDOW)
        self._buffer = bytearray()
        self._unread = 0
        self._long = False
        self._expected = request.length
        self._receiver: Receiver | None = None
        self._pending: deque[memoryview] = deque()
        self._trailers = b""
        self._opened = False
        self._over = False

    # what the caller sends

    def accept(self, receiver: Receiver) -> None:
        """Lets the caller in: its messages go to `receiver` from now on."""
        if self._over:
            receiver.ended()
            return
        self._receiver = receiver
        if not self._opened:
            self._opened = True
            self._carrier.send(frame(HEADERS, END_HEADERS, self._stream, _HEADERS))
        self._deliver()
        if self.half_closed:
            self._tell_end()

    def hold(self) -> None:
        """Hands over no more messages before the call is accepted again."""
        self._receiver = None

    @property
    def kept_waiting(self) -> bool:
        """Whether it is not the caller's fault that nothing more comes."""
        return self._long and self._carrier.intake.keeps_waiting(self)

    @property
    def gathered(self) -> int:
        """Bytes of a message that is not complete, or not read."""
        return len(self._buffer)

    def take_data(self, data: bytes, size: int) -> None:
        """Takes the payload of a DATA frame; `size` is what it counts for."""
        self._incoming.take(size)
        self._unread += size
        if self._expected is not None:
            self._expected -= len(data)
            if self._expected < 0:
                raise StreamFaultError(self._stream, Code.PROTOCOL_ERROR)
        if self._receiver is None or self._buffer or not self._take_whole(data):
            self._buffer += data
            if self._receiver is not None:
                self._deliver()

    def take_end(self) -> None:
        """The caller has sent all."""
        if self._expected:
            raise StreamFaultError(self._stream, Code.PROTOCOL_ERROR)
        self.half_closed = True
        self._tell_end()

    def lost(self) -> None:
        """The caller is gone, or has reset the stream."""
        self._over = True
        self._pending.clear()
        self._drop_incoming()
        if not self.half_closed:
            self.half_closed = True
            self._tell_end()
        self._receiver = None

    def _tell_end(self) -> None:
        if self._receiver is not None:
            self._receiver.ended()

    def _deliver(self) -> None:
        """Hands over what messages are complete, and lets as many bytes come again as came."""
        start = 0
        while self._receiver is not None and (length := self._next_length(start)) is not None:
            start += _PREFIX + length
            self._receiver.received(self._message(start - length, start))
        del self._buffer[:start]
        self.let_more_come()

    def _take_whole(self, data: bytes) -> bool:
        """Hands over a message that comes alone, as answers do; False if this is none."""
        length = len(data) - _PREFIX
        if length < 0 or data[0] or length > self._max_message or int.from_bytes(data[1:_PREFIX], "big") != length:
            return False
        assert self._receiver is not None
        self._receiver.received(data[_PREFIX:])
        self.let_more_come()
        return True

    def let_more_come(self) -> None:
        """Opens the window by what came, unless a long message has to wait for its turn."""
        if self._receiver is None:  # it holds, or is gone
            return
        if (self._buffer or self._long) and not self._has_turn():
            return
        opened = self._incoming.consume(self._unread)
        self._unread = 0
        if opened and not self.half_closed and not self._over:
            self._carrier.send(frame(WINDOW_UPDATE, 0, self._stream, opened.to_bytes(4, "big")))

    def _has_turn(self) -> bool:
        """Whether more may come. The next message may be a long one, and one that was may be complete."""
        if len(self._buffer) >= _PREFIX and self._length_at(0) > _LONG:
            self._long = True
            return self._carrier.intake.enter(self)
        self._end_turn()
        return True

    def _end_turn(self) -> None:
        if self._long:
            self._long = False
            self._carrier.intake.leave(self)

    def _drop_incoming(self) -> None:
        self._buffer.clear()
        self._end_turn()

    def _length_at(self, start: int) -> int:
        return int.from_bytes(self._buffer[start + 1 : start + _PREFIX], "big")

    def _message(self, start: int, end: int) -> bytes:
        with memoryview(self._buffer) as view:
            return bytes(view[start:end])

    def _next_length(self, start: int) -> int | None:
        """The length of the complete message at `start`; None if there is none."""
        if self._over or len(self._buffer) - start < _PREFIX:
            return None
        length = self._length_at(start)
        if self._buffer[start]:
            self.finish(UNIMPLEMENTED, "compressed messages are not read")
        elif length > self._max_message:
            self.finish(RESOURCE_EXHAUSTED, f"a message has {length} bytes; {self._max_message} are allowed")
        elif len(self._buffer) - start >= _PREFIX + length:
            return length
        return None

    # what the caller gets

    @property
    def room(self) -> bool:
        """Whether another message can be sent without being kept here."""
        return not self._pending and not self._carrier.paused and not self._over

    @property
    def stuck(self) -> bool:
        """Whether something waits to be sent."""
        return bool(self._pending)

    def send(self, pieces: tuple[bytes, ...]) -> None:
        """Sends a message, given in pieces. What there is no window for is kept, by reference, until there is."""
        if self._over:
            return
        length = sum(map(len, pieces))
        prefix = b"\x00" + length.to_bytes(4, "big")
        size = _PREFIX + length
        if size <= min(MAX_PAYLOAD, self._window, self._carrier.window) and self.room:
            self._window -= size
            self._carrier.send(b"".join((head(DATA, 0, self._stream, size), prefix, *pieces)), size)
        else:
            self._pending.extend(memoryview(piece) for piece in (prefix, *pieces) if piece)
            self._flush()

    def finish(self, status: int, message: str = "") -> None:
        """Ends the call with a status of gRPC, behind all that was sent."""
        if self._over or self._trailers:
            return
        fields = [("grpc-status", str(status))]
        if message:
            fields.append(("grpc-message", quote(message[:_MAX_DETAIL], safe=_UNESCAPED)))
        block = (b"" if self._opened else _HEADERS) + encode_headers(fields)
        self._trailers = frame(HEADERS, END_HEADERS | END_STREAM, self._stream, block)
        self._receiver = None
        self._drop_incoming()
        self._flush()

    def reset(self, code: Code) -> None:
        """Ends the call now; what was not sent yet never is."""
        if not self._over:
            self._carrier.send(frame(RST_STREAM, 0, self._stream, code.to_bytes(4, "big")))
            self._carrier.done(self._stream)
            self.lost()

    def widen(self, by: int) -> None:
        """Moves the window for what we send: it may become negative, and must not become too wide."""
        self._window += by
        if self._window > MAX_WINDOW:
            raise StreamFaultError(self._stream, Code.FLOW_CONTROL_ERROR)

    def resume(self) -> None:
        """Goes on after the socket or a window was full."""
        self._flush()
        if self.room and self._receiver is not None:
            self._receiver.drained()

    def _flush(self) -> None:
        while self._pending and not self._carrier.paused:
            left = min(_AT_ONCE, self._window, self._carrier.window)
            if left <= 0:
                return
            pieces: list[bytes | memoryview] = []
            sent = 0
            while sent < left and self._pending:
                sent += self._add_frame(pieces, min(MAX_PAYLOAD, left - sent))
            self._window -= sent
            self._carrier.send(b"".join(pieces), sent)
        if self._trailers and not self._pending and not self._over:
            self._end()

    def _add_frame(self, pieces: list[bytes | memoryview], room: int) -> int:
        """Adds a frame with up to `room` bytes of what waits; returns how many."""
        place, left = len(pieces), room
        while left and self._pending:
            piece = self._pending.popleft()
            if len(piece) > left:
                self._pending.appendleft(piece[left:])
                piece = piece[:left]
            left -= len(piece)
            pieces.append(piece)
        pieces.insert(place, head(DATA, 0, self._stream, room - left))
        return room - left

    def _end(self) -> None:
        """Sends the trailers; a caller who has not sent all is told not to (RFC 9113, section 8.1)."""
        self._over = True
        stop = b"" if self.half_closed else frame(RST_STREAM, 0, self._stream, Code.NO_ERROR.to_bytes(4, "big"))
        self._carrier.send(self._trailers + stop)
        self._carrier.done(self._stream)
