"""One rule of a virtual host as Envoy routes."""

from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.base.provenance import Provenance
from weft.base.wire import bytes_field, string_field
from weft.envoy.filter_names import CORS, FAULT, SESSION
from weft.envoy.names import cluster_host, virtual_service_path
from weft.envoy.rbac.http import RouteAccess
from weft.envoy.route.action import forward
from weft.envoy.route.affinity import session
from weft.envoy.route.cors import cors_policy
from weft.envoy.route.fault import fault
from weft.envoy.route.headers import request_edits, response_edits
from weft.envoy.route.match import match_bytes
from weft.envoy.route.redirect import redirect
from weft.ir.routing import HttpMatch, RouteRule
from weft.ir.view import Route

ROUTE: Final = "envoy.config.route.v3.Route"
OPEN: Final = RouteAccess({}, {})
"""What the routes of clients carry: policies are judged at servers and gateways."""

_ALWAYS: Final = (HttpMatch(),)
_AUTHORS: Final = "VirtualService"


def routes(source: Route, port: int | None, access: RouteAccess = OPEN, *, endpoint: str = "") -> list[bytes]:
    """Returns one serialized Route for each of the rule's matches, in order.

    `port` is the one that clients call, `access` what policies of a gateway say, `endpoint` as in `view.VirtualHost`.
    What nearly every route has is written by hand, all else is a message that is merged with it.
    """
    rule = source.rule
    action = bytes_field(2, forward(source, endpoint)) if rule.action == "forward" else b""
    common = string_field(14, rule.name) + action + _details(rule, port, access)
    matches = _ALWAYS if rule.matches is None else rule.matches
    return [
        bytes_field(1, match_bytes(match)) + bytes_field(5, string_field(1, _operation(source, match, port))) + common
        for match in matches
    ]


def _details(rule: RouteRule, port: int | None, access: RouteAccess) -> bytes:
    fields: dict[str, Any] = {
        "metadata": _metadata(rule.source, access),
        "stat_prefix": rule.stat,
        "typed_per_filter_config": {**access.typed_per_filter_config, **_filters(rule)},
        **({} if rule.action == "redirect" else request_edits(rule.request)),
        **response_edits(rule.response),
        **_answer(rule, port),
    }
    stated = {name: value for name, value in fields.items() if value}
    return protobuf.serialize(protobuf.new(ROUTE, **stated)) if stated else b""


def _answer(rule: RouteRule, port: int | None) -> dict[str, Any]:
    """What the proxy answers itself."""
    match rule.action:
        case "forward":
            return {}
        case "redirect":
            return {"redirect": redirect(rule, port)}
        case "respond":
            body = {"inline_bytes": rule.body} if rule.body else None
            return {"direct_response": {"status": rule.status, "body": body}}


def _filters(rule: RouteRule) -> dict[str, Message]:
    found = {
        FAULT: fault(rule),
        CORS: cors_policy(rule.cors) if rule.cors is not None else None,
        SESSION: session(rule.sticky) if rule.sticky else None,
    }
    return {name: protobuf.pack(config) for name, config in found.items() if config is not None}


def _operation(source: Route, match: HttpMatch, port: int | None) -> str:
    """The name of the span: the destination, or the rule's object where there are several, and the path (Istio)."""
    hosts = {cluster_host(destination.cluster) for destination in source.destinations}
    host = next(iter(hosts)) if len(hosts) == 1 else source.rule.source.name
    kind, path = match.path or ("prefix", "/")
    place = f"{host}:{port}" if port else host
    return f"{place}{path}{'' if kind == 'exact' else '*'}"


def _metadata(source: Provenance, access: RouteAccess) -> Message | None:
    """Where the route comes from, as istioctl and people look for it, and what access logs say of policies."""
    values = dict(access.filter_metadata)
    if source.kind.partition(".")[0] == _AUTHORS:
        values["istio"] = protobuf.struct({"config": virtual_service_path(source.namespace, source.name)})
    return protobuf.new("envoy.config.core.v3.Metadata", filter_metadata=values) if values else None
