"""Messages of a call: in parts of any size, within the windows of both sides, and what ends it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.serve.http2.carrier import Carrier
from tests.unit.serve.http2.client import POST, Client, message

from weft.serve.http2.call import Call
from weft.serve.http2.errors import Code
from weft.serve.http2.frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    MAX_PAYLOAD,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    FrameReader,
)
from weft.serve.http2.headers import HeaderDecoder, Request
from weft.serve.http2.limits import Limits
from weft.serve.http2.status import INTERNAL, OK, RESOURCE_EXHAUSTED, UNIMPLEMENTED

INITIAL_WINDOW = b"\x00\x04"


@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(1, 200), max_size=8))
def test_messages_come_out_as_they_went_in(messages: list[bytes], sizes: list[int]) -> None:
    client = Client()
    server = client.open()
    data = b"".join(map(message, messages))
    for size in sizes:
        client.send(DATA, 0, 1, data[:size])
        data = data[size:]
    client.send(DATA, END_STREAM, 1, data)
    assert server.messages == messages
    assert server.over


@given(st.integers(0, 40_000), st.lists(st.integers(1, 20_000), max_size=8), st.booleans())
def test_no_window_is_ever_passed_and_nothing_is_lost(size: int, opened: list[int], by_connection: bool) -> None:
    client = Client()
    server = client.open()
    small = 0 if by_connection else 1_000
    client.send(SETTINGS, 0, 0, INITIAL_WINDOW + (small if small else 1_000_000).to_bytes(4, "big"))
    if by_connection:
        client.connection.window = 1_000
    room, got, content = 1_000, b"", bytes(range(256)) * (size // 256 + 1)
    server.call.send((content[: size // 2], content[size // 2 : size]))
    expected = message(content[:size])
    for more in (*opened, 100_000):
        part = client.data()
        assert len(got + part) == min(room, len(expected))
        got += part
        client.widen(0 if by_connection else 1, more)
        room += more
    assert got + client.data() == expected


def test_a_socket_that_is_full_gets_no_more_and_then_the_rest() -> None:
    client = Client()
    server = client.open()
    client.connection.paused = True
    assert not server.call.room
    server.call.send((b"a" * 50_000,))
    assert client.data() == b""
    client.connection.paused = False
    client.connection.resume()
    assert client.data() == message(b"a" * 50_000)
    assert server.call.room
    assert server.drains == 1


def test_what_waits_is_kept_by_reference() -> None:
    client = Client()
    server = client.open()
    client.connection.paused = True
    shared = bytes(100_000)
    server.call.send((shared, b"own"))
    assert any(piece.obj is shared for piece in server.call._pending)


def test_the_status_follows_what_was_sent() -> None:
    client = Client()
    server = client.open()
    client.send(SETTINGS, 0, 0, INITIAL_WINDOW + (3).to_bytes(4, "big"))
    server.call.send((b"abc",))
    server.call.finish(OK)
    frames = client.frames()
    assert (END_STREAM, 1) not in {(flags & END_STREAM, stream) for _, flags, stream, _ in frames}
    client.widen(1, 100)
    kinds = [(kind, flags) for kind, flags, stream, _ in client.frames() if stream == 1]
    assert kinds == [(DATA, 0), (HEADERS, END_HEADERS | END_STREAM), (RST_STREAM, 0)]
    assert not client.connection.calls


def test_a_call_that_is_not_let_in_gets_its_status_at_once() -> None:
    client = Client(accept=False)
    server = client.open()
    server.call.finish(INTERNAL, "100 % bad\nnews: ü")
    (block,) = [payload for kind, _, _, payload in client.frames() if kind == HEADERS]
    fields = dict(HeaderDecoder(1_000).decode(block))
    assert fields[":status"] == "200"
    assert fields["grpc-status"] == "13"
    assert fields["grpc-message"] == "100 %25 bad%0Anews: %C3%BC"


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"\x01\x00\x00\x00\x01a", UNIMPLEMENTED), (b"\x00\x7f\xff\xff\xff", RESOURCE_EXHAUSTED)],
)
def test_messages_that_are_compressed_or_too_large_end_the_call(data: bytes, status: int) -> None:
    client = Client(Limits(message=1_000))
    server = client.open()
    client.frames()
    client.send(DATA, 0, 1, data)
    (block,) = [payload for kind, _, _, payload in client.frames() if kind == HEADERS]
    assert dict(HeaderDecoder(1_000).decode(block))["grpc-status"] == str(status)
    assert server.messages == []


def test_a_caller_who_is_not_let_in_can_send_no_more_than_the_first_window() -> None:
    client = Client(accept=False)
    server = client.open()
    for _ in range(4):
        client.send(DATA, 0, 1, bytes(16_000))
    assert not [frame for frame in client.frames() if frame[0] == WINDOW_UPDATE and frame[2] == 1]
    client.send(DATA, 0, 1, bytes(2_000))
    assert client.goaway() == Code.FLOW_CONTROL_ERROR
    assert client.closed
    assert server.call.half_closed


def test_a_caller_who_was_let_in_may_send_large_messages() -> None:
    client = Client()
    server = client.open()
    data = message(bytes(300_000))
    for start in range(0, len(data), 16_000):
        client.send(DATA, 0, 1, data[start : start + 16_000])
    assert [len(each) for each in server.messages] == [300_000]


def test_messages_wait_while_the_call_is_held() -> None:
    client = Client(accept=False)
    server = client.open()
    client.send(DATA, 0, 1, message(b"one") + message(b"two"))

    class First:
        def received(self, first: bytes) -> None:
            assert first == b"one"
            server.call.hold()

        def drained(self) -> None: ...

        def ended(self) -> None: ...

    server.call.accept(First())
    assert server.messages == []
    client.send(DATA, END_STREAM, 1, message(b"three"))
    server.call.accept(server)
    assert server.messages == [b"two", b"three"]
    assert server.over


def test_a_reset_ends_the_call_for_both() -> None:
    client = Client()
    server = client.open()
    client.connection.paused = True
    server.call.send((bytes(100_000),))
    client.connection.paused = False
    server.call.reset(Code.CANCEL)
    assert client.resets() == {1: Code.CANCEL}
    assert server.over
    assert not server.call.stuck
    server.call.send((b"more",))
    server.call.finish(OK)
    assert client.frames() == []


def test_a_caller_who_goes_is_noticed() -> None:
    client = Client()
    servers = [client.open(stream) for stream in (1, 3)]
    client.send(RST_STREAM, 0, 1, Code.CANCEL.to_bytes(4, "big"))
    assert [server.over for server in servers] == [True, False]
    client.connection.lose()
    assert [server.over for server in servers] == [True, True]


@pytest.mark.parametrize("length", ["5", "7"])
def test_a_content_length_that_is_not_kept_ends_the_call(length: str) -> None:
    client = Client()
    client.open(fields=(*POST, ("content-length", length)))
    client.send(DATA, END_STREAM, 1, b"\x00" * 6)
    assert client.resets() == {1: Code.PROTOCOL_ERROR}


def test_a_large_message_is_handed_over_in_few_pieces_of_whole_frames() -> None:
    """Each piece is a call of the system and of TLS."""
    carrier, size = Carrier(), 300_000
    call = Call(carrier, 1, Request("POST", "/x", (), None), peer="", window=1_000_000, max_message=1)
    call.send((bytes(size // 2), bytes(size // 2)))
    assert len(carrier.sent) <= 5
    reader = FrameReader()
    list(reader.feed(PREFACE))
    payloads = [payload for sent in carrier.sent for _, _, _, payload in reader.feed(sent)]
    assert b"".join(payloads) == message(bytes(size))
    assert [len(payload) for payload in payloads[:-1]] == [MAX_PAYLOAD] * (len(payloads) - 1)
