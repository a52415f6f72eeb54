"""Which version of HTTP a cluster speaks, and the limits of its connections."""

from functools import lru_cache
from typing import Any, Final, Literal

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.messages import milliseconds, wrapped
from weft.ir.traffic import TrafficSettings
from weft.ir.values import HTTP2_PROTOCOLS, HTTP_PROTOCOLS, Protocol

Codec = Literal["http1", "http2", "negotiated", "as_client", "none"]
OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

EDGE_HTTP2: Final[dict[str, Any]] = {"allow_connect": True}
"""Towards clients outside the mesh. Tunnels of WebSocket pass (RFC 8441). Windows are Envoy's own, so that a stranger's
connection makes a gateway hold no more."""

HTTP2: Final[dict[str, Any]] = {
    **EDGE_HTTP2,
    "initial_stream_window_size": {"value": 2**20},
    "initial_connection_window_size": {"value": 2**28},
}
"""Both ends of HTTP/2 in the mesh. What is sent to a reader that has stopped is held by both
proxies, a window at most; Envoy's own default of 16 MiB costs a gigabyte where 64 have stopped. The connection's window
has room for 256 of them."""


def codec(protocol: Protocol, settings: TrafficSettings, *, negotiable: bool = False) -> Codec:
    """Returns the version of HTTP for a port's protocol: the port decides, not what the client speaks.

    A client's version is kept where the protocol is detected (nothing else is known of the server) and where it is
    asked for. `none` is for ports that are not HTTP. `negotiable`: both ends are proxies of the mesh, which agree on
    HTTP/2 for HTTP/1.1 (Linkerd does so, too), unless an author decides it or has set limits that mean connections.
    """
    if protocol not in HTTP_PROTOCOLS and protocol != "detect":
        return "none"
    if settings.http2 == "as_client":
        return "as_client"
    if protocol in HTTP2_PROTOCOLS or settings.http2 == "upgrade":
        return "http2"
    if protocol == "detect":
        return "as_client"
    return "negotiated" if negotiable and settings.http2 is None and not _limits_connections(settings) else "http1"


def _limits_connections(settings: TrafficSettings) -> bool:
    """Whether an author counts on a connection for each request that is under way."""
    return any((settings.connections, settings.pending, settings.requests_per_connection))


@lru_cache(maxsize=256)  # nearly all clusters have the same ones
def protocol_options(
    version: Codec, settings: TrafficSettings, *, server_name_from_host: bool = False, verify_host: bool = False
) -> dict[str, Message] | None:
    """Returns the typed_extension_protocol_options of a Cluster; None where HTTP is not spoken.

    `server_name_from_host`: TLS asks for the host of each request, and with `verify_host` the certificate must name it.
    """
    if version == "none":
        return None
    sni = {"auto_sni": server_name_from_host, "auto_san_validation": verify_host}
    options = protobuf.new(
        OPTIONS,
        common_http_protocol_options=_connections(settings),
        upstream_http_protocol_options=sni if server_name_from_host else None,
        **_versions(version, settings),
    )
    return {OPTIONS: protobuf.pack(options)}


def _connections(settings: TrafficSettings) -> dict[str, Any] | None:
    fields = {
        "idle_timeout": milliseconds(settings.idle),
        "max_connection_duration": milliseconds(settings.lifetime),
        "max_requests_per_connection": wrapped(settings.requests_per_connection or None),
    }
    return fields if any(value is not None for value in fields.values()) else None


def _versions(version: Codec, settings: TrafficSettings) -> dict[str, Any]:
    http2: dict[str, Any] = {**HTTP2, "max_concurrent_streams": wrapped(settings.streams or None)}
    if settings.ping is not None:
        interval, timeout = settings.ping
        http2["connection_keepalive"] = {"interval": milliseconds(interval), "timeout": milliseconds(timeout)}
    match version:
        case "http2":
            return {"explicit_http_config": {"http2_protocol_options": http2}}
        case "negotiated":
            return {"auto_config": {"http_protocol_options": {}, "http2_protocol_options": http2}}
        case "as_client":
            return {"use_downstream_protocol_config": {"http_protocol_options": {}, "http2_protocol_options": http2}}
        case _:
            return {"explicit_http_config": {"http_protocol_options": {}}}
