"""Which protocol a port speaks, from what its author declared."""

from types import MappingProxyType
from typing import Final

from weft.ir.values import Protocol

_BY_NAME: Final = MappingProxyType[str, Protocol](
    {
        "http": "http",
        "http_proxy": "http",
        "http2": "http2",
        "grpc": "grpc",
        "grpc-web": "grpc_web",
        "https": "tls",
        "tls": "tls",
        "tcp": "tcp",
        "udp": "udp",
        "mongo": "mongo",
        "mysql": "mysql",
        "redis": "redis",
    }
)
_KUBERNETES: Final = MappingProxyType[str, Protocol](
    {"kubernetes.io/h2c": "http2", "kubernetes.io/ws": "http", "kubernetes.io/wss": "tls"}
)
_SERVER_SPEAKS_FIRST: Final = frozenset({25, 53, 3306, 27017})
"""SMTP, DNS, MySQL and MongoDB: waiting for the client's first bytes there would wait for ever."""


def parse_protocol(text: str) -> Protocol | None:
    """A protocol by its name in Istio's APIs, in any case; None for a name that is none."""
    return _BY_NAME.get(text.lower())


def port_protocol(number: int, name: str, *, declared: str | None = None, transport: str = "TCP") -> Protocol:
    """The protocol of a service port.

    The order is Istio's ("Protocol Selection"): UDP as transport; `appProtocol` (`declared`), else the port's name up
    to its first `-`; else TCP on ports where the server speaks first; else detected from the first bytes.
    """
    if transport.upper() == "UDP":
        return "udp"
    if declared is not None and declared in _KUBERNETES:
        return _KUBERNETES[declared]
    text = (name if declared is None else declared).lower()
    prefix = "grpc-web" if text.startswith("grpc-web") else text.partition("-")[0]
    found = parse_protocol(prefix)
    if found is not None:
        return found
    return "tcp" if number in _SERVER_SPEAKS_FIRST else "detect"
