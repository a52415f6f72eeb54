"""The server side of one HTTP/2 connection as a state machine: bytes in, frames out, calls opened. No I/O."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Struct

from weft.serve.http2 import settings
from weft.serve.http2.call import Call
from weft.serve.http2.errors import Code, ConnectionFaultError, StreamFaultError
from weft.serve.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HAS_PRIORITY,
    HEADERS,
    MAX_PAYLOAD,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    FrameReader,
    frame,
    unpadded,
)
from weft.serve.http2.headers import BadHeadersError, Fields, HeaderDecoder, check_fields, read_request
from weft.serve.http2.intake import Intake
from weft.serve.http2.limits import DEFAULT_LIMITS, Allowance, Limits
from weft.serve.http2.windows import DEFAULT_WINDOW, MAX_WINDOW, ReceiveWindow

_WINDOW: Final = 1024 * 1024
"""Bytes that all calls of a connection may send us before we have looked at them."""

_REMEMBERED: Final = 64
"""Streams whose end we remember, so that late frames of them are told from nonsense."""

_PRIORITY_SIZE: Final = 5


class Output(Protocol):
    """The socket of a connection."""

    def write(self, data: bytes) -> None:
        """Takes what is to be sent."""

    def close(self) -> None:
        """Closes the socket once that is sent."""


class _HeaderBlock(Struct):
    """Headers that are not complete."""

    stream: int
    ended: bool
    data: bytes
    frames: int = 1


class Connection:
    """A connection. `opened` is called with each new call, `peer` is the client's IP address.

    `paused` is to be set while the socket has no room; call `resume` after it was unset. The `intake` is that of all
    connections of a server.
    """

    def __init__(
        self,
        output: Output,
        opened: Callable[[Call], None],
        peer: str = "",
        limits: Limits = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.monotonic,
        *,
        intake: Intake | None = None,
    ) -> None:
        self.intake = intake or Intake()
        self.paused = False
        self.window = DEFAULT_WINDOW
        self.calls: dict[int, Call] = {}
        self._output = output
        self._opened = opened
        self._peer = peer
        self._limits = limits
        self._reader = FrameReader()
        self._decoder = HeaderDecoder(limits.header_list)
        self._allowance = Allowance(limits, clock)
        self._incoming = ReceiveWindow(_WINDOW)
        self._first_window = DEFAULT_WINDOW
        self._block: _HeaderBlock | None = None
        self._last = 0
        self._ended: deque[int] = deque(maxlen=_REMEMBERED)
        self._greeted = False
        self._leaving = False
        self._closed = False
        self._unread = 0

    # the connection as a whole

    def start(self) -> None:
        """Sends our settings."""
        ours = {
            settings.MAX_CONCURRENT_STREAMS: self._limits.streams,
            settings.MAX_HEADER_LIST_SIZE: self._limits.header_list,
        }
        more = (_WINDOW - DEFAULT_WINDOW).to_bytes(4, "big")
        self.send(frame(SETTINGS, 0, 0, settings.encode_settings(ours)) + frame(WINDOW_UPDATE, 0, 0, more))

    def receive(self, data: bytes) -> None:
        """Takes bytes of the client. One that breaks the protocol or passes a limit is told so, and let go."""
        try:
            for kind, flags, stream, payload in self._reader.feed(data):
                if self._closed:
                    return
                self._take_frame(kind, flags, stream, payload)
        except ConnectionFaultError as fault:
            self.fail(fault.code, str(fault))

    def resume(self) -> None:
        """Goes on after the socket was full."""
        self._unread = 0
        self._resume_calls()

    def ping(self) -> None:
        """Asks whether the client is there; any answer will do."""
        self.send(frame(PING, 0, 0, bytes(8)))

    def leave(self) -> None:
        """Says that no new calls are taken; open ones go on. The client may not have heard yet: see `leave_now`."""
        if not self._leaving:
            self.send(self._farewell(MAX_WINDOW, Code.NO_ERROR))

    def leave_now(self) -> None:
        """Takes no new calls any more, and closes after the last one."""
        if not self._leaving:
            self._leaving = True
            self.send(self._farewell(self._last, Code.NO_ERROR))
            self._close_if_done()

    def fail(self, code: Code, message: str) -> None:
        """Closes the connection and tells why."""
        if not self._closed:
            self._output.write(self._farewell(self._last, code, message))
            self.lose()
            self._output.close()

    def lose(self) -> None:
        """Ends all calls: the client is gone."""
        self._closed = True
        calls, self.calls = self.calls, {}
        for call in calls.values():
            call.lost()

    def _farewell(self, last: int, code: Code, message: str = "") -> bytes:
        return frame(GOAWAY, 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big") + message.encode())

    # what calls need (`call.Carrier`)

    def send(self, data: bytes, size: int = 0) -> None:
        """As in `call.Carrier`."""
        if self._closed:
            return
        if size:
            self.window -= size
            self._allowance.earn(self._limits.overhead_for_data * -(-size // MAX_PAYLOAD))
        elif self.paused:
            self._unread += len(data)
            if self._unread > self._limits.unread:
                self.fail(Code.ENHANCE_YOUR_CALM, "answers are not read")
                return
        self._output.write(data)

    def done(self, stream: int) -> None:
        """As in `call.Carrier`."""
        if self.calls.pop(stream, None) is not None:
            self._ended.append(stream)
            self._close_if_done()

    def _close_if_done(self) -> None:
        if self._leaving and not self.calls and not self._closed:
            self._closed = True
            self._output.close()

    def _resume_calls(self) -> None:
        for call in tuple(self.calls.values()):
            call.resume()

    # frames

    def _take_frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if self._block is not None and (kind != CONTINUATION or stream != self._block.stream):
            raise _broken("headers are not complete")
        if not self._greeted and (kind != SETTINGS or flags & ACK):
            raise _broken("settings must come first")
        take = _TAKE.get(kind)
        if kind != DATA:
            self._allowance.spend()
        if take is not None:
            try:
                take(self, flags, stream, payload)
            except StreamFaultError as fault:
                self._reset(fault)

    def _reset(self, fault: StreamFaultError) -> None:
        call = self.calls.get(fault.stream)
        if call is not None:
            call.reset(fault.code)
        else:
            self.send(frame(RST_STREAM, 0, fault.stream, fault.code.to_bytes(4, "big")))

    def _take_data(self, flags: int, stream: int, payload: bytes) -> None:
        data = unpadded(flags, payload)
        if not data and not flags & END_STREAM:
            self._allowance.spend()
        self._incoming.take(len(payload))
        opened = self._incoming.consume(len(payload))
        if opened:
            self.send(frame(WINDOW_UPDATE, 0, 0, opened.to_bytes(4, "big")))
        call = self._open_call(stream)
        call.take_data(data, len(payload))
        if flags & END_STREAM:
            call.take_end()

    def _open_call(self, stream: int) -> Call:
        """The call that a stream carries, if more of it may come."""
        self._require_known(stream)
        call = self.calls.get(stream)
        if call is None or call.half_closed:
            self._allowance.spend()
            raise StreamFaultError(stream, Code.STREAM_CLOSED)
        return call

    def _require_known(self, stream: int) -> None:
        if stream == 0 or stream > self._last:
            raise _broken(f"there is no stream {stream}")

    def _take_headers(self, flags: int, stream: int, payload: bytes) -> None:
        if stream % 2 == 0:
            raise _broken("a client's streams have odd numbers")
        block = unpadded(flags, payload)
        if flags & HAS_PRIORITY:
            _check_priority(stream, block[:_PRIORITY_SIZE])
            block = block[_PRIORITY_SIZE:]
        self._collect(_HeaderBlock(stream, bool(flags & END_STREAM), block), flags)

    def _take_continuation(self, flags: int, _: int, payload: bytes) -> None:
        if self._block is None:
            raise _broken("nothing is to be continued")
        self._block.data += payload
        self._block.frames += 1
        self._collect(self._block, flags)

    def _collect(self, block: _HeaderBlock, flags: int) -> None:
        if len(block.data) > self._limits.header_block or block.frames > self._limits.header_frames:
            raise ConnectionFaultError(Code.ENHANCE_YOUR_CALM, "headers are too large")
        self._block = None if flags & END_HEADERS else block
        if flags & END_HEADERS:
            self._take_fields(block.stream, self._decoder.decode(block.data), block.ended)

    def _take_fields(self, stream: int, fields: Fields, ended: bool) -> None:
        if stream in self._ended:
            raise ConnectionFaultError(Code.STREAM_CLOSED, "headers of a stream that has ended")
        if stream in self.calls:
            self._trailers(stream, fields, ended)
        else:
            self._open(stream, fields, ended)

    def _trailers(self, stream: int, fields: Fields, ended: bool) -> None:
        call = self._open_call(stream)
        try:
            check_fields(fields)
        except BadHeadersError:
            ended = False
        if not ended:
            raise StreamFaultError(stream, Code.PROTOCOL_ERROR)
        call.take_end()

    def _open(self, stream: int, fields: Fields, ended: bool) -> None:
        if stream <= self._last:
            raise _broken("streams must have rising numbers")
        self._last = stream
        if self._leaving or len(self.calls) >= self._limits.streams:
            raise StreamFaultError(stream, Code.REFUSED_STREAM)
        try:
            request = read_request(fields)
        except BadHeadersError:
            raise StreamFaultError(stream, Code.PROTOCOL_ERROR) from None
        call = Call(self, stream, request, peer=self._peer, window=self._first_window, max_message=self._limits.message)
        self.calls[stream] = call
        self._opened(call)
        if ended:
            call.take_end()

    def _take_priority(self, _: int, stream: int, payload: bytes) -> None:
        if stream == 0:
            raise _broken("a connection has no priority")
        _check_priority(stream, payload)

    def _take_rst_stream(self, _: int, stream: int, payload: bytes) -> None:
        _check_size(payload, 4)
        self._require_known(stream)
        call = self.calls.pop(stream, None)
        if call is not None:
            self._ended.append(stream)
            call.lost()
            self._close_if_done()

    def _take_settings(self, flags: int, stream: int, payload: bytes) -> None:
        if stream:
            raise _broken("settings are the connection's")
        if flags & ACK:
            _check_size(payload, 0)
            return
        for number, value in settings.decode_settings(payload):
            if number == settings.INITIAL_WINDOW_SIZE:
                self._widen_all(value - self._first_window)
                self._first_window = value
        self._greeted = True
        self.send(frame(SETTINGS, ACK, 0))
        self._resume_calls()

    def _widen_all(self, by: int) -> None:
        try:
            for call in self.calls.values():
                call.widen(by)
        except StreamFaultError as fault:  # what a setting breaks is the connection (section 6.9.2)
            raise ConnectionFaultError(fault.code, "a window is too wide") from fault

    def _take_push_promise(self, *_: object) -> None:
        raise _broken("clients do not push")

    def _take_ping(self, flags: int, stream: int, payload: bytes) -> None:
        if stream:
            raise _broken("pings are the connection's")
        _check_size(payload, 8)
        if not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))

    def _take_goaway(self, _: int, stream: int, payload: bytes) -> None:
        """The client goes when its calls have ended: it closes the connection itself."""
        if stream or len(payload) < 8:
            raise _broken("a farewell is the connection's")

    def _take_window_update(self, _: int, stream: int, payload: bytes) -> None:
        _check_size(payload, 4)
        by = int.from_bytes(payload, "big") & MAX_WINDOW
        if stream == 0:
            self._widen(by)
            return
        self._require_known(stream)
        call = self.calls.get(stream)
        if not by:
            raise StreamFaultError(stream, Code.PROTOCOL_ERROR)
        if call is not None:
            call.widen(by)
            call.resume()

    def _widen(self, by: int) -> None:
        if not by:
            raise _broken("a window that is not opened")
        self.window += by
        if self.window > MAX_WINDOW:
            raise ConnectionFaultError(Code.FLOW_CONTROL_ERROR, "the window is too wide")
        self._resume_calls()


_TAKE: Final[dict[int, Callable[[Connection, int, int, bytes], None]]] = {
    DATA: Connection._take_data,
    HEADERS: Connection._take_headers,
    PRIORITY: Connection._take_priority,
    RST_STREAM: Connection._take_rst_stream,
    SETTINGS: Connection._take_settings,
    PUSH_PROMISE: Connection._take_push_promise,
    PING: Connection._take_ping,
    GOAWAY: Connection._take_goaway,
    WINDOW_UPDATE: Connection._take_window_update,
    CONTINUATION: Connection._take_continuation,
}
"""What becomes of a frame. The table is no part of a connection: it would go round in a circle."""


def _broken(message: str) -> ConnectionFaultError:
    return ConnectionFaultError(Code.PROTOCOL_ERROR, message)


def _check_size(payload: bytes, size: int) -> None:
    if len(payload) != size:
        raise ConnectionFaultError(Code.FRAME_SIZE_ERROR, f"{len(payload)} bytes instead of {size}")


def _check_priority(stream: int, payload: bytes) -> None:
    """Priorities mean nothing to us; a stream that depends on itself is an error (RFC 7540, section 5.3.1)."""
    _check_size(payload, _PRIORITY_SIZE)
    if int.from_bytes(payload[:4], "big") & MAX_WINDOW == stream:
        raise _broken("a stream depends on itself")
