"""Listeners of a proxy that nothing is redirected to: one for each port that its workload serves, bound at the proxy's
own address, and one HTTP proxy for what the workload sends.
"""

import ipaddress
from collections.abc import Iterator
from typing import Final

from google.protobuf.message import Message
from msgspec import Struct

from weft.base import protobuf
from weft.envoy.access_log import refused_connection_logs
from weft.envoy.http_filters import client_filters
from weft.envoy.listener.chains import LISTENER, filter_chain
from weft.envoy.listener.inbound import content, port_chains
from weft.envoy.listener.inspectors import http_inspector, tls_inspector, waiting
from weft.envoy.messages import address
from weft.envoy.names import OUTBOUND_PORT, OWN_PORTS, listener_name
from weft.envoy.network_filters import HttpChain, connection_manager
from weft.ir.settings import MeshSettings
from weft.ir.view import HTTP_PROXY, Inbound, InboundPort

_LOOPBACK: Final = "127.0.0.1"


class BoundPort(Struct, frozen=True, cache_hash=True):
    """A port that a workload serves, with where its proxy listens for it and whom it accepts."""

    address: str
    port: InboundPort
    trust_domains: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its listener."""
        return listener_name(self.address, self.port.port)


def bound_ports(source: Inbound) -> tuple[BoundPort, ...]:
    """The ports that a proxy listens on for its workload; none of those that the proxy needs itself."""
    served = (port for port in source.ports if port.port not in OWN_PORTS)
    return tuple(BoundPort(source.address, port, source.trust_domains) for port in served)


def bound_listener(source: BoundPort, settings: MeshSettings) -> Message:
    """Returns the Listener of one served port. Its chains and its route table are those of a captured port."""
    return protobuf.new(
        LISTENER,
        name=source.name,
        address=address(source.address, source.port.port),
        traffic_direction="INBOUND",
        access_log=refused_connection_logs(settings),
        listener_filters=list(_inspectors(source.port)),
        filter_chains=list(port_chains(source.port, source.trust_domains, settings)),
        **waiting(settings),
    )


def http_proxy_listener(host: str, settings: MeshSettings) -> Message:
    """Returns the Listener that a workload names as its HTTP proxy; `host` is the address of the workload's proxy.

    Who may call it acts as the workload: at an address that others can reach, it is served on loopback instead.
    """
    bind = host if ipaddress.ip_address(host).is_loopback else _LOOPBACK
    chain = HttpChain("outbound", f"outbound_{HTTP_PROXY}", HTTP_PROXY, tunnels=True)
    return protobuf.new(
        LISTENER,
        name=HTTP_PROXY,
        address=address(bind, OUTBOUND_PORT),
        traffic_direction="OUTBOUND",
        filter_chains=[filter_chain(HTTP_PROXY, [connection_manager(chain, client_filters(), settings)])],
    )


def _inspectors(port: InboundPort) -> Iterator[Message]:
    """None waits where it decides nothing: a server of bytes may speak first."""
    if port.mutual != "off":
        yield tls_inspector()
    if content(port.protocol) == "detect":
        yield http_inspector()
