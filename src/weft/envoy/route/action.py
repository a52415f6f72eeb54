"""Where a request goes."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from weft.base import protobuf
from weft.base.durations import Milliseconds
from weft.base.wire import string_field
from weft.envoy.endpoints import chosen_endpoint
from weft.envoy.messages import milliseconds, runtime_fraction, wrapped
from weft.envoy.names import broken_cluster
from weft.envoy.route.affinity import hash_policy
from weft.envoy.route.headers import request_edits, response_edits
from weft.envoy.route.retry import retry_policy
from weft.envoy.route.rewrite import new_host, rewrite
from weft.ir.routing import Retry
from weft.ir.view import Destination, Route

_ACTION: Final = "envoy.config.route.v3.RouteAction"
_NOWHERE: Final = "no-destination"


def forward(route: Route, endpoint: str = "") -> bytes:
    """Returns the serialized RouteAction of a rule that forwards; `endpoint` is as in `view.VirtualHost`.

    Most rules have limits that others have, too, and lead to one cluster; all else is a message, merged with these.
    """
    rule = route.rule
    to = destinations(route.destinations)
    fields = {
        "request_mirror_policies": [_mirror(cluster, share) for cluster, share in route.mirrors if cluster],
        "hash_policy": [hash_policy(key) for key in route.hash_on],
        "metadata_match": chosen_endpoint(endpoint),
        **rewrite(rule.request),
        **to,
    }
    stated = {name: value for name, value in fields.items() if value and name != "cluster"}
    return (
        string_field(1, to.get("cluster", ""))
        + _limits(rule.timeout, rule.idle, rule.retry, rule.backend_timeout)
        + (protobuf.serialize(protobuf.new(_ACTION, **stated)) if stated else b"")
    )


@lru_cache(maxsize=256)  # nearly all routes have the same
def _limits(
    timeout: Milliseconds | None, idle: Milliseconds | None, retry: Retry | None, backend_timeout: Milliseconds | None
) -> bytes:
    found = protobuf.new(
        _ACTION,
        **timeouts(timeout),
        idle_timeout=milliseconds(idle),
        retry_policy=retry_policy(retry, backend_timeout),
    )
    return protobuf.serialize(found)


def timeouts(limit: Milliseconds | None) -> dict[str, Any]:
    """Returns the fields of a RouteAction that limit a request; without a limit a gRPC client's own counts (Istio).

    A stated limit must stand alone: beside `max_stream_duration` Envoy does not look at `timeout`, and then answers
    that the client took too long.
    """
    if limit:
        return {"timeout": milliseconds(limit)}
    forever = milliseconds(0)
    return {
        "timeout": forever,
        "max_stream_duration": {"max_stream_duration": forever, "grpc_timeout_header_max": forever},
    }


def destinations(to: Sequence[Destination]) -> dict[str, Any]:
    """Returns the fields of a RouteAction that say where requests go.

    A broken destination is a cluster that does not exist: its share is answered 500, the others are not touched."""
    live = [d for d in to if d.weight > 0]
    broken = not live or any(d.broken is not None for d in live)
    code = {"cluster_not_found_response_code": "INTERNAL_SERVER_ERROR"} if broken else {}
    match live:
        case []:
            return {"cluster": broken_cluster(_NOWHERE), **code}
        case [only] if only.request is None and only.response is None:
            return {"cluster": _cluster(only), **code}
    return {"weighted_clusters": {"clusters": [_weighted(d) for d in live]}, **code}


def _weighted(destination: Destination) -> dict[str, Any]:
    return {
        "name": _cluster(destination),
        "weight": wrapped(destination.weight),
        **new_host(destination.request),
        **request_edits(destination.request),
        **response_edits(destination.response),
    }


def _cluster(destination: Destination) -> str:
    return destination.cluster if destination.broken is None else broken_cluster(destination.broken)


def _mirror(cluster: str, share: float) -> dict[str, Any]:
    """The copy keeps the host of the request: servers of today choose by it (Istio)."""
    return {
        "cluster": cluster,
        "runtime_fraction": runtime_fraction(share),
        "disable_shadow_host_suffix_append": True,
    }
