"""The route of a tunnel: bytes for which a client asks by CONNECT (RFC 9110, section 9.3.6)."""

from typing import Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.endpoints import chosen_endpoint
from weft.envoy.messages import milliseconds
from weft.envoy.route.action import destinations, timeouts
from weft.ir.view import StreamRoute

_ROUTE: Final = "envoy.config.route.v3.Route"


def tunnel_route(stream: StreamRoute) -> Message:
    """Returns the Route that opens a tunnel to where a stream goes."""
    action = {
        "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}],
        "idle_timeout": milliseconds(0 if stream.idle is None else stream.idle),
        "metadata_match": chosen_endpoint(stream.endpoint),
        **timeouts(stream.lifetime),
        **destinations(stream.destinations),
    }
    return protobuf.new(_ROUTE, name=stream.name, match={"connect_matcher": {}}, route=action)
