"""YAML is read as kubectl reads it, says where it is wrong, and can't exhaust the machine."""

import json
import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from weft.sources.directory.limits import Limits
from weft.sources.directory.text import UnreadableError
from weft.sources.directory.yaml_values import locate, parse

LIMITS = Limits()
LETTERS = st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp"))
"""Characters that YAML takes as they are in quotes."""
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(LETTERS, max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz-./ ", max_size=8), inner, max_size=4),
    max_leaves=20,
)


def value(text: str) -> Any:
    ((_, only),) = parse(text, LIMITS)
    return only


def refusal(text: str, limits: Limits = LIMITS) -> UnreadableError:
    with pytest.raises(UnreadableError) as caught:
        parse(text, limits)
    return caught.value


@given(VALUES)
def test_what_a_yaml_writer_writes_is_read_as_it_was(written: Any) -> None:
    assert value(yaml.safe_dump(written, allow_unicode=True, default_style='"')) == written


@given(VALUES)
def test_json_is_yaml(written: Any) -> None:
    assert value(json.dumps(written, ensure_ascii=False)) == written


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *((word, True) for word in ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON")),
        *((word, False) for word in ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF")),
        *((word, None) for word in ("~", "null", "Null", "NULL", "")),
        ("yEs", "yEs"),
        ("'yes'", "yes"),
        ('"no"', "no"),
        ("!!str yes", "yes"),
        ("! 5", "5"),
        ("0", 0),
        ("-7", -7),
        ("+7", 7),
        ("0777", 511),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("1_000", 1000),
        ("08", 8),
        ("1e3", 1000),
        ("1.0", 1),
        ("1.5", 1.5),
        (".5", 0.5),
        ("12:30", "12:30"),
        ("22:22", "22:22"),
        ("2026-11-23", "2026-11-23"),
        ("1.2.3", "1.2.3"),
        ("v1", "v1"),
        ("-", None),
        ("=", "="),
        ("99999999999999999999", 1e20),
        ("1e999", "1e999"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_unquoted_words_mean_what_they_mean_to_kubectl(word: str, meant: Any) -> None:
    read = value(f"- {word}\n") if word != "-" else value("- \n")
    assert read == [meant]
    assert type(read[0]) is type(meant)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_of_json_is_a_number(number: float) -> None:
    assert math.isclose(value(f"[{json.dumps(number)}]")[0], number, rel_tol=1e-15, abs_tol=0)


def test_numbers_as_keys_are_texts() -> None:
    assert value("8080: {mode: STRICT}") == {"8080": {"mode": "STRICT"}}


def test_aliases_and_merge_keys_are_resolved() -> None:
    text = "base: &base {a: 1, b: 2}\nuse: {<<: *base, b: 3}\nmany: {<<: [{c: 1}, {c: 2, d: 4}]}\nsame: *base\n"
    assert value(text) == {
        "base": {"a": 1, "b": 2},
        "use": {"a": 1, "b": 3},
        "many": {"c": 1, "d": 4},
        "same": {"a": 1, "b": 2},
    }


def test_anchors_end_with_their_document() -> None:
    assert refusal("&a 1\n---\n*a\n").line == 3


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: [1, 2\nb: 3\n", (2, 2), "no YAML"),
        ("a: b: c\n", (1, 5), "mapping values are not allowed"),
        ("a: 'x\n", (2, 1), "unexpected end of stream"),
        ("a:\n\tb: 1\n", (2, 1), "a tab is used to indent"),
        ("a: 1\nb:\n  c: 2\n  c: 3\n", (4, 3), "`c` stands twice"),
        ("yes: 1\n", (1, 1), "a key must be text and 'yes' is none"),
        ("~: 1\n", (1, 1), "a key must be text"),
        ("[a]: 1\n", (1, 1), "a key must be text"),
        ("a: .inf\n", (1, 4), "no number that JSON has"),
        ("a: !python/object:os.system x\n", (1, 4), "tag !python/object:os.system is not known"),
        ("a: !!int x\n", (1, 4), "is not what its tag !!int says"),
        ("a: !env {b: c}\n", (1, 4), "tag !env is not known"),
        ("a: *nowhere\n", (1, 4), "no anchor &nowhere"),
        ("a: &a {b: *a}\n", (1, 11), "inside of what it stands for"),
        ("&a [*a]\n", (1, 5), "inside of what it stands for"),
        ("a: \x01\n", (1, 4), "U+0001 is not allowed"),
        ("a: 1\nb: é\x02\n", (2, 5), "U+0002 is not allowed"),
        ("<<: 5\n", (1, 5), "fields to merge"),
    ],
)
def test_an_unreadable_text_names_the_place(text: str, place: tuple[int, int], words: str) -> None:
    error = refusal(text)
    assert words in error.message
    assert (error.line, error.column) == place


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_an_error_and_not_the_end_of_the_process(opening: str) -> None:
    assert "nested more than 100 deep" in refusal(opening * 200_000).message


def test_nesting_by_aliases_counts_too() -> None:
    chain = "a0: &a0 []\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200))
    assert "nested more than 100 deep" in refusal(chain).message


def test_a_small_file_can_not_become_a_huge_value() -> None:
    laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"a{n}: &a{n} [{','.join(9 * [f'*a{n - 1}'])}]\n" for n in range(1, 10)
    )
    assert "aliases stand for" in refusal(laughs).message


def test_ordinary_reuse_by_aliases_is_no_attack() -> None:
    block = "x: &x\n" + "".join(f"  key{n}: some text {n}\n" for n in range(100))
    assert len(value(block + "".join(f"y{n}: *x\n" for n in range(50)))) == 51


def test_every_document_of_a_text_is_read() -> None:
    assert [found for _, found in parse("a: 1\n---\n---\n# nothing\n---\nb: 2\n...\n", LIMITS)] == [
        {"a": 1},
        None,
        None,
        {"b": 2},
    ]


@given(VALUES, st.integers(0, 3))
def test_every_field_is_found_where_it_stands(written: Any, empty_lines: int) -> None:
    """The text from a field's place on says the field's name, that of an element begins after its `- `."""
    text = "\n" * empty_lines + yaml.safe_dump({"root": written}, default_style='"', width=10**6)
    lines = text.split("\n")
    for path, (line, column) in locate(text, LIMITS, 0).items():
        before, rest = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
        if path and isinstance(path[-1], str):
            assert rest.startswith(f'"{path[-1]}"')
        elif path:
            assert before.endswith("- ")


def test_places_lead_to_names_and_elements() -> None:
    text = "# hi\n---\na:\n  - b: 1\n    c: [1, {d: 2}]\n  - x\nsame: &s {k: 1}\nalias: *s\n"
    places = locate(text, LIMITS, 0)
    assert places[()] == (3, 1)
    assert places["a",] == (3, 1)
    assert places["a", 0] == (4, 5)
    assert places["a", 0, "c", 1, "d"] == (5, 13)
    assert places["a", 1] == (6, 5)
    assert ("alias", "k") not in places
