"""weft.node.forwarding: ports inside become ports outside, and bytes go both ways to their ends."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, cast

import pytest

from weft.node import forwarding
from weft.node.foreign_sockets import SocketMaker
from weft.node.forwarding import OWN_PORTS, Forward, Forwarder, outside_port, stored_forwards, turn


class Here:
    """Makes sockets where we are: inside and outside are one machine, told apart by address."""

    pid = os.getpid()

    def make(self, _: str) -> socket.socket:
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> dict[int, str]:
    """What is open inside."""
    found: dict[int, str] = {}
    monkeypatch.setattr(forwarding, "listening_ports", lambda _: dict(found))
    monkeypatch.setattr(forwarding, "_LOOK", 0.01)
    return found


@asynccontextmanager
async def running(file: Path, address: str = "127.0.0.2") -> AsyncIterator[None]:
    work = asyncio.create_task(Forwarder(cast(SocketMaker, Here()), address, file).run())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for is a file
            await asyncio.sleep(0.01)


async def test_what_goes_in_comes_out_and_ends_are_passed_on(ports: dict[int, str], tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())  # to the end of what the client says
        writer.close()

    inside = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = inside.sockets[0].getsockname()[1]
    ports[port] = "127.0.0.1"
    file = tmp_path / "forwards.json"
    async with inside, running(file):
        await until(lambda: stored_forwards(file) == (Forward(port, port),))
        reader, writer = await asyncio.open_connection("127.0.0.2", port)
        writer.write(b"a" * 300_000)
        writer.write_eof()
        assert await reader.read() == b"A" * 300_000
        writer.close()


async def test_a_port_that_is_closed_inside_is_closed_outside(ports: dict[int, str], tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as inside:
        port = inside.getsockname()[1]
        ports[port] = "127.0.0.1"
        file = tmp_path / "forwards.json"
        async with running(file):
            await until(lambda: stored_forwards(file))
            ports.clear()
            await until(lambda: not stored_forwards(file))
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.2", port)


async def test_a_taken_port_is_said_and_tried_again(ports: dict[int, str], tmp_path: Path) -> None:
    file = tmp_path / "forwards.json"
    with closing(socket.create_server(("127.0.0.2", 0))) as other:
        port = other.getsockname()[1]
        ports[port] = "127.0.0.1"
        async with running(file):
            await until(lambda: stored_forwards(file))
            (forward,) = stored_forwards(file)
            assert forward.remark == (
                f"port {port} of the mesh can't be reached from outside: 127.0.0.2:{port} is taken"
            )
            other.close()
            await until(lambda: stored_forwards(file) == (Forward(port, port),))


async def test_envoys_own_ports_stay_inside(ports: dict[int, str], tmp_path: Path) -> None:
    ports.update(dict.fromkeys(OWN_PORTS, "127.0.0.1"))
    file = tmp_path / "forwards.json"
    async with running(file):
        await until(file.exists)
        assert stored_forwards(file) == ()


def test_ports_that_are_roots_have_another_number_outside() -> None:
    assert [outside_port(port, 1024) for port in (80, 443, 1024, 8080)] == [8080, 8443, 1024, 8080]
    assert outside_port(80, 0) == 80
    assert Forward(8080, 8080).remark == ""
    assert Forward(80, 8080).remark == "port 80 of the mesh is port 8080 outside, as ports below 1024 are root's"


def test_one_forwarder_has_its_turn_at_a_time(tmp_path: Path) -> None:
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        with turn(tmp_path / "lock"):
            os.write(ready[1], b"x")
            os.read(done[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    order = []
    os.write(done[1], b"x")
    with turn(tmp_path / "lock"):
        order.append("ours")
        assert os.waitpid(child, 0)[1] == 0
    assert order == ["ours"]
    for descriptor in (*ready, *done):
        os.close(descriptor)
