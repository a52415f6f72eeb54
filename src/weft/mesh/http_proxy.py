"""The one route table of clients that nothing is captured for: they name the proxy as their HTTP proxy.

A request then says host and port itself (RFC 9112, section 3.2.2: absolute-form), so one table holds all hosts on all
ports, told apart by `host:port`; a host without a port is on HTTP's own, 80 (Istio, the port of kind HTTP_PROXY). To
where bytes are served the proxy opens a tunnel (RFC 9110, section 9.3.6: CONNECT).
"""

from collections.abc import Iterable

from weft.ir.inventory import Service, ServicePort
from weft.ir.view import StreamRoute
from weft.mesh.names import is_http

_HTTP_PORT = 80


def is_reachable(port: ServicePort) -> bool:
    """Whether a service's port can be reached through an HTTP proxy."""
    return port.protocol != "udp"


def takes_requests(port: ServicePort) -> bool:
    """Whether requests go to a service's port, also where captured bytes would be looked at. To others go tunnels."""
    return is_http(port.protocol) or port.protocol == "detect"


def with_port(domains: Iterable[str], port: int) -> tuple[str, ...]:
    """The domains of a host by which requests name it and its port."""
    bare = tuple(domains)
    named = tuple(f"{domain}:{port}" for domain in bare)
    return (*bare, *named) if port == _HTTP_PORT else named


def tunnel(service: Service, streams: Iterable[StreamRoute]) -> StreamRoute | None:
    """Where bytes for a service go of which nothing is seen but its name: the first stream that asks for no more."""
    return next((stream for stream in streams if _is_for(stream, service.host)), None)


def _is_for(stream: StreamRoute, host: str) -> bool:
    named = stream.tls_names is None or host in stream.tls_names
    return named and stream.networks is None and stream.client_networks is None
