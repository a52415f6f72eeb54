"""Virtual hosts: the routes of one host, and what answers for hosts that nobody knows."""

from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.base.wire import bytes_field, number_field, string_field
from weft.envoy.names import (
    ALLOW_ANY,
    BLOCK_ALL,
    OUTBOUND_PORT,
    PASSTHROUGH_CLUSTER,
    RESOLVING_CLUSTER,
    virtual_host_port,
)
from weft.envoy.rbac.http import RouteAccess
from weft.envoy.route.route import OPEN, routes
from weft.envoy.route.tunnel import tunnel_route
from weft.ir import view
from weft.ir.view import Destination, Fallback, StreamRoute

VIRTUAL_HOST: Final = "envoy.config.route.v3.VirtualHost"

_ANY: Final = "*"
_EVERYTHING: Final = 2  # VirtualHost.TlsRequirementType
_REFUSED: Final = 502  # Istio, for hosts that are in no registry
_PROXY_ITSELF: Final = rf"(?i)(localhost|127\.[0-9.]+|\[.*\]):{OUTBOUND_PORT}"


def virtual_host(source: view.VirtualHost, access: RouteAccess = OPEN) -> Message:
    """Returns the VirtualHost of one host; `access` is what policies of a gateway say."""
    return protobuf.parse(VIRTUAL_HOST, host_bytes(source, access))


def host_bytes(source: view.VirtualHost, access: RouteAccess = OPEN) -> bytes:
    """Returns the same serialized."""
    port = virtual_host_port(source.name)
    opened = [protobuf.serialize(tunnel_route(source.tunnel))] if source.tunnel is not None else []
    ruled = [route for rule in source.routes for route in routes(rule, port, access, endpoint=source.endpoint)]
    return b"".join(
        [
            string_field(1, source.name),
            *[bytes_field(2, domain.encode()) for domain in source.domains],
            *[bytes_field(3, route) for route in (*opened, *ruled)],
            number_field(4, _EVERYTHING if source.https_redirect else 0),
            number_field(14, True),  # include_request_attempt_count
        ]
    )


def fallback_host(fallback: Fallback) -> Message | None:
    """Returns the VirtualHost for all other hosts; None where Envoy's own 404 is the answer.

    To be resolved, a host must not be the proxy itself: it would be asked for the same again and again.
    """
    match fallback:
        case "resolve":
            own = {"headers": [{"name": ":authority", "string_match": {"safe_regex": {"regex": _PROXY_ITSELF}}}]}
            answer = {"name": BLOCK_ALL, "direct_response": {"status": _REFUSED}}
            asked: tuple[dict[str, Any], ...] = ({"prefix": "/"}, {"connect_matcher": {}})
            refused = [{"match": {**each, **own}, **answer} for each in asked]
            unlimited = {"cluster": RESOLVING_CLUSTER, "timeout": protobuf.duration(0)}
            opened = tunnel_route(StreamRoute((Destination(RESOLVING_CLUSTER, 1),), name=ALLOW_ANY))
            return _fallback(ALLOW_ANY, {"route": unlimited}, before=[*refused, opened])
        case "allow":
            action: dict[str, Any] = {"cluster": PASSTHROUGH_CLUSTER, "timeout": protobuf.duration(0)}
            return _fallback(ALLOW_ANY, {"route": action})
        case "deny":
            return _fallback(BLOCK_ALL, {"direct_response": {"status": _REFUSED}})
        case "not_found":
            return None


def _fallback(name: str, action: dict[str, Any], before: Sequence[Any] = ()) -> Message:
    everything = {"name": name, "match": {"prefix": "/"}, **action}
    fields = {"name": name, "domains": [_ANY], "routes": [*before, everything], "include_request_attempt_count": True}
    return protobuf.new(VIRTUAL_HOST, **fields)


def catches_all(source: view.VirtualHost) -> bool:
    """Whether a host is for every name, so that a table can hold no fallback beside it."""
    return _ANY in source.domains
