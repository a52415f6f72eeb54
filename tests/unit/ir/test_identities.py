"""Identities have parts, and the aliases of a trust domain are other spellings of the same (I1, I2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.ir.identities import WorkloadName, domain_spellings, identity_spellings, parse_identity
from weft.ir.values import Text

DOMAINS = ("td.example", "old.example", "td")


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ("spiffe://td/ns/a/sa/b", WorkloadName("td", "a", "b")),
        ("spiffe://td/ns/a/sa/b/c", None),
        ("spiffe://td/ns//sa/b", None),
        ("https://td/ns/a/sa/b", None),
        ("b.a.serviceaccount.td", None),
    ],
)
def test_only_a_canonical_identity_has_parts(identity: str, name: WorkloadName | None) -> None:
    assert parse_identity(identity) == name


@pytest.mark.parametrize(
    ("text", "spellings"),
    [
        (("exact", "spiffe://old.example/ns/a/sa/b"), [("exact", f"spiffe://{d}/ns/a/sa/b") for d in DOMAINS]),
        (("exact", "spiffe://other/ns/a/sa/b"), [("exact", "spiffe://other/ns/a/sa/b")]),
        (("exact", "b.a.serviceaccount.td"), [("exact", "b.a.serviceaccount.td")]),
        (("prefix", "spiffe://td.example/ns/a/"), [("prefix", f"spiffe://{d}/ns/a/") for d in DOMAINS]),
        (("prefix", "spiffe://old"), [("prefix", "spiffe://old"), ("prefix", "spiffe://td.example/"), ("prefix", "spiffe://td/")]),
        (("prefix", "spiffe://other"), [("prefix", "spiffe://other")]),
        (("suffix", "/sa/b"), [("suffix", "/sa/b")]),
        (("suffix", "/ns/a/sa/b"), [("suffix", "/ns/a/sa/b")]),
        (
            ("suffix", "d.example/ns/a/sa/b"),
            [("suffix", "d.example/ns/a/sa/b"), ("exact", "spiffe://td/ns/a/sa/b")],
        ),
        (("present", ""), [("present", "")]),
    ],
)  # fmt: skip
def test_a_text_is_spelled_with_every_name_of_the_domain(text: Text, spellings: list[Text]) -> None:
    assert identity_spellings(text, DOMAINS) == tuple(spellings)


def test_without_aliases_a_text_has_one_spelling() -> None:
    assert identity_spellings(("exact", "spiffe://td/ns/a/sa/b"), ("td",)) == (("exact", "spiffe://td/ns/a/sa/b"),)


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        (("exact", "old.example"), {"td.example", "old.example", "td"}),
        (("prefix", "ol"), {"td.example", "old.example", "td"}),
        (("suffix", "xample"), {"td.example", "old.example", "td", "other.example"}),
        (("exact", "other.example"), {"other.example"}),
        (("present", ""), {"td.example", "old.example", "td", "other.example"}),
    ],
)
def test_a_domain_is_matched_by_all_its_names(text: Text, matching: set[str]) -> None:
    spellings = domain_spellings(text, DOMAINS)
    assert {d for d in (*DOMAINS, "other.example") if any(_holds(each, d) for each in spellings)} == matching


PATTERNS = st.sampled_from(["exact", "prefix", "suffix"])
NAMES = st.sampled_from([*DOMAINS, "other"])


@given(PATTERNS, NAMES, st.integers(0, 40), NAMES)
def test_all_names_of_a_domain_are_equal(kind: str, written: str, cut: int, seen: str) -> None:
    """A pattern matches an identity exactly if it matches one of its spellings."""
    whole = f"spiffe://{written}/ns/a/sa/b"
    operand = {"exact": whole, "prefix": whole[: max(cut, 9)], "suffix": whole[min(cut, 30) :]}[kind]
    text: Text = (kind, operand)  # type: ignore[assignment]
    spellings = identity_spellings(text, DOMAINS)
    names = DOMAINS if seen in DOMAINS else (seen,)
    expected = any(_holds(text, f"spiffe://{name}/ns/a/sa/b") for name in names)
    assert any(_holds(each, f"spiffe://{seen}/ns/a/sa/b") for each in spellings) == expected


def _holds(text: Text, value: str) -> bool:
    kind, operand = text
    if kind in ("exact", "present"):
        return kind == "present" or value == operand
    return value.startswith(operand) if kind == "prefix" else value.endswith(operand)
