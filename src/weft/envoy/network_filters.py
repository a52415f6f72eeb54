"""Network filters: the HTTP connection manager and the TCP proxy."""

from collections.abc import Sequence
from typing import Any, Final, Literal

from google.protobuf.message import Message
from msgspec import Struct

from weft.base import protobuf
from weft.envoy.access_log import access_logs
from weft.envoy.endpoints import chosen_endpoint
from weft.envoy.filter_names import CONNECTION_MANAGER, TCP_PROXY
from weft.envoy.messages import discovered, extension, milliseconds
from weft.envoy.names import BLACKHOLE_CLUSTER, statistics_prefix
from weft.envoy.protocol_options import EDGE_HTTP2, HTTP2
from weft.ir.settings import MeshSettings, PathNormal
from weft.ir.view import Destination, StreamRoute

Side = Literal["outbound", "inbound", "gateway"]

FILTER: Final = "envoy.config.listener.v3.Filter"
_SERVER_NAME: Final = "weft-envoy"
_NO_TIMEOUT: Final = 0

_CLIENT_CERTIFICATE: Final[dict[Side, dict[str, Any]]] = {
    "outbound": {"forward_client_cert_details": "SANITIZE"},
    "inbound": {
        "forward_client_cert_details": "APPEND_FORWARD",
        "set_current_client_cert_details": {"subject": {"value": True}, "dns": True, "uri": True},
    },
    "gateway": {
        "forward_client_cert_details": "SANITIZE_SET",
        "set_current_client_cert_details": {"subject": {"value": True}, "cert": True, "dns": True, "uri": True},
    },
}
"""What an application learns of its peer's certificate (`x-forwarded-client-cert`), and whose word for it counts: none
of an application's own, in the mesh each proxy's, at an edge only what the gateway has seen itself (Istio)."""

_PATHS: Final[dict[PathNormal, dict[str, Any]]] = {
    "none": {},
    "base": {"normalize_path": {"value": True}},
    "merge_slashes": {"normalize_path": {"value": True}, "merge_slashes": True},
    "decode_and_merge_slashes": {
        "normalize_path": {"value": True},
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD",
    },
}
"""How paths are made comparable before routes and policies see them (Istio, MeshConfig.pathNormalization)."""


class HttpChain(Struct, frozen=True):
    """What is particular to one chain of HTTP: whose side it is, its name in statistics, and its route table.

    `tunnels`: clients may ask for them, by CONNECT.
    """

    side: Side
    name: str
    route: str
    tunnels: bool = False


def connection_manager(chain: HttpChain, filters: Sequence[Message], settings: MeshSettings) -> Message:
    """Returns the network filter that speaks HTTP. `filters` are its HTTP filters, the router last."""
    return protobuf.new(
        FILTER,
        **extension(
            CONNECTION_MANAGER,
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            stat_prefix=statistics_prefix(chain.name),
            rds={"route_config_name": chain.route, "config_source": discovered()},
            http_filters=list(filters),
            access_log=access_logs(settings, "http"),
            http2_protocol_options=EDGE_HTTP2 if chain.side == "gateway" else HTTP2,
            server_name=_SERVER_NAME,
            use_remote_address={"value": chain.side == "gateway"},
            stream_idle_timeout=protobuf.duration(_NO_TIMEOUT),
            upgrade_configs=[
                {"upgrade_type": each} for each in ("websocket", *(("CONNECT",) if chain.tunnels else ()))
            ],
            proxy_100_continue=True,
            strip_trailing_host_dot=True,
            **_PATHS[settings.path_normal],
            **_CLIENT_CERTIFICATE[chain.side],
        ),
    )


def tcp_proxy(name: str, stream: StreamRoute, settings: MeshSettings, *, closed_by: str = "") -> Message:
    """Returns the network filter that passes bytes on; `name` is its name in statistics, `closed_by` are the policies
    that its log names.

    The share of a broken destination is closed at once.
    """
    return protobuf.new(
        FILTER,
        **extension(
            TCP_PROXY,
            "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            stat_prefix=statistics_prefix(name),
            access_log=access_logs(settings, "tcp", closed_by=closed_by),
            idle_timeout=milliseconds(stream.idle),
            max_downstream_connection_duration=milliseconds(stream.lifetime),
            hash_policy=[{"source_ip": {}}] if stream.by_address else [],
            metadata_match=chosen_endpoint(stream.endpoint),
            **_clusters([d for d in stream.destinations if d.weight > 0]),
        ),
    )


def to_cluster(cluster: str, settings: MeshSettings) -> Message:
    """Returns the network filter that passes bytes on to one cluster, and is named by it."""
    return tcp_proxy(cluster, StreamRoute((Destination(cluster, 1),)), settings)


def _clusters(live: Sequence[Destination]) -> dict[str, Any]:
    match live:
        case []:
            return {"cluster": BLACKHOLE_CLUSTER}
        case [only]:
            return {"cluster": _cluster(only)}
    clusters = [{"name": _cluster(d), "weight": d.weight} for d in live]
    return {"weighted_clusters": {"clusters": clusters}}


def _cluster(destination: Destination) -> str:
    return BLACKHOLE_CLUSTER if destination.broken is not None else destination.cluster
