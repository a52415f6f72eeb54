"""What is read without libyaml is what libyaml gives; what might be something else is left to it."""

from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from weft.sources.directory import yaml_values
from weft.sources.directory.chunks import Chunk
from weft.sources.directory.limits import Limits
from weft.sources.directory.plain_yaml import UnusualError, parse_plain

LIMITS = Limits()
MANIFEST = """\
# A comment
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  labels: {app: reviews, version: "1"}
  annotations:
    example.org/note: 'it is so'  # and why
spec:
  hosts: [reviews, reviews.example.org]
  gateways:
  - mesh
  http:
  - match: [{uri: {prefix: /api}}, {headers: {x-user: {exact: ann}}}]
    timeout: 1.5s
    retries:
      attempts: 0777
    route:
    -   destination:
            host: reviews
            port: {number: 9080}
        weight: 100
    empty:
  - route: []
  tcp: ~
"""

PIECES = (
    *("v", "1", "1.5", "0777", ".inf", "-1", "-", "---", "...", "on", "~", "a b", "a: b", "a:b", "a #b", "a#b", "# c"),
    *('"x"', "'x'", '"x', r'"x\n"', "'it''s'", '"a # b"', '"a" b', "&x a", "*x", "!t a", "|", ">", "@a", "%a", ", a"),
    *("[a]", "[a, b]", "[ a,b ]", "{a: b}", "{a: 1, b: 2}", "{a: b, a: c}", "{on: b}", "{a: [b, {c: d}]}", "{a}"),
    *("[a: b]", "[]", "{}", "[a", "{a: b} c", "[&x a, *x]", "[a, ]", "[.inf]", "[on, ~, 012]", "{a: b#c}", "[a:b]"),
    *("http://x:80/y", "nginx:1.2", "a:", "12:30", "- a", "- - a", "? a", "x{y", "=", "<", "\t", "\x85", "é", ""),
)
KEYS = ("a", "b", "c", "name", "on", "8", '"q"', "a b", "<<", "-a", "?", "a.b/c-d")
LINES = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(("", "", "  ", "  ", "    ", " ")),
    st.sampled_from(("", "", "", "- ", "-  ", "-")),
    st.sampled_from([*(f"{key}: " for key in KEYS), *(f"{key}:" for key in KEYS[:3]), ""]),
    st.sampled_from(PIECES),
    st.sampled_from(("", "", "", " ", " # c", "#c")),
)
TEXTS = st.lists(LINES, min_size=1, max_size=6).map("\n".join)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(PIECES) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


def flow(text: str) -> Any:
    ((_, value),) = yaml_values.parse(text, LIMITS)
    return value


def plain(text: str) -> Any:
    return parse_plain(text, flow)


def compare(text: str) -> None:
    """Both readers give the same, or the plain one gives nothing."""
    try:
        found = plain(text)
    except UnusualError:
        return
    assert repr([found]) == repr(yaml_values.parse(text, LIMITS))


@settings(max_examples=1_000)
@given(TEXTS)
@example("a:\n  b:\n- c")
@example("- a: 1\n  b: 2")
@example("a: b\n c")
@example("a: null\n  b: 1")
@example("a:\n- b:\n  - c\n  d: 1\ne: 2")
def test_lines_are_read_as_libyaml_reads_them(text: str) -> None:
    compare(text)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES), st.sampled_from((None, False, True)), st.integers(2, 6))
def test_what_a_yaml_writer_writes_is_read_as_libyaml_reads_it(value: Any, flow_style: Any, indent: int) -> None:
    compare(yaml.safe_dump(value, default_flow_style=flow_style, indent=indent, allow_unicode=True))


def test_manifests_are_plain() -> None:
    line, found = plain(MANIFEST)
    assert line == 2
    assert [(line, found)] == yaml_values.parse(MANIFEST, LIMITS)
    assert found["spec"]["http"][0]["route"] == [
        {"destination": {"host": "reviews", "port": {"number": 9080}}, "weight": 100}
    ]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "# nothing",
            "---",
            "- a",
            "a",
            "a: &x 1",
            "a: *x",
            "a: !!str 1",
            "a: |\n  b",
            "a: b\n  c",
            'a: "b\n  c"',
        ),
        *("a: 1\na: 2", "a:\n\tb: 1", "a: é", "on: 1", "8080: 1", "<<: {a: 1}", "a: .inf", "a: {b: .inf}", "a: b: c"),
        *(
            "a: {b: 1, b: 2}",
            "a: [&x 1, *x]",
            "a: [b",
            "a:\n   b: 1\n  c: 2",
            "a: 1\n---\nb: 2",
            "a: 1\n...",
            "? a\n: b",
        ),
        "a: " + "b" * 2_000,
        "\n".join(f"{' ' * each}a:" for each in range(30)),
    ],
)
def test_what_is_not_plain_is_left_to_libyaml(text: str) -> None:
    with pytest.raises(UnusualError):
        plain(text)


def test_equal_lines_share_nothing_that_can_be_changed() -> None:
    text = "a: {b: {c: [1]}}"
    _, first = plain(text)
    first["a"]["b"]["c"].append(2)
    assert plain(text) == (1, {"a": {"b": {"c": [1]}}})


def test_a_document_that_is_not_plain_is_read_all_the_same() -> None:
    text = "---\na: |\n  b\n"
    assert Chunk(text, 0).parse(LIMITS) == [(2, {"a": "b\n"})]
    assert Chunk(MANIFEST, 0).parse(LIMITS) == yaml_values.parse(MANIFEST, LIMITS)
