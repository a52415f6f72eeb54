"""The load client's HTTP/2: frames in any pieces, flow control both ways, and why a call ended."""

import struct

import pytest
from benchmarks.ads.http2 import PREFACE, WINDOW, Call, CallEndedError, frame, header_block
from hypothesis import given
from hypothesis import strategies as st

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
HEAD = 9


def call() -> Call:
    """A call whose begin is written."""
    made = Call([(":path", "/a")])
    made.outgoing.clear()
    return made


def message(content: bytes) -> bytes:
    return b"\0" + len(content).to_bytes(4, "big") + content


def frames(data: bytes) -> list[tuple[int, int, int, bytes]]:
    found = []
    while data:
        size = int.from_bytes(data[:3], "big")
        found.append((data[3], data[4], int.from_bytes(data[5:9], "big"), bytes(data[HEAD : HEAD + size])))
        data = data[HEAD + size :]
    return found


def sent(made: Call) -> bytes:
    """What DATA frames in `outgoing` carry."""
    return b"".join(payload for kind, _, _, payload in frames(bytes(made.outgoing)) if kind == DATA)


def test_a_connection_begins_with_preface_settings_and_the_call() -> None:
    data = bytes(Call([(":path", "/a")]).outgoing)
    assert data.startswith(PREFACE)
    kinds = [kind for kind, _, _, _ in frames(data[len(PREFACE) :])]
    assert kinds == [SETTINGS, WINDOW_UPDATE, HEADERS]


def test_headers_are_literals_with_their_lengths() -> None:
    assert header_block([("te", "trailers")]) == b"\x00\x02te\x08trailers"
    long = header_block([("a", "b" * 300)])
    assert long == b"\x00\x01a\x7f" + bytes((0x80 | (300 - 127) & 0x7F, (300 - 127) >> 7)) + b"b" * 300


@given(st.lists(st.binary(max_size=300), max_size=6), st.integers(1, 64), st.integers(1, 64))
def test_messages_come_whole_however_they_are_cut(contents: list[bytes], piece: int, chunk: int) -> None:
    stream = b"".join(map(message, contents))
    data = b"".join(frame(DATA, 0, 1, stream[at : at + piece]) for at in range(0, len(stream), piece))
    made, found = call(), list[bytes]()
    for at in range(0, len(data), chunk):
        found += made.receive(data[at : at + chunk])
    assert found == contents


def test_padding_is_no_content() -> None:
    assert call().receive(frame(DATA, 0x8, 1, b"\x02" + message(b"abc") + b"\0\0")) == [b"abc"]


def test_the_server_may_send_on_before_its_window_is_used_up() -> None:
    made, got = call(), 0
    while got < WINDOW // 2:
        made.receive(frame(DATA, 0, 1, message(b"x" * 16_000)))
        got += 16_005
    more = [int.from_bytes(payload, "big") for kind, _, _, payload in frames(bytes(made.outgoing))]
    streams = [stream for _, _, stream, _ in frames(bytes(made.outgoing))]
    assert streams[:2] == [0, 1]
    assert more[0] == more[1] >= WINDOW // 4


def test_no_more_is_sent_than_the_server_allows() -> None:
    made = call()
    made.send(b"y" * 100_000)
    assert len(sent(made)) == 65_535
    made.receive(frame(WINDOW_UPDATE, 0, 0, (20_000).to_bytes(4, "big")))
    assert len(sent(made)) == 65_535
    made.receive(frame(WINDOW_UPDATE, 0, 1, (10_000).to_bytes(4, "big")))
    assert len(sent(made)) == 75_535
    made.receive(frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 2**20)))
    assert len(sent(made)) == 85_535
    made.receive(frame(WINDOW_UPDATE, 0, 0, (2**20).to_bytes(4, "big")))
    assert sent(made) == message(b"y" * 100_000)


def test_settings_and_pings_are_answered() -> None:
    made = call()
    made.receive(frame(SETTINGS, 0, 0, b"") + frame(PING, 0, 0, b"12345678") + frame(PING, 1, 0, b"87654321"))
    assert frames(bytes(made.outgoing)) == [(SETTINGS, 1, 0, b""), (PING, 1, 0, b"12345678")]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (frame(HEADERS, 0x5, 1, b"\x00\x0bgrpc-status\x027\x00\x00\x07not you"), "stream: not you$"),
        (frame(RST_STREAM, 0, 1, (8).to_bytes(4, "big")), "error 8"),
        (frame(GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\x0btoo many pings"), "too many pings"),
        (frame(DATA, 0x1, 1, b""), "without a status"),
        (frame(DATA, 0, 1, b"\x01\0\0\0\x01a"), "compressed"),
    ],
)
def test_an_end_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(CallEndedError, match=reason):
        call().receive(data)


def test_a_connection_that_is_to_be_replaced_goes_on() -> None:
    goaway = frame(GOAWAY, 0, 0, b"\0\0\0\x01\0\0\0\0max_age")
    assert call().receive(goaway + frame(DATA, 0, 1, message(b"abc"))) == [b"abc"]
