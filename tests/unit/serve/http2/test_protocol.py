"""Connections over real sockets: TLS, back-pressure, and how they come in and go."""

import asyncio
import gc
import ssl
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest
from tests.unit.serve.http2.client import POST, message

from weft.identity.issue import issue_server
from weft.identity.signer import self_signed
from weft.serve.ca.serving import tls_context
from weft.serve.http2 import protocol
from weft.serve.http2.call import Call
from weft.serve.http2.frames import (
    DATA,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    SETTINGS,
    WINDOW_UPDATE,
    Frame,
    FrameReader,
    frame,
)
from weft.serve.http2.headers import encode_headers
from weft.serve.http2.listener import Entry
from weft.serve.http2.protocol import Times
from weft.serve.http2.tls import Tls
from weft.serve.transport import SecureServer, ServerSettings

NOW = datetime.now(UTC)
WIDE = (0x7FFFFFFF - 65_535).to_bytes(4, "big")


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to this")


class Echo:
    """Answers each message with itself, as often as there is room, `times` at most."""

    def __init__(self, call: Call, times: int = 1) -> None:
        self.call = call
        self.left = 0
        self.times = times
        call.accept(self)

    def received(self, message: bytes) -> None:
        self.message, self.left = message, self.times
        self.drained()

    def drained(self) -> None:
        while self.left and self.call.room:
            self.left -= 1
            self.call.send((self.message,))

    def ended(self) -> None:
        self.call.finish(0)


class Peer:
    """A client that reads only when it is asked to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.frames = FrameReader()
        list(self.frames.feed(PREFACE))
        self.waiting: list[Frame] = []

    def call(self, content: bytes = b"") -> None:
        opening = PREFACE + frame(SETTINGS, 0, 0, b"\x00\x04\x7f\xff\xff\xff") + frame(WINDOW_UPDATE, 0, 0, WIDE)
        self.writer.write(opening + frame(HEADERS, END_HEADERS, 1, encode_headers(POST)))
        for start in range(0, len(content), 16_000):
            self.writer.write(frame(DATA, 0, 1, content[start : start + 16_000]))

    async def next(self, kind: int) -> bytes | None:
        """The payload of the next frame of a kind; None at the end."""
        async with asyncio.timeout(5):
            while True:
                while self.waiting:
                    found, flags, _, payload = self.waiting.pop(0)
                    if found == kind and not (kind == SETTINGS and flags):
                        return payload
                data = await self.reader.read(65_536)
                if not data:
                    return None
                self.waiting += self.frames.feed(data)


class Setting:
    """A server with a certificate of its own; `times` is how often a message comes back."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.echoes: list[Echo] = []
        self.port = 0
        self.peers: list[Peer] = []

    def opened(self, call: Call) -> None:
        self.echoes.append(Echo(call, self.times))

    async def connect(self, alpn: str | None = "h2") -> Peer:
        """Connects by TLS; in plaintext without `alpn`."""
        if alpn is None:
            return self.peer(*await asyncio.open_connection("127.0.0.1", self.port))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols([alpn])
        return self.peer(*await asyncio.open_connection("127.0.0.1", self.port, ssl=context))

    def peer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Peer:
        self.peers.append(Peer(reader, writer))
        return self.peers[-1]


@asynccontextmanager
async def serving(
    settings: ServerSettings | None = None, *, times: int = 1
) -> AsyncIterator[tuple[Setting, SecureServer]]:
    setting = Setting(times)
    context = tls_context(issue_server(self_signed("td", NOW), ["127.0.0.1"], NOW))
    server = SecureServer({"/s/m": setting.opened}, settings or ServerSettings())
    setting.port = server.listen("127.0.0.1:0", lambda: context)
    await server.start()
    try:
        yield setting, server
    finally:
        await server.stop(0)
        for peer in setting.peers:
            peer.writer.transport.abort()
        await asyncio.sleep(0)


