"""Our server and gRPC's own client understand each other."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import grpc
import grpc.aio
import pytest

from weft.identity.issue import issue_server
from weft.identity.signer import certificates_pem, self_signed
from weft.serve.ca.serving import tls_context
from weft.serve.callers import RefusedError
from weft.serve.http2.call import Call
from weft.serve.transport import Methods, SecureServer, bearer_token, refuse

NOW = datetime.now(UTC)


class Answers:
    """Answers each message with its length and the token, and the end with a status."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def start(self) -> None:
        self.call.accept(self)

    def received(self, message: bytes) -> None:
        self.call.send((str(len(message)).encode(), b" ", (bearer_token(self.call) or "").encode()))

    def drained(self) -> None: ...

    def ended(self) -> None:
        self.call.finish(0)


@pytest.fixture
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    signer = self_signed("td", NOW)
    context = tls_context(issue_server(signer, ["127.0.0.1"], NOW))
    methods: Methods = {
        "/test/Answer": lambda call: Answers(call).start(),
        "/test/Refuse": lambda call: refuse(call, RefusedError("forbidden", "not you: 100 %")),
    }
    server = SecureServer(methods)
    port = server.listen("127.0.0.1:0", lambda: context)
    await server.start()
    credentials = grpc.ssl_channel_credentials(certificates_pem(signer.root))
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials) as opened:
        yield opened
    await server.stop(1)


async def test_a_stream_goes_both_ways_and_ends_well(channel: grpc.aio.Channel) -> None:
    call = channel.stream_stream("/test/Answer")(metadata=(("authorization", "Bearer secret"),))
    for size in (0, 1, 3_000_000):
        await call.write(bytes(size))
        assert await call.read() == f"{size} secret".encode()
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert await call.code() == grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("method", "code", "details"),
    [
        ("/test/Refuse", grpc.StatusCode.PERMISSION_DENIED, "not you: 100 %"),
        ("/test/None", grpc.StatusCode.UNIMPLEMENTED, "there is no such method"),
    ],
)
async def test_a_refusal_has_its_status(
    channel: grpc.aio.Channel, method: str, code: grpc.StatusCode, details: str
) -> None:
    call = channel.stream_stream(method)()
    assert await asyncio.wait_for(call.code(), 5) == code
    assert await call.details() == details


async def test_calls_of_one_connection_do_not_wait_for_each_other(channel: grpc.aio.Channel) -> None:
    calls = [channel.stream_stream("/test/Answer")() for _ in range(10)]
    for call in calls:
        await call.write(b"12345")
    assert [await call.read() for call in reversed(calls)] == [b"5 "] * 10
    for call in calls:
        call.cancel()
