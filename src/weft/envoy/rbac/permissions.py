"""Conditions on what is asked, as terms over the connection and the request."""

from collections.abc import Callable
from typing import Any, Final

from weft.envoy.messages import cidr, extension
from weft.envoy.rbac.terms import PERMISSION, Leaf, Term
from weft.envoy.text_match import regex, string_matcher
from weft.ir.values import Text

_HEADER: Final = "request.header:"
_SOMETHING: Final = "(?s:.+)"
_TEMPLATE: Final = "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig"
_TEMPLATE_MATCHER: Final = "envoy.path.match.uri_template.uri_template_matcher"


def permission_leaf(key: str) -> Leaf | None:
    """Returns how values of a key become permissions; None for a key that no permission can express."""
    if key.startswith(_HEADER):
        return _header(key.removeprefix(_HEADER))
    return _LEAVES.get(key)


def _header(name: str) -> Callable[[Any], Term]:
    def leaf(text: Text) -> Term:
        if text[0] == "present":
            return {"header": {"name": name, "present_match": True}}
        return {"header": {"name": name, "string_match": string_matcher(text)}}

    return leaf


def _host(text: Text) -> Term:
    """Returns the match of the authority as the client sent it, port and all; upper and lower case are one (Istio)."""
    if text[0] == "present":
        return {"header": {"name": ":authority", "present_match": True}}
    matcher: Any = string_matcher(text)
    if matcher.WhichOneof("match_pattern") == "safe_regex":
        return {
            "header": {"name": ":authority", "string_match": {"safe_regex": regex(f"(?i){matcher.safe_regex.regex}")}}
        }
    matcher.ignore_case = True
    return {"header": {"name": ":authority", "string_match": matcher}}


def _path(text: Text) -> Term:
    kind, operand = text
    if kind == "template":
        pattern = operand.replace("{**}", "**").replace("{*}", "*")
        return {"uri_template": extension(_TEMPLATE_MATCHER, _TEMPLATE, path_template=pattern)}
    return {"url_path": {"path": string_matcher(text)}}


def _server_name(text: Text) -> Term:
    if text[0] == "present":  # a connection without one has an empty name, which must not count
        return {"requested_server_name": {"safe_regex": regex(_SOMETHING)}}
    return {"requested_server_name": string_matcher(text)}


def _port(ports: str) -> Term:
    """Returns the match of `tcp:80` or `tcp:80-90`; another protocol never flows here."""
    protocol, _, numbers = ports.partition(":")
    first, _, last = numbers.partition("-")
    if protocol not in ("tcp", "any"):
        return PERMISSION.never()
    if not last:
        return {"destination_port": int(first)}
    return {"destination_port_range": {"start": int(first), "end": int(last) + 1}}


_LEAVES: Final[dict[str, Callable[[Any], Term]]] = {
    "port": _port,
    "local.address": lambda block: {"destination_ip": cidr(block)},
    "tls.name": _server_name,
    "request.host": _host,
    "request.method": _header(":method"),
    "request.path": _path,
}