@pytest.mark.parametrize("size", [0, 5, 16_384, 500_000])
async def test_messages_of_any_size_go_through_tls_both_ways(size: int) -> None:
    async with serving() as (setting, _):
        peer = await setting.connect()
        content = message(bytes(range(256)) * (size // 256) + bytes(size % 256))
        peer.call(content)
        got = b""
        while len(got) < len(content):
            got += await peer.next(DATA) or b""
        assert got == content


async def test_who_does_not_speak_http2_is_let_go() -> None:
    async with serving() as (setting, _):
        with suppress(OSError):
            other = await setting.connect("http/1.1")
            assert await other.next(SETTINGS) is None
        plain = await setting.connect(None)
        plain.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await plain.reader.read() != b"never"
        assert setting.echoes == []


async def test_a_client_that_does_not_read_costs_little_and_gets_all_in_the_end() -> None:
    """Its socket takes some MB, we keep some kB; the rest was never made."""
    async with serving(times=400) as (setting, _):
        peer = await setting.connect()
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        peer.call(message(bytes(100_000)))
        await until(lambda: not (not setting.echoes or setting.echoes[0].left == 0 or setting.echoes[0].call.room))
        await asyncio.sleep(0.1)
        assert setting.echoes[0].left > 200
        peer.reader._transport.resume_reading()  # type: ignore[attr-defined]
        got = 0
        while got < 400 * 100_005:
            got += len(await peer.next(DATA) or b"")
        assert setting.echoes[0].left == 0


async def test_a_client_that_says_goodbye_is_gone_at_once_whatever_it_is_told_then() -> None:
    async with serving() as (setting, server):
        peer = await setting.connect()
        peer.call()
        await until(lambda: bool(setting.echoes))
        peer.writer.close()
        await until(lambda: not server._crowd.open)
        call = setting.echoes[0].call
        assert call.half_closed
        call.send((b"late",))
        call.finish(0)


async def test_a_silent_client_is_asked_and_let_go_if_it_does_not_answer() -> None:
    times = Times(keepalive=0.05, answer=0.05, idle=0.1)
    async with serving(ServerSettings(times=times)) as (setting, server):
        peer = await setting.connect()
        peer.call()
        assert await peer.next(PING) == bytes(8)
        assert await peer.next(PING) is None
        assert not server._crowd.open


async def test_a_connection_without_calls_and_one_that_never_shakes_hands_end() -> None:
    times = Times(handshake=0.1, idle=0.1)
    async with serving(ServerSettings(times=times)) as (setting, _):
        mute, idle = await setting.connect(None), await setting.connect()
        idle.writer.write(PREFACE + frame(SETTINGS, 0, 0))
        assert await idle.next(GOAWAY) is not None
        assert await mute.next(SETTINGS) is None


async def test_an_old_connection_takes_no_new_calls_and_keeps_the_open_ones() -> None:
    async with serving(ServerSettings(times=Times(age=0.1))) as (setting, _):
        peer = await setting.connect()
        peer.call()
        assert (await peer.next(GOAWAY) or b"")[:4] == b"\x7f\xff\xff\xff"
        assert (await peer.next(GOAWAY) or b"")[:4] == b"\x00\x00\x00\x01"
        peer.writer.write(frame(DATA, 0, 1, message(b"here")))
        assert await peer.next(DATA) == message(b"here")


async def test_connections_come_in_at_a_bounded_rate() -> None:
    async with serving(ServerSettings(entry=Entry(rate=50.0, at_once=2))) as (setting, _):
        started = asyncio.get_running_loop().time()
        await asyncio.gather(*(setting.connect() for _ in range(20)))
        assert asyncio.get_running_loop().time() - started >= 0.3


async def test_there_is_room_for_so_many_connections_only() -> None:
    async with serving(ServerSettings(entry=Entry(connections=2))) as (setting, _):
        first, _ = await setting.connect(), await setting.connect()
        third = asyncio.create_task(setting.connect())
        await asyncio.sleep(0.2)
        assert not third.done()
        first.writer.close()
        await asyncio.wait_for(third, 2)


async def test_a_client_that_is_told_to_go_and_does_not_read_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "_GRACE", 0.1)
    async with serving(times=1_000) as (setting, server):
        peer = await setting.connect()
        peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
        peer.call(message(bytes(100_000)))
        await until(lambda: not (not setting.echoes or setting.echoes[0].call.room))
        peer.writer.write(frame(PING, 0, 0, b"short"))
        await until(lambda: not (server._crowd.open))


async def test_what_is_no_grpc_call_and_what_nobody_serves_is_refused() -> None:
    async with serving() as (setting, _):
        for fields in (POST[:3], (*POST[:2], (":path", "/other"), POST[3])):
            peer = await setting.connect()
            opening = PREFACE + frame(SETTINGS, 0, 0)
            peer.writer.write(opening + frame(HEADERS, END_HEADERS, 1, encode_headers(fields)))
            assert b"grpc-status" in (await peer.next(HEADERS) or b"")
        assert setting.echoes == []


async def test_a_connection_that_ended_holds_no_memory() -> None:
    """It goes round in no circle: thousands that come back would wait for the garbage collector."""
    async with serving() as (setting, server):
        peer = await setting.connect()
        peer.call(message(b"x"))
        await peer.next(DATA)
        (protocol,) = server._crowd.open
        connection = weakref.ref(protocol._connection)
        del protocol
        setting.echoes.clear()
        gc.collect()
        gc.disable()
        try:
            peer.writer.transport.abort()
            async with asyncio.timeout(5):
                await server._crowd.emptied()
            await asyncio.sleep(0.01)
            assert connection() is None
        finally:
            gc.enable()


async def test_what_is_answered_together_goes_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed: list[int] = []
    seal = Tls.seal

    def counted(tls: Tls, data: bytes) -> bytes:
        sealed.append(len(data))
        return seal(tls, data)

    monkeypatch.setattr(Tls, "seal", counted)
    async with serving() as (setting, _):
        peer = await setting.connect()
        peer.call(b"".join(message(bytes([number])) for number in range(50)))
        for _ in range(50):
            await peer.next(DATA)
    assert len(sealed) < 10, "a record of TLS, and a call of the system, for several messages"
