"""The route table of a served port: everything goes to the workload, after what policies say.

Policies are part of the table and not of the listener: a new table acts at once on open connections, a new listener
only when they have drained.
"""

from typing import Final

from google.protobuf.message import Message
from msgspec.structs import replace

from weft.base import protobuf
from weft.envoy.names import inbound_name, inbound_virtual_host, local_domains
from weft.envoy.rbac.http import route_access
from weft.envoy.route.action import timeouts
from weft.envoy.route.retry import retry_policy
from weft.envoy.route_configuration import frame
from weft.envoy.virtual_host import VIRTUAL_HOST
from weft.ir.settings import MeshSettings
from weft.ir.view import InboundPort

_ROUTE: Final = "default"


def inbound_route_configuration(port: InboundPort, settings: MeshSettings) -> Message:
    """Returns the RouteConfiguration of one served port; of port 0, for all ports that are not declared."""
    retry = replace(settings.inbound_retry, other_host=False) if settings.inbound_retry is not None else None
    action = {
        "cluster": inbound_name(port.port),
        **timeouts(None),
        "retry_policy": retry_policy(retry, None),
    }
    operation = {"operation": f"{port.service}:{port.port}/*"} if port.service else None
    access = route_access(port.authorizations, local_domains(settings)).fields()
    route = {"name": _ROUTE, "match": {"prefix": "/"}, "route": action, "decorator": operation, **access}
    host = protobuf.new(
        VIRTUAL_HOST,
        name=inbound_virtual_host(port.port),
        domains=["*"],
        routes=[route],
    )
    table = frame(inbound_name(port.port))
    table.virtual_hosts.append(host)  # type: ignore[attr-defined]
    return table
