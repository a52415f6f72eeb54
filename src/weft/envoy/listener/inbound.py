"""The listener for what the workload is sent.

All its connections are redirected to one port. For each port that it serves there are filter chains: by whether the
peer speaks TLS of the mesh, TLS of its own or none, and by whether HTTP is inside.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal

from google.protobuf.message import Message
from msgspec import Struct

from weft.base import protobuf
from weft.base.families import any_addresses
from weft.envoy.access_log import refused_connection_logs
from weft.envoy.downstream_tls import HTTP1_ALPN, HTTP_ALPN, mesh_server_socket
from weft.envoy.http_filters import server_filters
from weft.envoy.listener.chains import (
    LISTENER,
    MESH_HTTP,
    MESH_PROTOCOLS,
    MESH_STREAM,
    PLAINTEXT,
    PLAINTEXT_HTTP,
    TLS,
    filter_chain,
)
from weft.envoy.listener.inspectors import (
    http_inspector,
    original_destination,
    original_source,
    tls_inspector,
    waiting,
)
from weft.envoy.messages import additional_addresses, address
from weft.envoy.names import (
    ANY_ADDRESS,
    BLACKHOLE_CLUSTER,
    INBOUND_PORT,
    VIRTUAL_INBOUND,
    inbound_name,
    listener_name,
)
from weft.envoy.network_filters import HttpChain, connection_manager, tcp_proxy, to_cluster
from weft.envoy.rbac.names import closed_by
from weft.envoy.rbac.network import access_network_filters
from weft.envoy.tls_context import identities_of
from weft.ir.access import MutualMode
from weft.ir.settings import MeshSettings
from weft.ir.traffic import TrafficSettings
from weft.ir.values import HTTP_PROTOCOLS, Protocol
from weft.ir.view import Destination, Inbound, InboundPort, StreamRoute

Content = Literal["http", "stream", "detect"]

_TPROXY_MARK: Final = 1337
"""What the rules for TPROXY keep answers to Envoy by (`istio-iptables --istio-inbound-tproxy-mark`)."""


class Pattern(Struct, frozen=True):
    """One kind of connection to a port, by what the inspectors saw ("" and () accept anything), and its treatment."""

    transport: str
    protocols: tuple[str, ...]
    mutual: bool
    http: bool


_PATTERNS: Final[dict[tuple[MutualMode, Content], tuple[Pattern, ...]]] = {
    ("require", "http"): (Pattern(TLS, (), mutual=True, http=True),),
    ("require", "stream"): (Pattern(TLS, (), mutual=True, http=False),),
    ("require", "detect"): (
        Pattern(TLS, MESH_HTTP, mutual=True, http=True),
        Pattern(TLS, (), mutual=True, http=False),
    ),
    ("accept", "http"): (
        Pattern(TLS, MESH_PROTOCOLS, mutual=True, http=True),
        Pattern(PLAINTEXT, (), mutual=False, http=True),
    ),
    ("accept", "stream"): (
        Pattern(TLS, MESH_PROTOCOLS, mutual=True, http=False),
        Pattern(TLS, (), mutual=False, http=False),
        Pattern(PLAINTEXT, (), mutual=False, http=False),
    ),
    ("accept", "detect"): (
        Pattern(TLS, MESH_HTTP, mutual=True, http=True),
        Pattern(PLAINTEXT, PLAINTEXT_HTTP, mutual=False, http=True),
        Pattern(TLS, MESH_STREAM, mutual=True, http=False),
        Pattern(TLS, (), mutual=False, http=False),
        Pattern(PLAINTEXT, (), mutual=False, http=False),
    ),
    ("off", "http"): (Pattern("", (), mutual=False, http=True),),
    ("off", "stream"): (Pattern("", (), mutual=False, http=False),),
    ("off", "detect"): (
        Pattern("", PLAINTEXT_HTTP, mutual=False, http=True),
        Pattern("", (), mutual=False, http=False),
    ),
}
"""Istio's chains: a peer that is not accepted finds none, and its connection is closed before anything is read. TLS of
the application's own is passed on where bytes are served, and has no chain where HTTP is."""


