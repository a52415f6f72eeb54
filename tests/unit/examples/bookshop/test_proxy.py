"""The proxy that the environment names: which calls go through it, and how they are written then."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from weft.examples.bookshop.bookshop.ask import StoreError, ask
from weft.examples.bookshop.bookshop.client import fetch
from weft.examples.bookshop.bookshop.proxy import is_exempt, own_source, read_proxy

OK = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("no_proxy", "host", "exempt"),
    [
        ("", "reviews", False),
        ("localhost,127.0.0.0/8", "localhost", True),
        ("localhost,127.0.0.0/8", "127.244.0.10", True),
        ("localhost,127.0.0.0/8", "10.0.0.1", False),
        (".example", "shop.example", True),
        ("example", "shop.example", True),
        ("example", "myexample", False),
        ("*", "anything", True),
        (" , ", "reviews", False),
    ],
)
def test_what_no_proxy_lists_is_called_directly(no_proxy: str, host: str, exempt: bool) -> None:
    assert is_exempt(no_proxy, host) == exempt
    environment = {"http_proxy": "http://127.245.0.10:15001", "no_proxy": no_proxy}
    assert read_proxy(environment, host) == (None if exempt else ("127.245.0.10", 15001))


def test_without_a_proxy_all_calls_are_direct() -> None:
    assert read_proxy({}, "reviews") is None


@pytest.mark.parametrize(
    ("own", "address", "expected"),
    [
        ("127.244.0.10", "127.245.0.11", ("127.244.0.10", 0)),
        ("127.244.0.10", "192.0.2.1", None),
        ("127.244.0.10", "reviews", None),
        ("10.244.0.10", "127.0.0.1", None),
        ("", "127.0.0.1", None),
    ],
)
def test_only_on_loopback_is_the_source_chosen(own: str, address: str, expected: tuple[str, int] | None) -> None:
    assert own_source({"POD_IP": own}, address) == expected


@contextmanager
def proxy(answer: bytes, received: list[bytes]) -> Iterator[str]:
    """A proxy that takes one head, gives one answer, and says what it is sent next."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(4_096))
                connection.sendall(answer)
                received.append(connection.recv(4_096))
                connection.sendall(b"VALUE tunnelled\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


def test_requests_name_host_and_port_in_absolute_form(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []
    with proxy(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Served-By: x\r\n\r\nok", received) as url:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert fetch("http://reviews:9080/reviews/1?a=b", {}, timeout=5).body == b"ok"
    assert received[0].startswith(b"GET http://reviews:9080/reviews/1?a=b HTTP/1.1\r\n")
    assert b"\r\nHost: reviews:9080\r\n" in received[0]


def test_the_store_is_asked_through_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []
    with proxy(OK, received) as url:
        monkeypatch.setenv("http_proxy", url)
        assert ask("GET stars/1", ("store", 7379), timeout=5) == "tunnelled"
    assert received == [b"CONNECT store:7379 HTTP/1.1\r\nHost: store:7379\r\n\r\n", b"GET stars/1\n"]


@pytest.mark.parametrize(("answer", "said"), [(b"HTTP/1.1 403 Forbidden\r\n\r\n", "403"), (b"", "no answer")])
def test_a_refused_tunnel_is_told(answer: bytes, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4_096)
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(StoreError, match=said):
            ask("PING", ("store", 7379), timeout=5)
