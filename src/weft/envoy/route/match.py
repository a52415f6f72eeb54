"""Matches on requests."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.text_match import as_regex, regex, string_matcher
from weft.ir.routing import HttpMatch
from weft.ir.values import Text

_JWT_FILTER: Final = "envoy.filters.http.jwt_authn"
_JWT_PAYLOAD: Final = "payload"
_ANYTHING: Final = ("regex", ".*")


@lru_cache(maxsize=256)  # nearly all routes match everything
def match_bytes(match: HttpMatch) -> bytes:
    """Returns the same as `route_match`, serialized."""
    return protobuf.serialize(route_match(match))


def route_match(match: HttpMatch) -> Message:
    """Returns the RouteMatch for one conjunction. What is decided per view (`port`, `client`) is not looked at."""
    return protobuf.new(
        "envoy.config.route.v3.RouteMatch",
        headers=list(_headers(match)),
        query_parameters=[_query(name, text) for name, text in match.query],
        dynamic_metadata=[_claim(name, text) for name, text in match.claims],
        **_path(match.path),
    )


def _path(path: Text | None) -> dict[str, Any]:
    if path is None:
        return {"prefix": "/"}
    kind, operand = path
    match kind:
        case "exact":
            return {"path": operand}
        case "iexact":
            return {"path": operand, "case_sensitive": {"value": False}}
        case "prefix":
            return {"prefix": operand}
        case "iprefix":
            return {"prefix": operand, "case_sensitive": {"value": False}}
    return {"safe_regex": regex(as_regex(path))}


def _headers(match: HttpMatch) -> Iterator[dict[str, Any]]:
    pseudo = ((":method", match.method), (":authority", match.host), (":scheme", match.scheme))
    yield from (_header(name, text) for name, text in pseudo if text is not None)
    yield from (_header(name, text) for name, text in match.headers)
    yield from (_not_header(name, text) for name, text in match.not_headers)


def _header(name: str, text: Text) -> dict[str, Any]:
    if text[0] == "present":
        return {"name": name, "present_match": True}
    return {"name": name, "string_match": string_matcher(text)}


def _not_header(name: str, text: Text) -> dict[str, Any]:
    """A header that is missing is not what must not be. Envoy has no word for that but to take it as empty (Istio)."""
    if text == _ANYTHING:
        text = ("present", "")
    return {**_header(name, text), "invert_match": True, "treat_missing_header_as_empty": text[0] != "present"}


def _query(name: str, text: Text) -> dict[str, Any]:
    if text[0] == "present":
        return {"name": name, "present_match": True}
    return {"name": name, "string_match": string_matcher(text)}


def _claim(name: str, text: Text) -> dict[str, Any]:
    """A claim of a verified token, by its path (`realm.roles`): the text itself, or one of a list of texts."""
    value = {"string_match": string_matcher(text)}
    either = {"value_matchers": [value, {"list_match": {"one_of": value}}]}
    path = [{"key": key} for key in (_JWT_PAYLOAD, *name.split("."))]
    return {"filter": _JWT_FILTER, "path": path, "value": {"or_match": either}}
