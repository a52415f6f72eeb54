"""The monitoring port: three pages for whoever reaches it, and nobody who floods it is a burden."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from weft import __version__
from weft.apps.controller import listen_if_free
from weft.serve.http.monitor import MonitorServer
from weft.serve.http2.listener import Entry


@asynccontextmanager
async def monitoring(metrics: Callable[[], bytes] = lambda: b"up 1\n", patience: float = 0.3) -> AsyncIterator[int]:
    server = MonitorServer(metrics, Entry(rate=1_000, connections=2), patience)
    port = server.listen("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.close()
        await asyncio.sleep(0)


async def talk(port: int, sent: bytes) -> bytes:
    """All that is answered until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        return await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def get(port: int, path: str, method: str = "GET") -> bytes:
    return await talk(port, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


async def test_metrics_readiness_and_version_are_served() -> None:
    async with monitoring() as port:
        answer = await get(port, "/metrics?x=1")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"text/plain; version=0.0.4" in answer
        assert answer.endswith(b"\r\n\r\nup 1\n")
        assert (await get(port, "/version")).endswith(__version__.encode())
        assert (await get(port, "/ready")).startswith(b"HTTP/1.1 200 ")
        assert b"up 1" not in await get(port, "/metrics", "HEAD")


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/objects/pods", 404), ("POST", "/metrics", 405)])
async def test_nothing_else_is_served(method: str, path: str, status: int) -> None:
    async with monitoring() as port:
        assert (await get(port, path, method)).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("sent", [b"\x16\x03\x01 hello\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: " + b"b" * 40_000])
async def test_what_is_no_request_is_hung_up_on(sent: bytes) -> None:
    async with monitoring() as port:
        assert await talk(port, sent) == b""
        assert (await get(port, "/ready")).startswith(b"HTTP/1.1 200 ")


async def test_who_says_nothing_is_dropped_and_makes_room() -> None:
    async with monitoring() as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        assert (await get(port, "/ready")).startswith(b"HTTP/1.1 200 ")
        for _, writer in silent:
            writer.close()


async def test_a_failure_of_ours_ends_one_exchange_only(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> bytes:
        raise ZeroDivisionError

    async with monitoring(fail) as port:
        assert await get(port, "/metrics") == b""
        assert (await get(port, "/ready")).startswith(b"HTTP/1.1 200 ")
    assert "the monitoring port failed" in caplog.text


def test_a_port_that_others_have_taken_is_done_without(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        monitor = MonitorServer(lambda: b"")
        listen_if_free(monitor, address)
        monitor.start()
        monitor.close()
    assert f"metrics are on the API's socket only: can't listen on {address}" in caplog.text
