"""h2spec finds nothing wrong with the server: `go install github.com/summerwind/h2spec/cmd/h2spec@latest`."""

import asyncio
import shutil
from datetime import UTC, datetime

import pytest

from weft.identity.issue import issue_server
from weft.identity.signer import self_signed
from weft.serve.ca.serving import tls_context
from weft.serve.http2.call import Call
from weft.serve.http2.listener import Listener, listening_socket
from weft.serve.http2.protocol import Crowd, ServerProtocol

NOW = datetime.now(UTC)
H2SPEC = shutil.which("h2spec")


class Hello:
    """Answers once the request is complete."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def received(self, message: bytes) -> None: ...

    def drained(self) -> None: ...

    def ended(self) -> None:
        self.call.send((b"hello",))
        self.call.finish(0)


@pytest.mark.skipif(H2SPEC is None, reason="h2spec is not installed")
async def test_h2spec_finds_nothing_wrong() -> None:
    context, crowd = tls_context(issue_server(self_signed("td", NOW), ["127.0.0.1"], NOW)), Crowd()
    socket = listening_socket("127.0.0.1:0")

    async def admit(accepted: object) -> None:
        protocol = ServerProtocol(lambda call: call.accept(Hello(call)), crowd, context)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, accepted)  # type: ignore[arg-type]

    listener = Listener(socket, admit, lambda: False)
    port = socket.getsockname()[1]
    listener.start()
    command = (str(H2SPEC), "--tls", "--insecure", "--host", "127.0.0.1", "--port", str(port), "--timeout", "4")
    running = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await running.communicate()
    listener.close()
    for connection in tuple(crowd.open):
        connection.abort()
    await asyncio.sleep(0)
    assert running.returncode == 0, output.decode()
    assert b" 0 failed" in output
