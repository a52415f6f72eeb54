"""Where the server listens, and that a port is served by one server only."""

import ctypes
import os
import socket
from collections.abc import Iterator

import pytest
from tests.e2e.xds.harness import XDS_PORT, ControlPlane

from weft.serve.transport import SecureServer

pytestmark = pytest.mark.isolation("userns", here=True)
_CLONE_NEWNET = 0x40000000


@pytest.fixture
def other_namespace() -> Iterator[int]:
    """A descriptor of an empty network namespace; its loopback is down."""
    libc = ctypes.CDLL(None, use_errno=True)
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    assert libc.unshare(_CLONE_NEWNET) == 0
    other = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    assert libc.setns(here, _CLONE_NEWNET) == 0
    yield other
    os.close(here)
    os.close(other)


def listeners() -> str:
    """Listening TCP sockets of the thread's namespace, as the kernel lists them."""
    with open("/proc/thread-self/net/tcp6") as v6, open("/proc/thread-self/net/tcp") as v4:
        return v6.read() + v4.read()


async def test_the_socket_is_in_the_namespace_of_the_calling_thread(plane: ControlPlane, other_namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    server = SecureServer(plane.service.methods())
    assert libc.setns(other_namespace, _CLONE_NEWNET) == 0
    try:
        server.listen("127.0.0.1:15099", plane.serving.context)
        assert f":{15099:04X} " in listeners()
    finally:
        assert libc.setns(here, _CLONE_NEWNET) == 0
        os.close(here)
    assert f":{15099:04X} " not in listeners()
    await server.stop(0)


async def test_a_taken_port_is_refused(plane: ControlPlane) -> None:
    server = SecureServer(plane.service.methods())
    with pytest.raises(OSError, match=f"127.0.0.1:{XDS_PORT}"):
        server.listen(f"127.0.0.1:{XDS_PORT}", plane.serving.context)
    await server.stop(0)


async def test_any_free_port_is_told(plane: ControlPlane) -> None:
    server = SecureServer(plane.service.methods())
    port = server.listen("127.0.0.1:0", plane.serving.context)
    await server.start()
    with socket.create_connection(("127.0.0.1", port), 2):
        pass
    await server.stop(0)
