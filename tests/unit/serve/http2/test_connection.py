"""What RFC 9113 asks of a connection (h2spec asks for more: tests/e2e/xds/test_h2spec.py), and what floods cost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serve.http2.client import POST, Client, message

from weft.serve.http2.errors import Code
from weft.serve.http2.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    frame,
)
from weft.serve.http2.headers import encode_headers
from weft.serve.http2.limits import Limits

CANCEL = Code.CANCEL.to_bytes(4, "big")


def test_settings_are_acknowledged_and_pings_are_answered() -> None:
    client = Client()
    client.send(SETTINGS, 0, 0, b"\x00\x99\x00\x00\x00\x01")
    client.send(PING, 0, 0, b"12345678")
    client.send(PING, ACK, 0, b"12345678")
    assert client.frames() == [(SETTINGS, ACK, 0, b""), (PING, ACK, 0, b"12345678")]


def test_bytes_may_come_one_by_one() -> None:
    client = Client(greet=False)
    data = PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1, encode_headers(POST))
    data += frame(DATA, 0, 1, message(b"hello"))
    for number in data:
        client.connection.receive(bytes((number,)))
    assert client.servers[0].messages == [b"hello"]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", Code.PROTOCOL_ERROR),
        (PREFACE + frame(PING, 0, 0, bytes(8)), Code.PROTOCOL_ERROR),
        (PREFACE + frame(SETTINGS, ACK, 0), Code.PROTOCOL_ERROR),
        (PREFACE + frame(SETTINGS, 0, 0, bytes(5)), Code.FRAME_SIZE_ERROR),
    ],
)
def test_what_is_no_greeting_ends_the_connection(sent: bytes, code: Code) -> None:
    client = Client(greet=False)
    client.connection.receive(sent)
    assert client.goaway() == code
    assert client.closed


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(DATA, 0, 0, b"x"), Code.PROTOCOL_ERROR),
        (frame(DATA, 0, 9, b"x"), Code.PROTOCOL_ERROR),
        (frame(DATA, PADDED, 1, b"\x05xx"), Code.PROTOCOL_ERROR),
        (frame(HEADERS, END_HEADERS, 2, encode_headers(POST)), Code.PROTOCOL_ERROR),
        (frame(HEADERS, END_HEADERS, 3, b"\xff\xff\xff\xff"), Code.COMPRESSION_ERROR),
        (frame(HEADERS, 0, 3) + frame(PING, 0, 0, bytes(8)), Code.PROTOCOL_ERROR),
        (frame(CONTINUATION, 0, 1), Code.PROTOCOL_ERROR),
        (frame(PRIORITY, 0, 1, bytes(4)), Code.FRAME_SIZE_ERROR),
        (frame(PRIORITY, 0, 1, b"\x00\x00\x00\x01\x00"), Code.PROTOCOL_ERROR),
        (frame(RST_STREAM, 0, 7, CANCEL), Code.PROTOCOL_ERROR),
        (frame(SETTINGS, 0, 1), Code.PROTOCOL_ERROR),
        (frame(SETTINGS, 0, 0, b"\x00\x04\xff\xff\xff\xff"), Code.FLOW_CONTROL_ERROR),
        (frame(SETTINGS, 0, 0, b"\x00\x05\x00\x00\x00\x01"), Code.PROTOCOL_ERROR),
        (frame(PUSH_PROMISE, 0, 1), Code.PROTOCOL_ERROR),
        (frame(PING, 0, 0, bytes(7)), Code.FRAME_SIZE_ERROR),
        (frame(GOAWAY, 0, 1, bytes(8)), Code.PROTOCOL_ERROR),
        (frame(WINDOW_UPDATE, 0, 0, bytes(4)), Code.PROTOCOL_ERROR),
        (frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), Code.FLOW_CONTROL_ERROR),
        (b"\xff\xff\xff" + bytes(6), Code.FRAME_SIZE_ERROR),
    ],
)
def test_what_breaks_the_protocol_ends_the_connection_and_all_calls(sent: bytes, code: Code) -> None:
    client = Client()
    server = client.open()
    client.connection.receive(sent)
    assert client.goaway() == code
    assert client.closed
    assert server.over


@pytest.mark.parametrize(
    "fields",
    [
        POST[1:],
        (*POST, (":path", "/again")),
        (*POST, ("Upper", "x")),
        (*POST, ("connection", "close")),
        (*POST, ("te", "gzip")),
        ((":method", "POST"), (":scheme", "http"), (":path", "")),
        (*POST, ("content-length", "-1")),
    ],
)
def test_a_request_that_is_none_ends_its_stream_only(fields: tuple[tuple[str, str], ...]) -> None:
    client = Client()
    server = client.open()
    client.open(3, fields)
    assert client.resets() == {3: Code.PROTOCOL_ERROR}
    assert len(client.servers) == 1
    assert not server.over


def test_headers_may_come_in_parts() -> None:
    client = Client()
    block = encode_headers(POST)
    client.send(HEADERS, END_STREAM, 1, block[:5])
    client.send(CONTINUATION, 0, 1, block[5:9])
    client.send(CONTINUATION, END_HEADERS, 1, block[9:])
    assert client.servers[0].call.request.path == "/s/m"
    assert client.servers[0].over


def test_more_streams_than_allowed_are_refused() -> None:
    client = Client(Limits(streams=2))
    for stream in (1, 3, 5):
        client.open(stream)
    assert client.resets() == {5: Code.REFUSED_STREAM}
    assert len(client.servers) == 2


def test_a_connection_that_is_left_goes_on_with_its_calls_and_takes_no_others() -> None:
    client = Client()
    server = client.open()
    client.connection.leave()
    client.open(3).call.finish(0)
    client.connection.leave_now()
    client.frames()
    client.open(5)
    assert client.resets() == {5: Code.REFUSED_STREAM}
    client.send(DATA, 0, 1, message(b"still here"))
    assert server.messages == [b"still here"]
    server.call.finish(0)
    assert client.closed


# floods

SMALL = Limits(overhead=100.0, overhead_rate=10.0)

FLOODS = {
    "pings": frame(PING, 0, 0, bytes(8)),
    "answers to pings": frame(PING, ACK, 0, bytes(8)),
    "settings": frame(SETTINGS, 0, 0),
    "priorities": frame(PRIORITY, 0, 1, bytes(5)),
    "windows": frame(WINDOW_UPDATE, 0, 1, b"\x00\x00\x00\x01"),
    "empty data": frame(DATA, 0, 1),
    "data behind the end": frame(DATA, 0, 3, b"x"),
    "unknown frames": frame(0x77, 0, 0),
}


@pytest.mark.parametrize("sent", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_frames_without_data_ends_the_connection(sent: bytes) -> None:
    client = Client(SMALL)
    client.open()
    client.open(3)
    client.send(RST_STREAM, 0, 3, CANCEL)
    count = 0
    while not client.closed:
        client.connection.receive(sent)
        count += 1
    assert client.goaway() == Code.ENHANCE_YOUR_CALM
    assert 40 < count <= 101


def test_streams_that_are_opened_and_reset_again_and_again_end_the_connection() -> None:
    """CVE-2023-44487, "rapid reset"."""
    client = Client(SMALL)
    for stream in range(1, 1_000, 2):
        client.open(stream)
        client.send(RST_STREAM, 0, stream, CANCEL)
        if client.closed:
            break
    assert client.goaway() == Code.ENHANCE_YOUR_CALM
    assert len(client.servers) <= 51
    assert all(server.over for server in client.servers)


def test_an_honest_client_may_do_the_same_slowly() -> None:
    client = Client(SMALL)
    for _ in range(500):
        client.now += 0.2
        client.send(PING, 0, 0, bytes(8))
    assert not client.closed


def test_a_client_that_is_sent_much_may_widen_its_window_as_often() -> None:
    client = Client(SMALL)
    server = client.open()
    for _ in range(500):
        server.call.send((bytes(10_000),))
        for stream in (0, 1):
            client.widen(stream, 10_007)
    assert not client.closed


def test_headers_that_never_end_do_not_pile_up() -> None:
    """CVE-2024-27316, a flood of CONTINUATION frames."""
    for part in (b"", b"\x00\x01a\x01b" * 500):
        client = Client()
        client.send(HEADERS, 0, 1, part)
        for _ in range(20):
            client.send(CONTINUATION, 0, 1, part)
            if client.closed:
                break
        assert client.goaway() == Code.ENHANCE_YOUR_CALM


def test_headers_that_unpack_to_much_more_than_they_are_end_the_connection() -> None:
    client = Client()
    big = b"\x40\x01a" + b"\x7f\x81\x1e" + b"b" * 4_000  # a literal with indexing, then references to it
    client.send(HEADERS, END_HEADERS, 1, big + b"\xbe" * 4_000)
    assert client.goaway() == Code.ENHANCE_YOUR_CALM


def test_a_client_that_asks_and_does_not_read_the_answers_is_let_go() -> None:
    client = Client(Limits(unread=1_000))
    client.connection.paused = True
    for _ in range(200):
        client.send(PING, 0, 0, bytes(8))
        if client.closed:
            break
    assert client.closed


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.integers(0, 10), st.integers(0, 255), st.integers(0, 7), st.binary(max_size=40)), max_size=12
    ),
    st.binary(max_size=20),
)
def test_whatever_comes_the_connection_stands_or_is_closed_with_a_reason(
    frames: list[tuple[int, int, int, bytes]], rest: bytes
) -> None:
    client = Client()
    client.open()
    client.frames()
    for kind, flags, stream, payload in frames:
        client.send(kind, flags, stream, payload)
    client.connection.receive(rest)
    assert (client.goaway() is not None) == client.closed
    if client.closed:
        assert not client.connection.calls
