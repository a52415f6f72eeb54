"""The tables say what was seen, in no more than 100 columns."""

import io

import pytest
from msgspec.structs import replace
from rich.console import Console
from tests.unit.apps.demo.shop import answered, observation

from weft.apps.demo.attempts import Tried
from weft.apps.demo.checks import check
from weft.apps.demo.observation import Observation
from weft.apps.demo.report import WIDTH, show_report


def shown(seen: Observation, width: int = WIDTH) -> list[str]:
    output = io.StringIO()
    show_report(Console(file=output, width=width, highlight=False), seen, check(seen))
    return [line.rstrip() for line in output.getvalue().splitlines()]


def row(lines: list[str], *begin: str) -> list[str]:
    """The cells of the one row that begins with these."""
    cells = [[cell for cell in line.split("  ") if cell] for line in lines]
    found = [[cell.strip() for cell in each] for each in cells]
    (only,) = [each for each in found if each[: len(begin)] == list(begin)]
    return only


def test_a_row_for_each_pair_says_who_called_as_whom_how_often_and_how() -> None:
    lines = shown(observation(calls=(answered("ratings", "store"), *(answered("reviews v2", "ratings"),) * 61)))
    assert row(lines, "reviews v2") == ["reviews v2", "bookshop/reviews", "ratings", "61", "yes", "200"]
    assert row(lines, "ratings") == ["ratings", "bookshop/ratings", "store (TCP)", "1", "yes", "bytes"]


def test_rows_come_in_the_order_of_a_request_and_what_is_not_expected_last() -> None:
    calls = tuple(answered(*pair) for pair in (("visitor", "store"), ("ratings", "store"), ("gateway", "productpage")))
    lines = [line.split()[0] for line in shown(observation(calls=calls)) if "bytes" in line or " 200" in line]
    assert lines == ["gateway", "ratings", "visitor"]


def test_a_call_without_a_certificate_is_seen_as_such() -> None:
    bare = replace(answered("visitor", "productpage"), identity="")
    assert row(shown(observation(calls=(bare,))), "visitor")[1:5] == ["none", "productpage", "1", "no"]


def test_different_answers_are_counted() -> None:
    good = answered("productpage", "details")
    bad = replace(good, status=503, outcome="failed")
    lines = shown(observation(calls=(good, good, bad)))
    assert row(lines, "productpage", "bookshop/productpage", "details")[-1] == "200 (2), 503 (1)"


def test_the_split_has_shares_beside_what_is_expected() -> None:
    lines = shown(observation())
    assert row(lines, "v1", "anybody") == ["v1", "anybody", "320", "80.0%", "80%"]
    assert row(lines, "v3", "tester") == ["v3", "tester", "20", "100.0%", "100%"]


@pytest.mark.parametrize(
    ("identity", "called", "because"),
    [
        ("visitors/visitor", "ratings", "DENY in no-visitors-at-ratings"),
        ("visitors/visitor", "details", "no rule in allow-nothing, details-callers"),
        ("bookshop-ingress/gateway", "productpage POST /", "no rule in allow-nothing, productpage-callers"),
        ("bookshop/details", "store (TCP)", "no rule in allow-nothing, store-callers"),
        ("legacy (no certificate)", "productpage", "STRICT mutual TLS in default"),
        ("you (no certificate)", "gateway /shelf", "no route at the gateway"),
    ],
)
def test_a_refusal_names_the_policy(identity: str, called: str, because: str) -> None:
    assert row(shown(observation()), identity, called)[-1] == because


def test_a_refusal_that_was_none_is_shown() -> None:
    seen = observation()
    tried = (Tried(seen.refused[0].attempt, "200"), *seen.refused[1:])
    open_door = (answered("visitor", "ratings"), *(call for call in seen.calls if call.outcome != "denied"))
    lines = shown(observation(refused=tried, calls=open_door))
    assert row(lines, "visitors/visitor", "ratings")[2:] == ["200", "it was answered"]


def test_nothing_is_wider_than_a_hundred_columns_and_no_row_is_broken() -> None:
    lines = shown(observation())
    assert max(map(len, lines)) <= 100
    assert not [line for line in lines if line.startswith("      ")]


@pytest.mark.parametrize("width", [80, 100])
def test_no_title_is_cut(width: int) -> None:
    assert not [line for line in shown(observation(), width) if "…" in line]


def test_all_failures_are_listed_at_the_end_with_their_problems() -> None:
    seen = observation(unsettled=True, pages=())
    failed = [found for found in check(seen) if found.problem]
    text = " ".join(" ".join(shown(seen)).split())
    assert f"{len(failed)} of {len(check(seen))}" in text
    assert all(f"FAILED {found.claim} {found.problem}" in text for found in failed)


def test_what_others_wrote_can_t_steer_the_terminal() -> None:
    evil = replace(answered("productpage", "details"), identity="ns/\x1b[2J/sa/x")
    assert not [line for line in shown(observation(calls=(evil,))) if "\x1b" in line]
