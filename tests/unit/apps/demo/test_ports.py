"""A port that is taken is said before anything starts."""

import socket
from collections.abc import Iterator

import pytest

from weft.apps.demo import ports
from weft.apps.demo.ports import is_taken, require_free
from weft.cli.errors import Failure, Misuse


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_named_with_another_one(taken: int) -> None:
    with pytest.raises(Failure, match=f"port {taken} of this machine is taken") as caught:
        require_free(taken)
    assert "weft demo --port" in caught.value.hint
    assert not is_taken(int(caught.value.hint.split("--port ")[1].split("`")[0]))


def test_a_port_that_an_envoy_shares_is_taken(taken: int) -> None:
    """Envoy lets others of its user listen on its port (SO_REUSEPORT): each would get some of the other's requests."""
    with socket.socket() as sharing:
        sharing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sharing.bind(("0.0.0.0", 0))
        sharing.listen()
        assert is_taken(sharing.getsockname()[1])


def test_a_port_with_the_remains_of_a_connection_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    assert not is_taken(port)


def test_a_taken_port_of_envoy_is_named(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PROXY_PORTS", {"127.0.0.1": (taken,)})
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with pytest.raises(Failure, match=f"port {taken} .* needs it") as caught:
        require_free(free)
    assert "another mesh" in caught.value.hint


def test_envoys_own_ports_are_refused() -> None:
    with pytest.raises(Misuse, match="Envoy's own"):
        require_free(15021)
