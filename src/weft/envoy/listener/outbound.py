"""Listeners for what the workload sends.

All its connections are redirected to one port. Envoy hands each to the listener of its original destination, which is
bound to no port; one listener for each address or port keeps a change of one service away from all others.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal

from google.protobuf.message import Message

from weft.base import protobuf
from weft.base.families import Family, any_addresses
from weft.envoy.access_log import refused_connection_logs
from weft.envoy.http_filters import client_filters
from weft.envoy.listener.chains import LISTENER, PLAINTEXT, PLAINTEXT_HTTP, filter_chain
from weft.envoy.listener.inspectors import http_inspector, tls_inspector, waiting
from weft.envoy.listener.stream_chains import (
    Places,
    catch_all,
    has_server_names,
    matched_chains,
    stream_filters,
)
from weft.envoy.messages import additional_addresses, address
from weft.envoy.names import (
    BLACKHOLE_CLUSTER,
    OUTBOUND_PORT,
    PASSTHROUGH_CLUSTER,
    VIRTUAL_OUTBOUND,
    listener_name,
)
from weft.envoy.network_filters import HttpChain, connection_manager, to_cluster
from weft.ir.settings import MeshSettings
from weft.ir.view import OutboundListener

Fallback = Literal["allow", "deny"]

_FALLBACK_CHAIN: Final = "PassthroughFilterChain"


def outbound_listener(source: OutboundListener, settings: MeshSettings) -> Message:
    """Returns the Listener of one destination address and port.

    A connection that is not HTTP falls to the streams, then to the listener's fallback, even where the port is declared
    to be HTTP (Istio): an address without a service may serve anything there.
    """
    name = listener_name(source.address, source.port)
    http = [] if source.kind == "stream" else [_http_chain(name, source.route, settings)]
    return protobuf.new(
        LISTENER,
        name=name,
        address=address(source.address, source.port),
        additional_addresses=additional_addresses(source.also, source.port),
        bind_to_port={"value": False},
        traffic_direction="OUTBOUND",
        filter_chains=[*http, *matched_chains(source.streams, settings, places=Places())],
        default_filter_chain=_default_chain(source, settings),
        **_inspection(source, settings),
    )


def virtual_outbound(fallback: Fallback, settings: MeshSettings, families: Sequence[Family] = ("IPv4",)) -> Message:
    """Returns the Listener that all connections are redirected to, with what happens to those no other one is for.

    `families` are those of the workload's addresses.
    """
    anywhere, *also = any_addresses(families)
    return protobuf.new(
        LISTENER,
        name=VIRTUAL_OUTBOUND,
        address=address(anywhere, OUTBOUND_PORT),
        additional_addresses=additional_addresses(also, OUTBOUND_PORT),
        use_original_dst={"value": True},
        traffic_direction="OUTBOUND",
        access_log=refused_connection_logs(settings),
        filter_chains=[
            _loop_chain(settings),
            filter_chain(f"{VIRTUAL_OUTBOUND}-catchall-tcp", [_fallback_proxy(fallback, settings)]),
        ],
    )


def _loop_chain(settings: MeshSettings) -> Message:
    """Who calls the redirect port itself would be passed on to it again and again."""
    match = {"destination_port": {"value": OUTBOUND_PORT}}
    return filter_chain(f"{VIRTUAL_OUTBOUND}-blackhole", [to_cluster(BLACKHOLE_CLUSTER, settings)], match)


def _http_chain(name: str, route: str, settings: MeshSettings) -> Message:
    match = {"transport_protocol": PLAINTEXT, "application_protocols": list(PLAINTEXT_HTTP)}
    chain = HttpChain("outbound", f"outbound_{name}", route)
    filters = client_filters(on_demand=settings.on_demand)
    return filter_chain(name, [connection_manager(chain, filters, settings)], match)


def _default_chain(source: OutboundListener, settings: MeshSettings) -> Message:
    stream = catch_all(source.streams)
    if stream is None:
        return filter_chain(_FALLBACK_CHAIN, [_fallback_proxy(source.fallback, settings)])
    return filter_chain(stream.name, stream_filters(stream, settings))


def _fallback_proxy(fallback: Fallback, settings: MeshSettings) -> Message:
    return to_cluster(PASSTHROUGH_CLUSTER if fallback == "allow" else BLACKHOLE_CLUSTER, settings)


def _inspection(source: OutboundListener, settings: MeshSettings) -> dict[str, Any]:
    """Streams that are told apart by address alone are not looked into, so that servers may speak first."""
    if source.kind != "stream":
        return {"listener_filters": [tls_inspector(), http_inspector()], **waiting(settings)}
    if has_server_names(source.streams):
        return {"listener_filters": [tls_inspector()], **waiting(settings)}
    return {}
