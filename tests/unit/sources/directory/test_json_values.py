"""JSON is read strictly, and its fields are found where they stand."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.sources.directory.json_values import locate, parse
from weft.sources.directory.limits import Limits
from weft.sources.directory.text import UnreadableError

LIMITS = Limits()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], Any]:
    found = {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in items:
        found |= paths(inner, (*path, part))
    return found


@given(VALUES, st.sampled_from([None, 1, "\t"]))
def test_every_field_is_found_where_it_stands(written: Any, indent: int | str | None) -> None:
    text = "\n " + json.dumps(written, indent=indent) + "\n[7]"
    assert [value for _, value in parse(text, LIMITS)] == [written, [7]]
    lines = text.split("\n")
    for path, value in paths(written).items():
        line, column = locate(text, 0, path)
        expected = json.dumps(path[-1] if path and isinstance(path[-1], str) else value, indent=indent)
        assert lines[line - 1][column - 1 :].startswith(expected[:1])


def test_the_second_value_of_a_text_has_places_too() -> None:
    assert locate('{"a": 1}\n{"b": [1,\n 2]}', 1, ("b", 1)) == (3, 2)


def test_a_path_that_leads_nowhere_ends_where_it_left_the_text() -> None:
    assert locate('{"a": {"b": 1}}', 0, ("a", "x", 3)) == (1, 2)
    assert locate('{"a": [1]}', 0, ("a", 7)) == (1, 2)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('{"a": 1,\n "b": }', (2, 7), "no JSON"),
        ('{"a": 1, "a": 2}', (1, 1), "`a` stands twice"),
        ('{"a": NaN}', (1, 1), "NaN is no number"),
        ('{"a": 1} x', (1, 10), "no JSON"),
        ("[" * 100_000, (1, 1), "nested"),
    ],
)
def test_an_unreadable_text_names_the_place(text: str, place: tuple[int, int], words: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse(text, LIMITS)
    assert words in caught.value.message
    assert (caught.value.line, caught.value.column) == place


def test_the_number_of_values_is_limited() -> None:
    with pytest.raises(UnreadableError, match="more than 3 values"):
        parse("1 2 3 4", Limits(documents=3))


def test_half_of_a_character_is_refused_and_a_whole_one_is_not() -> None:
    assert parse(r'{"a": "\ud83d\ude00 \\ud800"}', LIMITS) == [(1, {"a": "\U0001f600 \\ud800"})]
    for text in (r'{"a": "\ud800"}', r'{"\uDFFF": 1}'):
        with pytest.raises(UnreadableError, match="half of a character"):
            parse(text, LIMITS)
