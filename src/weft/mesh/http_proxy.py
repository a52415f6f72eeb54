"""The one route table of clients that nothing is captured for: they name the proxy as their HTTP proxy.

A request then says host and port itself (RFC 9112, section 3.2.2: absolute-form), so one table holds all hosts on all
ports, told apart by `host:port`; a host without a port is on HTTP's own, 80 (Istio, the port
of kind HTTP_PROXY).
"""

from collections.abc import Iterable

from weft.ir.inventory import ServicePort
from weft.mesh.names import is_http

_HTTP_PORT = 80


def takes_http(port: ServicePort) -> bool:
    """Whether requests to a service's port go through an HTTP proxy: also where captured bytes would be looked at."""
    return is_http(port.protocol) or port.protocol == "detect"


def with_port(domains: Iterable[str], port: int) -> tuple[str, ...]:
    """The domains of a host by which requests name it and its port."""
    bare = tuple(domains)
    named = tuple(f"{domain}:{port}" for domain in bare)
    return (*bare, *named) if port == _HTTP_PORT else named
