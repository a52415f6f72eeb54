"""What a caller got is read from what the bookshop's programs print."""

import pytest

from weft.apps.demo.attempts import read_answer


@pytest.mark.parametrize(
    ("output", "code", "answer"),
    [
        ("http://ratings:8080/ratings/1: 403 'RBAC: access denied'\n", 1, "403"),
        ("http://productpage.bookshop:8080/: 200 productpage v1\n<!doctype html>...", 0, "200"),
        ("http://p:8080/: no answer 'p: [Errno 104] Connection reset by peer'\n", 1, "reset"),
        ("http://p:8080/: no answer 'p: Remote end closed connection without response'\n", 1, "closed"),
        ("the store closed the connection without an answer\n", 1, "closed"),
        ("the store can't be reached: [Errno 104] Connection reset by peer\n", 1, "reset"),
        ("ines=5 tomas=4\n", 0, "data"),
    ],
)
def test_answers(output: str, code: int, answer: str) -> None:
    assert read_answer(output, code) == answer


def test_what_is_not_understood_is_shown_in_short() -> None:
    assert read_answer("http://p:8080/: no answer 'p: took too long'\n", 1).startswith("http://p:8080/: no answer")
    assert len(read_answer("x" * 500, 2)) == 60
