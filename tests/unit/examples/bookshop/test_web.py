"""HTTP as the services speak it: keep-alive, limits, and a stop that loses no request."""

import signal
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
from tests.unit.examples.bookshop.running import Start, get, serving

from weft.examples.bookshop.bookshop import serving as serving_module
from weft.examples.bookshop.bookshop.messages import Reply, Request, json_reply


def application(request: Request) -> Reply:
    if request.segments == ("fail",):
        raise RuntimeError("secret reason")
    return json_reply({"path": list(request.segments)})


@pytest.fixture
def port() -> Iterator[int]:
    with serving(application) as number:
        yield number


def exchange(port: int, data: bytes) -> bytes:
    """Send bytes and read until the service closes the connection."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_requests_share_a_connection(port: int) -> None:
    answer = exchange(port, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert b"Connection: close" not in answer


def test_a_service_listens_at_an_address_of_ipv6_too() -> None:
    with serving(application, address="::1") as number:
        connection = HTTPConnection("::1", number)
        connection.request("GET", "/a")
        assert connection.getresponse().status == 200
        connection.close()


def test_head_has_length_and_no_body(port: int) -> None:
    answer = get(port, "/a", "HEAD")
    assert (answer.status, answer.text) == (200, "")
    assert int(answer.headers["Content-Length"]) == len(get(port, "/a").text)


def test_answers_name_service_and_version(port: int) -> None:
    answer = get(port, "/a")
    assert answer.headers["X-Served-By"] == "test v1"
    assert answer.headers["Server"] == "bookshop"


def test_health_is_answered_by_every_service(port: int) -> None:
    assert get(port, "/healthz").status == 200


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 38",
        b"content-length: 00038",
        b"Content-Length: 0\r\nContent-Length: 38",
        b"Transfer-Encoding: chunked",
    ],
)
def test_body_is_never_taken_for_the_next_request(port: int, framing: bytes) -> None:
    """A proxy shares the connection among callers: the second answer would go to someone else."""
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n    "
    answer = exchange(port, b"GET /a HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n\r\n" + smuggled)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"Connection: close" in answer
    assert b"smuggled" not in answer


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET http://[ HTTP/1.1", b"400"),
        (b"POST / HTTP/1.1", b"501"),
        (b"GET / HTTP/9.9", b"505"),
        (b"nonsense", b"400"),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101, b"431"),
    ],
)
def test_bad_requests_are_refused(port: int, request_line: bytes, status: bytes) -> None:
    assert status in exchange(port, request_line + b"\r\nHost: x\r\n\r\n").splitlines()[0]


def test_failing_application_answers_500_and_keeps_the_connection(port: int) -> None:
    answer = exchange(port, b"GET /fail HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"HTTP/1.1 500 " in answer
    assert b"HTTP/1.1 200 " in answer
    assert b"secret reason" not in answer


def test_slow_request_is_given_up(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(serving_module, "READ_SECONDS", 0.1)
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(b"GET / HT")
        assert connection.recv(100) == b""


def test_idle_connection_is_closed_after_its_time(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(serving_module, "IDLE_SECONDS", 0.1)
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        assert connection.recv(100) == b""


def test_connections_beyond_the_limit_are_closed(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(serving_module, "MAX_CONNECTIONS", 1)
    with socket.create_connection(("127.0.0.1", port), 10) as first:
        first.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        assert first.recv(100).startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", port), 10) as second:
            assert second.recv(100) == b""


def wait_until_refused(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionError:
            return
        time.sleep(0.02)
    raise AssertionError("the service still accepts connections")


def test_request_in_flight_is_finished_after_sigterm(start: Start) -> None:
    arrived, release = threading.Event(), threading.Event()

    def slow(request: Request) -> Reply:
        arrived.set()
        release.wait(10)
        return json_reply({}, status=500)

    with serving(slow) as port:
        front = start("productpage", DETAILS_URL=f"http://127.0.0.1:{port}", REVIEWS_URL="http://127.0.0.1:1")
        connection = HTTPConnection("127.0.0.1", front.port, timeout=10)
        connection.request("GET", "/")
        assert arrived.wait(10)
        front.process.send_signal(signal.SIGTERM)
        wait_until_refused(front.port)
        release.set()
        response = connection.getresponse()
        assert response.status == 200
        assert response.read().endswith(b"</html>\n")
        assert response.getheader("Connection") == "close"
        connection.close()
        assert front.process.wait(5) == 0


def test_stopping_service_is_unready_but_serves(start: Start) -> None:
    details = start("details", LINGER_SECONDS="10")
    kept = HTTPConnection("127.0.0.1", details.port, timeout=10)
    kept.request("GET", "/books/1")
    assert kept.getresponse().read()
    details.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 5
    while details.get("/healthz").status != 503 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert details.get("/healthz").status == 503
    assert details.get("/books/1").status == 200
    kept.request("GET", "/books/1")
    last = kept.getresponse()
    assert (last.status, last.getheader("Connection")) == (200, "close")
    kept.close()


def test_idle_connection_does_not_hold_up_the_stop(start: Start) -> None:
    details = start("details")
    with socket.create_connection(("127.0.0.1", details.port), 10) as idle:
        idle.sendall(b"GET /books/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(100).startswith(b"HTTP/1.1 200")
        details.process.send_signal(signal.SIGINT)
        assert details.process.wait(5) == 0
