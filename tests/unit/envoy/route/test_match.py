"""Matches on requests as Envoy's; tests/e2e/envoy/test_routes.py shows them matching."""

from typing import Any

import pytest
from tests.unit.envoy.make import json_of

from weft.envoy.route.match import route_match
from weft.ir.routing import HttpMatch
from weft.ir.values import Text


def _built(**fields: Any) -> Any:
    return json_of(route_match(HttpMatch(**fields)))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (None, {"prefix": "/"}),
        (("exact", "/a"), {"path": "/a"}),
        (("iexact", "/a"), {"path": "/a", "caseSensitive": False}),
        (("prefix", "/a"), {"prefix": "/a"}),
        (("iprefix", "/a"), {"prefix": "/a", "caseSensitive": False}),
        (("regex", "/a.*"), {"safeRegex": {"regex": "/a.*"}}),
        (("suffix", ".b"), {"safeRegex": {"regex": r"(?s:.*)\.b"}}),
    ],
)
def test_a_path(path: Text | None, expected: dict[str, Any]) -> None:
    assert _built(path=path) == expected


def test_parts_of_the_request_line_are_headers() -> None:
    built = _built(method=("exact", "GET"), host=("regex", "a.*"), scheme=("exact", "https"))
    assert [each["name"] for each in built["headers"]] == [":method", ":authority", ":scheme"]


def test_a_header_that_is_there() -> None:
    assert _built(headers=(("x", ("present", "")),))["headers"] == [{"name": "x", "presentMatch": True}]


def test_a_header_that_must_not_be_so_may_be_missing() -> None:
    (built,) = _built(not_headers=(("x", ("exact", "a")),))["headers"]
    assert built == {
        "name": "x",
        "stringMatch": {"exact": "a"},
        "invertMatch": True,
        "treatMissingHeaderAsEmpty": True,
    }


@pytest.mark.parametrize("text", [("present", ""), ("regex", ".*")])
def test_a_header_that_must_not_be_at_all(text: Text) -> None:
    """Taken as empty, a missing one would match "anything"."""
    (built,) = _built(not_headers=(("x", text),))["headers"]
    assert built == {"name": "x", "presentMatch": True, "invertMatch": True}


def test_a_query() -> None:
    built = _built(query=(("q", ("exact", "1")), ("debug", ("present", ""))))["queryParameters"]
    assert built == [{"name": "q", "stringMatch": {"exact": "1"}}, {"name": "debug", "presentMatch": True}]


def test_a_claim_is_a_text_or_one_of_several() -> None:
    (built,) = _built(claims=(("realm.groups", ("exact", "admin")),))["dynamicMetadata"]
    assert [each["key"] for each in built["path"]] == ["payload", "realm", "groups"]
    one, many = built["value"]["orMatch"]["valueMatchers"]
    assert one == many["listMatch"]["oneOf"] == {"stringMatch": {"exact": "admin"}}
