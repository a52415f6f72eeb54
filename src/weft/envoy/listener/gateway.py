"""Listeners of gateways: the ports by which traffic enters the mesh, or passes from one network to another."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from msgspec.structs import replace

from weft.base import protobuf
from weft.envoy.access_log import refused_connection_logs
from weft.envoy.downstream_tls import gateway_socket
from weft.envoy.http_filters import gateway_filters
from weft.envoy.listener.chains import LISTENER, MESH_PROTOCOLS, TLS, filter_chain
from weft.envoy.listener.inspectors import tls_inspector, waiting
from weft.envoy.listener.stream_chains import (
    Place,
    Places,
    catch_all,
    has_server_names,
    matched_chains,
    stream_filters,
)
from weft.envoy.messages import additional_addresses, address, extension
from weft.envoy.names import ANY_ADDRESS, BLACKHOLE_CLUSTER, listener_name, local_domains
from weft.envoy.network_filters import FILTER, HttpChain, connection_manager, to_cluster
from weft.envoy.rbac.names import closed_by
from weft.envoy.rbac.network import access_network_filters
from weft.ir.settings import MeshSettings
from weft.ir.view import GatewayListener, GatewayServer


def gateway_listener(source: GatewayListener, settings: MeshSettings) -> Message:
    """Returns the Listener of one port of a gateway. Connections that no server is for are closed."""
    bind = source.bind or ANY_ADDRESS
    return protobuf.new(
        LISTENER,
        name=listener_name(bind, source.port),
        address=address(bind, source.port),
        additional_addresses=additional_addresses(source.also, source.port),
        traffic_direction="OUTBOUND",
        access_log=refused_connection_logs(settings),
        filter_chains=list(_chains(source, settings)),
        **_inspection(source, settings),
    )


def _inspection(source: GatewayListener, settings: MeshSettings) -> dict[str, Any]:
    """Only where TLS may be seen is it looked for: a server of plain bytes may speak first."""
    if any(server.tls_names is not None or has_server_names(server.streams) for server in source.servers):
        return {"listener_filters": [tls_inspector()], **waiting(settings)}
    return {}


def _chains(source: GatewayListener, settings: MeshSettings) -> Iterator[Message]:
    places = Places()
    for server in source.servers:
        if server.kind == "stream" and not _between_networks(server):
            yield from _streams(source, server, places, settings)
            continue
        match = _match(server, places)
        if match is None:
            continue
        if _between_networks(server):
            match["application_protocols"] = list(MESH_PROTOCOLS)
            yield filter_chain(server.name, [_by_server_name(), to_cluster(BLACKHOLE_CLUSTER, settings)], match)
        else:
            filters = [_http(source, server, settings)]
            yield filter_chain(server.name, filters, match, transport_socket=_socket(server, settings))


def _match(server: GatewayServer, places: Places) -> dict[str, Any] | None:
    """The match of a server's only chain; None if nothing is left for it. `*` accepts clients without a name too."""
    if server.tls_names is None:
        return {} if places.take([Place()]) else None
    free = places.take(Place(server_name=name) for name in server.tls_names)
    if not free:
        return None
    names = [place.server_name for place in free]
    return {"transport_protocol": TLS, "server_names": [] if "*" in names else names}


def _http(source: GatewayListener, server: GatewayServer, settings: MeshSettings) -> Message:
    name = f"outbound_{listener_name(source.bind or ANY_ADDRESS, source.port)}"
    return connection_manager(HttpChain("gateway", name, server.route), gateway_filters(), settings)


def _streams(
    source: GatewayListener, server: GatewayServer, places: Places, settings: MeshSettings
) -> Iterator[Message]:
    """Streams that state no server name have the server's."""
    policies = access_network_filters(source.authorizations, local_domains(settings))
    closing = closed_by(source.authorizations)
    socket = _socket(server, settings)
    streams = [s if s.tls_names is not None else replace(s, tls_names=server.tls_names) for s in server.streams]
    yield from matched_chains(
        streams, settings, places=places, before=policies, closed_by=closing, transport_socket=socket
    )
    rest = catch_all(streams)
    match = _match(replace(server, tls_names=server.tls_names and ("*",)), places) if rest is not None else None
    if rest is not None and match is not None:
        filters = [*policies, *stream_filters(rest, settings, closed_by=closing)]
        yield filter_chain(server.name, filters, match, transport_socket=socket)


def _between_networks(server: GatewayServer) -> bool:
    return server.tls is not None and server.tls.mode == "passthrough_mesh"


def _by_server_name() -> Message:
    """The filter that sends TLS of the mesh to the cluster that its server name spells (`outbound_.80_._.host`)."""
    full_name = "envoy.extensions.filters.network.sni_cluster.v3.SniCluster"
    return protobuf.new(FILTER, **extension("envoy.filters.network.sni_cluster", full_name))


def _socket(server: GatewayServer, settings: MeshSettings) -> dict[str, Any] | None:
    if server.tls is None:
        return None
    return gateway_socket(
        server.tls,
        trust_domains=local_domains(settings),
        lowest=settings.lowest_tls,
        http=server.kind == "http",
    )
