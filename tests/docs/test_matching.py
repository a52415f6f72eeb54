"""Output is compared word for word, but for what differs from run to run."""

import pytest
from tests.docs.matching import difference


@pytest.mark.parametrize(
    ("promised", "said"),
    [
        ("front-877e43e8a1-46d57   2/2   Running   0   4s", "front-0123456789-abcde 2/2 Running 0 1m12s"),
        ("10.244.0.10:8080   HEALTHY", "10.244.0.99:8080   HEALTHY"),
        ("ready after 3.3 s", "ready after 12.0 s"),
        ("[...] 403 - denied ...", "[2026-01-01T00:00:00.1Z] 403 - denied and more"),
    ],
)
def test_names_of_pods_times_and_addresses_may_differ(promised: str, said: str) -> None:
    assert not difference([promised], said)


@pytest.mark.parametrize(
    ("promised", "said"),
    [
        ("front-877e43e8a1-46d57 2/2", "front-0123456789-abcde 1/2"),
        ("v1: hello", "v2: hello"),
        ("403", "404"),
        ("one", "one\ntwo"),
        ("one\ntwo", "one"),
        ("two\none", "one\ntwo"),
        ("one\n...\nthree", "one\ntwo"),
    ],
)
def test_everything_else_may_not(promised: str, said: str) -> None:
    assert difference(promised.splitlines(), said)


def test_three_dots_stand_for_any_lines() -> None:
    assert not difference(["one", "...", "four"], "one\ntwo\nthree\nfour")
    assert not difference(["...", "four"], "four")
    assert not difference(["one", "..."], "one\ntwo")


def test_nothing_promised_is_nothing_asked() -> None:
    assert not difference([], "anything")


def test_numbers_may_differ_by_as_much_as_is_said() -> None:
    assert not difference(["181 v1", " 19 v2"], "175 v1\n25 v2", within=25)
    assert difference(["181 v1"], "100 v1", within=25)
    assert difference(["181 v1"], "181 v2", within=0)
