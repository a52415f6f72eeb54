"""weft.node.grpc_health: the health check as a real gRPC server understands it."""

import asyncio
from collections.abc import Callable

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.node.grpc_health import HealthReader, request

SERVING = b"\x08\x01"
NOT_SERVING = b"\x08\x02"


class Health(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers Health/Check by the service's name; the messages are raw bytes."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if details.method != "/grpc.health.v1.Health/Check":
            return None
        return grpc.unary_unary_rpc_method_handler(self._check)

    async def _check(self, message: bytes, context: grpc.aio.ServicerContext) -> bytes:
        answers = {b"": SERVING, b"\x0a\x04shop": SERVING, b"\x0a\x04sick": NOT_SERVING}
        if message not in answers:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return answers[message]


async def ask(port: int, service: str) -> bool | None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request(f"127.0.0.1:{port}", service))
    health = HealthReader()
    while health.verdict is None:
        health.receive(await reader.read(4096))
    writer.close()
    return health.verdict


@pytest.mark.parametrize(("service", "verdict"), [("", True), ("shop", True), ("sick", False), ("unknown", False)])
async def test_a_grpc_server_is_understood(service: str, verdict: bool) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Health(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        assert await ask(port, service) is verdict
    finally:
        await server.stop(None)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


ANSWERS: list[tuple[bytes, bool]] = [
    (
        frame(4, 0, 0, b"") + frame(1, 4, 1, b"\x88") + frame(0, 0, 1, b"\0\0\0\0\x02" + SERVING) + frame(1, 5, 1, b""),
        True,
    ),
    (frame(0, 8, 1, b"\x03\0\0\0\0\x02" + SERVING + b"\0\0\0") + frame(1, 5, 1, b""), True),
    (frame(0, 1, 1, b"\0\0\0\0\x02" + NOT_SERVING), False),
    (frame(1, 5, 1, b"\x88"), False),
    (frame(7, 0, 0, b"\0" * 8), False),
    (frame(3, 0, 1, b"\0" * 4), False),
]


@given(st.sampled_from(ANSWERS), st.integers(1, 7))
def test_the_verdict_does_not_depend_on_how_bytes_are_split(answer: tuple[bytes, bool], size: int) -> None:
    data, verdict = answer
    health = HealthReader()
    for start in range(0, len(data), size):
        assert health.verdict is None
        health.receive(data[start : start + size])
    assert health.verdict is verdict


@given(st.binary(max_size=200))
def test_no_bytes_ever_break_the_reader(data: bytes) -> None:
    health = HealthReader()
    health.receive(data)
    health.receive(b"")
    assert health.verdict is not None


@pytest.mark.parametrize("make", [lambda: request("h:1", "x" * 128), lambda: request("h" * 127, "")])
def test_what_does_not_fit_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(ValueError, match="too long"):
        make()