def inbound_listener(source: Inbound, settings: MeshSettings) -> Message:
    """Returns the Listener of a workload's server side. Route tables are those of `inbound_route_configuration`."""
    anywhere, *also = any_addresses(source.families)
    return protobuf.new(
        LISTENER,
        name=VIRTUAL_INBOUND,
        address=address(anywhere, INBOUND_PORT),
        additional_addresses=additional_addresses(also, INBOUND_PORT),
        traffic_direction="INBOUND",
        transparent={"value": True} if source.interception == "tproxy" else None,
        access_log=refused_connection_logs(settings),
        listener_filters=list(_inspectors(source)),
        filter_chains=[_loop_chain(settings), *_all_chains(source, settings)],
        **waiting(settings),
    )


def content(protocol: Protocol) -> Content:
    """Returns how a port's bytes are taken."""
    if protocol in HTTP_PROTOCOLS:
        return "http"
    return "detect" if protocol == "detect" else "stream"


def _loop_chain(settings: MeshSettings) -> Message:
    """Who calls the redirect port itself would be passed on to it again and again."""
    match = {"destination_port": {"value": INBOUND_PORT}}
    return filter_chain(f"{VIRTUAL_INBOUND}-blackhole", [to_cluster(BLACKHOLE_CLUSTER, settings)], match)


def _inspectors(source: Inbound) -> Iterator[Message]:
    """No inspector waits where it decides nothing: a server of plain bytes, or of STRICT ones, may speak first."""
    every = (*source.ports, source.other)
    yield original_destination()
    if source.interception == "tproxy":
        yield original_source(_TPROXY_MARK)
    if any(port.mutual != "off" for port in every):
        yield tls_inspector(not_on=(port.port for port in source.ports if port.mutual == "off"))
    if any(content(port.protocol) == "detect" for port in every):
        yield http_inspector(not_on=(port.port for port in source.ports if content(port.protocol) != "detect"))


def _all_chains(source: Inbound, settings: MeshSettings) -> Iterator[Message]:
    for port in (*source.ports, source.other):
        yield from port_chains(port, source.trust_domains, settings)


def port_chains(port: InboundPort, trust_domains: tuple[str, ...], settings: MeshSettings) -> Iterator[Message]:
    """Yields the filter chains of one served port."""
    for pattern in _PATTERNS[port.mutual, content(port.protocol)]:
        yield _chain(port, pattern, trust_domains, settings)


def _chain(port: InboundPort, pattern: Pattern, trust_domains: tuple[str, ...], settings: MeshSettings) -> Message:
    peers, alpn = identities_of(trust_domains), _alpn(port, pattern)
    socket = mesh_server_socket(peers, settings.lowest_tls, alpn=alpn) if pattern.mutual else None
    filters = _http(port, settings) if pattern.http else _stream(port, trust_domains, settings)
    return filter_chain(_chain_name(port, pattern), filters, _match(port, pattern), transport_socket=socket)


def _alpn(port: InboundPort, pattern: Pattern) -> tuple[str, ...]:
    """What a client may agree on: HTTP/2 only where it does not reach the application, which may not know it."""
    if content(port.protocol) == "http":
        return HTTP_ALPN
    return HTTP1_ALPN if pattern.http else ()


def _chain_name(port: InboundPort, pattern: Pattern) -> str:
    if port.port:
        return listener_name(ANY_ADDRESS, port.port)
    return f"{VIRTUAL_INBOUND}-catchall-http" if pattern.http else VIRTUAL_INBOUND


def _match(port: InboundPort, pattern: Pattern) -> dict[str, Any]:
    return {
        "destination_port": {"value": port.port} if port.port else None,
        "transport_protocol": pattern.transport,
        "application_protocols": list(pattern.protocols),
    }


def _http(port: InboundPort, settings: MeshSettings) -> list[Message]:
    name = f"inbound_{listener_name(ANY_ADDRESS, port.port)}"
    return [connection_manager(HttpChain("inbound", name, inbound_name(port.port)), server_filters(), settings)]


def _stream(port: InboundPort, trust_domains: tuple[str, ...], settings: MeshSettings) -> list[Message]:
    name, pool = inbound_name(port.port), port.pool or TrafficSettings()
    stream = StreamRoute((Destination(name, 1),), idle=pool.tcp_idle, lifetime=pool.lifetime)
    proxy = tcp_proxy(name, stream, settings, closed_by=closed_by(port.authorizations))
    return [*access_network_filters(port.authorizations, trust_domains), proxy]
