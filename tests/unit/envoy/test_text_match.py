"""Matches of the model and of Envoy accept the same texts."""

from typing import Any

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from weft.base.protobuf import to_dict
from weft.envoy.text_match import as_regex, quote, string_matcher
from weft.ir.values import Text

CASES: list[tuple[Text, list[str], list[str]]] = [
    (("exact", "a.b"), ["a.b"], ["aXb", "a.b.c", ""]),
    (("exact", ""), [""], ["a"]),
    (("iexact", "Ab"), ["ab", "AB"], ["abc"]),
    (("prefix", "a."), ["a.", "a.b\nc"], ["ab", "ba."]),
    (("iprefix", "A"), ["abc"], ["ba"]),
    (("suffix", ".b"), ["a.b", ".b"], ["ab", ".bc"]),
    (("regex", "a+|b"), ["aa", "b"], ["ab", "xa"]),
    (("glob", "a*.c"), ["a.c", "abb.c"], ["abc", "xa.c"]),
    (("template", "/{*}/b/{**}"), ["/a/b/", "/a/b/c/d"], ["/a/x/b/c", "//b/c", "/a/b"]),
    (("present", ""), ["", "anything\n"], []),
]


@pytest.mark.parametrize(("text", "accepted", "refused"), CASES)
def test_a_match_as_regular_expression(text: Text, accepted: list[str], refused: list[str]) -> None:
    expression = as_regex(text)
    assert [each for each in accepted if not re2.fullmatch(expression, each)] == []
    assert [each for each in refused if re2.fullmatch(expression, each)] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (("exact", "a"), {"exact": "a"}),
        (("iexact", "a"), {"exact": "a", "ignoreCase": True}),
        (("prefix", "a"), {"prefix": "a"}),
        (("iprefix", "a"), {"prefix": "a", "ignoreCase": True}),
        (("suffix", "a"), {"suffix": "a"}),
        (("regex", "a.c"), {"safeRegex": {"regex": "a.c"}}),
        (("glob", "a*"), {"safeRegex": {"regex": "a(?s:.*)"}}),
        (("prefix", ""), {"safeRegex": {"regex": "(?s:.*)"}}),
    ],
)
def test_a_match_in_envoys_own_words_where_it_has_them(text: Text, expected: dict[str, Any]) -> None:
    """An empty prefix is refused by Envoy, so it is a regular expression."""
    assert to_dict(string_matcher(text)) == expected


@given(st.text(), st.text())
def test_quoted_text_matches_itself_alone(text: str, other: str) -> None:
    assert bool(re2.fullmatch(quote(text), other)) == (text == other)
    assert re2.fullmatch(quote(text), text)


@given(
    st.sampled_from(["exact", "prefix", "suffix", "glob"]), st.text(alphabet="a.*/[", max_size=4), st.text(max_size=6)
)
def test_the_regular_expression_agrees_with_the_definition(kind: Any, operand: str, value: str) -> None:
    meaning = {
        "exact": value == operand,
        "prefix": value.startswith(operand),
        "suffix": value.endswith(operand),
    }
    if kind in meaning:
        assert bool(re2.fullmatch(as_regex((kind, operand)), value)) == meaning[kind]
    else:
        assert re2.fullmatch(as_regex((kind, operand)), operand.replace("*", value))
