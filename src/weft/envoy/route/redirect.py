"""Answers that send the client somewhere else."""

from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.route.rewrite import regex_rewrite
from weft.ir.routing import RouteRule
from weft.ir.values import Transform

_CODES: Final = {
    0: "MOVED_PERMANENTLY",
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}


def redirect(rule: RouteRule, port: int | None) -> Message:
    """Returns the RedirectAction; `port` is the listener's, for rules that keep the request's port.

    Envoy cannot know which port the client called, so "the request's" is the listener's (as in Istio).
    """
    location = rule.request or Transform()
    return protobuf.new(
        "envoy.config.route.v3.RedirectAction",
        response_code=_CODES[rule.status],
        host_redirect=location.host or "",
        port_redirect=(port or 0) if location.port == 0 else location.port or 0,
        **({"scheme_redirect": location.scheme} if location.scheme else {}),
        **_path(location),
    )


def _path(location: Transform) -> dict[str, Any]:
    if location.path is not None:
        return {"path_redirect": location.path}
    if location.prefix is not None:
        return {"prefix_rewrite": location.prefix}
    if location.path_regex is not None:
        return {"regex_rewrite": regex_rewrite(*location.path_regex)}
    return {}
