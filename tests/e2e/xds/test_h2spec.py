"""h2spec finds nothing wrong with the server. Where it is not installed, Go builds it once."""

import asyncio
from datetime import UTC, datetime

import pytest
from tests.e2e.xds.h2spec import MissingError, h2spec

from weft.identity.issue import issue_server
from weft.identity.signer import self_signed
from weft.serve.ca.serving import tls_context
from weft.serve.http2.call import Call
from weft.serve.http2.listener import Listener, listening_socket
from weft.serve.http2.protocol import Crowd, ServerProtocol

NOW = datetime.now(UTC)


class Hello:
    """Answers once the request is complete."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def received(self, message: bytes) -> None: ...

    def drained(self) -> None: ...

    def ended(self) -> None:
        self.call.send((b"hello",))
        self.call.finish(0)


@pytest.fixture(scope="module")
def program() -> str:
    try:
        return str(h2spec())
    except MissingError as error:
        pytest.skip(str(error))


async def test_h2spec_finds_nothing_wrong(program: str) -> None:
    context, crowd = tls_context(issue_server(self_signed("td", NOW), ["127.0.0.1"], NOW)), Crowd()
    socket = listening_socket("127.0.0.1:0")

    async def admit(accepted: object) -> None:
        protocol = ServerProtocol(lambda call: call.accept(Hello(call)), crowd, context)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, accepted)  # type: ignore[arg-type]

    listener = Listener(socket, admit, lambda: False)
    port = socket.getsockname()[1]
    listener.start()
    command = (program, "--tls", "--insecure", "--host", "127.0.0.1", "--port", str(port), "--timeout", "4")
    running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await running.communicate()
    listener.close()
    for connection in tuple(crowd.open):
        connection.abort()
    await asyncio.sleep(0)
    assert running.returncode == 0, output.decode()
    assert b" 0 failed" in output
