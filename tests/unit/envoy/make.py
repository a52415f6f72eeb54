"""Values for tests, with only that stated which a test is about."""

from typing import Any

from google.protobuf.message import Message

from weft.base.protobuf import to_dict
from weft.base.provenance import Provenance
from weft.ir.routing import HttpMatch, RouteRule
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Protocol
from weft.ir.view import Cluster, Destination, InboundPort

HOST = "reviews.default.svc.cluster.local"
PEER = "spiffe://cluster.local/ns/default/sa/reviews"


def cluster(protocol: Protocol = "http", **fields: Any) -> Cluster:
    """Returns a discovered cluster of port 80 with mesh TLS by endpoint."""
    values: dict[str, Any] = {
        "name": f"outbound|80||{HOST}",
        "host": HOST,
        "port": 80,
        "subset": "",
        "discovery": "endpoints",
        "settings": TrafficSettings(),
        "mesh_tls": "by_endpoint",
        "server_name": f"outbound_.80_._.{HOST}",
        "peers": (PEER,),
    }
    return Cluster(protocol=protocol, **(values | fields))


def rule(*matches: HttpMatch, **fields: Any) -> RouteRule:
    """Returns a rule that forwards; without matches it always holds."""
    values: dict[str, Any] = {"action": "forward"} | fields
    return RouteRule(Provenance("VirtualService", "shop", "routes"), "rule", (), matches or None, **values)


def to(*names: str) -> tuple[Destination, ...]:
    """Returns destinations of weight 1."""
    return tuple(Destination(name, 1) for name in names)


def served(port: int = 9080, protocol: Protocol = "http", mutual: Any = "accept", **fields: Any) -> InboundPort:
    """Returns a served port without policies."""
    return InboundPort(port=port, protocol=protocol, mutual=mutual, authorizations=(), **fields)


def json_of(message: Message) -> Any:
    """Returns a message in proto3 JSON."""
    return to_dict(message)


def typed(extension: Any) -> Any:
    """Returns the configuration in an extension's JSON (`typedConfig`) without its type."""
    return {key: value for key, value in extension["typedConfig"].items() if key != "@type"}
