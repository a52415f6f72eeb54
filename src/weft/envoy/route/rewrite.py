"""New paths and hosts for requests."""

from typing import Any

from weft.envoy.text_match import regex
from weft.ir.values import Transform


def rewrite(transform: Transform | None) -> dict[str, Any]:
    """Returns the fields of a RouteAction that rewrite path and host."""
    if transform is None:
        return {}
    return {**_path(transform), **new_host(transform)}


def new_host(transform: Transform | None) -> dict[str, Any]:
    """Returns the field of a RouteAction or of one of its destinations that changes the host, if it is changed."""
    return {"host_rewrite_literal": transform.host} if transform is not None and transform.host else {}


def regex_rewrite(pattern: str, substitution: str) -> dict[str, Any]:
    """Returns a RegexMatchAndSubstitute's fields; it works on the path without its query."""
    return {"pattern": regex(pattern), "substitution": substitution}


def _path(transform: Transform) -> dict[str, Any]:
    if transform.path is not None:
        return {"regex_rewrite": regex_rewrite("^.*$", transform.path.replace("\\", "\\\\"))}
    if transform.prefix is not None:
        return {"prefix_rewrite": transform.prefix}
    if transform.path_regex is not None:
        return {"regex_rewrite": regex_rewrite(*transform.path_regex)}
    return {}
