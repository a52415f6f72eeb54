"""The store's protocol, and what its client makes of it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.examples.bookshop.running import FOLDER, Running, Start

from weft.examples.bookshop.bookshop.ask import StoreError, ask, read_address
from weft.examples.bookshop.bookshop.ratings import parse_stars
from weft.examples.bookshop.bookshop.store import MAX_KEYS, MAX_LINE, execute


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("PING", "PONG"),
        ("GET a", "VALUE 1 2"),
        ("GET b", "NONE"),
        ("SET b x y", "OK"),
        ("SET a  spaced ", "OK"),
        ("SET a", "ERROR a value is text of at least one character"),
        ("SET a \x00", "ERROR a value is text of at least one character"),
        ("SET a x\rGET b", "ERROR a value is text of at least one character"),
        ("GET", "ERROR a key is 1 to 100 letters, digits and any of / _ . -"),
        ("GET " + "k" * 101, "ERROR a key is 1 to 100 letters, digits and any of / _ . -"),
        ("GET ü", "ERROR a key is 1 to 100 letters, digits and any of / _ . -"),
        ("GET a b", "ERROR write PING, GET <key> or SET <key> <value>"),
        ("PING x", "ERROR write PING, GET <key> or SET <key> <value>"),
        ("get a", "ERROR write PING, GET <key> or SET <key> <value>"),
        ("", "ERROR write PING, GET <key> or SET <key> <value>"),
    ],
)
def test_lines_and_their_answers(line: str, answer: str) -> None:
    assert execute({"a": "1 2"}, line) == answer


def test_full_store_refuses_new_keys_and_takes_new_values() -> None:
    data = {f"k{number}": "v" for number in range(MAX_KEYS)}
    assert execute(data, "SET other v") == "ERROR the store is full"
    assert execute(data, "SET k1 w") == "OK"
    assert data["k1"] == "w"


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n")) | st.from_regex(r"(GET|SET) [ab]( \w*)?")))
def test_any_line_has_an_answer_of_one_line(lines: list[str]) -> None:
    data: dict[str, str] = {}
    for line in lines:
        answer = execute(data, line.replace("\n", ""))
        assert answer.partition(" ")[0] in ("PONG", "VALUE", "NONE", "OK", "ERROR")
        assert "\n" not in answer


@pytest.fixture(scope="module")
def store(start: Start) -> Running:
    return start("store")


@pytest.fixture
def connection(store: Running) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", store.port), 10) as opened:
        yield opened


def read_all(connection: socket.socket) -> bytes:
    connection.shutdown(socket.SHUT_WR)
    return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_lines_may_come_together_or_in_pieces(connection: socket.socket) -> None:
    connection.sendall(b"PING\r\nSET t/1 a b\nGE")
    connection.sendall(b"T t/1\n")
    assert read_all(connection) == b"PONG\nOK\nVALUE a b\n"


def test_client_speaks_first(connection: socket.socket) -> None:
    connection.settimeout(0.1)
    with pytest.raises(TimeoutError):
        connection.recv(1)


def test_line_without_end_is_not_carried_out(store: Running, connection: socket.socket) -> None:
    connection.sendall(b"SET half a")
    assert read_all(connection) == b""
    assert ask("GET half", ("127.0.0.1", store.port), timeout=5) is None


def test_bytes_that_are_no_text_are_refused(connection: socket.socket) -> None:
    connection.sendall(b"GET \xff\xfe\nPING\n")
    assert read_all(connection) == b"ERROR a line is UTF-8\nPONG\n"


def test_long_line_ends_the_connection_before_it_is_read(connection: socket.socket) -> None:
    connection.sendall(b"x" * (MAX_LINE + 1))
    assert connection.recv(100) == b"ERROR the line is too long\n"
    with suppress(ConnectionResetError):  # as good an end, where bytes were left unread
        assert connection.recv(100) == b""


def test_longest_line_is_answered(connection: socket.socket) -> None:
    connection.sendall(b"SET long ".ljust(MAX_LINE - 1, b"v") + b"\n")
    assert read_all(connection) == b"OK\n"


def test_ask_tells_values_apart(store: Running) -> None:
    address = ("127.0.0.1", store.port)
    assert ask("GET stars/1", address, timeout=5) == "ines=5 tomas=4"
    assert ask("GET nothing", address, timeout=5) is None
    assert ask("SET t/2 ü", address, timeout=5) == ""
    assert ask("GET t/2", address, timeout=5) == "ü"


@pytest.mark.parametrize("command", ["NONSENSE", "PING\nPING", "SET a " + "v" * MAX_LINE])
def test_ask_reports_a_refusal(store: Running, command: str) -> None:
    with pytest.raises(StoreError):
        ask(command, ("127.0.0.1", store.port), timeout=5)


def test_ask_reports_a_connection_closed_by_the_mesh() -> None:
    """This is what a refused caller sees: the connection opens and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = subprocess.Popen(
            [sys.executable, "-m", "bookshop.ask", "PING"],
            cwd=FOLDER,
            env={"PATH": os.environ["PATH"], "STORE": f"127.0.0.1:{listener.getsockname()[1]}"},
            stderr=subprocess.PIPE,
            text=True,
        )
        accepted = listener.accept()[0]
        accepted.recv(100)
        accepted.close()
        assert client.communicate(timeout=10)[1] == "the store closed the connection without an answer\n"
        assert client.returncode == 1


def test_address_of_the_store() -> None:
    assert read_address({}) == ("store", 7379)
    assert read_address({"STORE": "10.0.0.1:99"}) == ("10.0.0.1", 99)


def test_stars_are_read() -> None:
    assert parse_stars("ines=5 tomas=1") == {"ines": 5, "tomas": 1}
    assert parse_stars("") == {}


@pytest.mark.parametrize("value", ["ines", "ines=six", "ines=6", "ines=0", "="])
def test_values_that_are_no_stars_are_refused(value: str) -> None:
    with pytest.raises(ValueError):
        parse_stars(value)


@pytest.fixture(scope="module")
def ratings(start: Start, store: Running) -> Running:
    return start("ratings", STORE=f"127.0.0.1:{store.port}")


def test_ratings_follow_the_store(ratings: Running, store: Running) -> None:
    assert json.loads(ratings.get("/ratings/6").text)["stars"] == {}
    ask("SET stars/6 ruth=3", ("127.0.0.1", store.port), timeout=5)
    assert json.loads(ratings.get("/ratings/6").text)["stars"] == {"ruth": 3}


def test_nonsense_in_the_store_is_a_502(ratings: Running, store: Running) -> None:
    ask("SET stars/5 many", ("127.0.0.1", store.port), timeout=5)
    assert ratings.get("/ratings/5").status == 502


def test_ratings_ask_the_store_for_numbers_only(ratings: Running) -> None:
    assert ratings.get("/ratings/x").status == 404
