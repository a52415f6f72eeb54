"""Clusters that stand for no service: the original destination, nowhere, and the workload behind its own proxy."""

from typing import Any, Final

from google.protobuf.message import Message
from msgspec.structs import replace

from weft.base import protobuf
from weft.envoy.cluster import CLUSTER, connections
from weft.envoy.load_balancing import load_balancing
from weft.envoy.messages import address
from weft.envoy.names import BLACKHOLE_CLUSTER, PASSTHROUGH_CLUSTER, inbound_name, statistics_prefix
from weft.envoy.protocol_options import codec, protocol_options
from weft.ir.settings import MeshSettings
from weft.ir.traffic import TrafficSettings
from weft.ir.view import InboundPort

INBOUND_SOURCE: Final = "127.0.0.6"
"""The address that requests to the workload come from: redirect rules know by it that the proxy has seen them."""

_CALLED_ADDRESS: Final = "0.0.0.0"
_UNIX: Final = "unix:"


def passthrough_cluster(settings: MeshSettings) -> Message:
    """Returns the cluster that goes where the client meant to go."""
    return _original(PASSTHROUGH_CLUSTER, TrafficSettings(connect=settings.defaults.connect), {})


def blackhole_cluster() -> Message:
    """Returns the cluster without endpoints."""
    name = BLACKHOLE_CLUSTER
    limits = connections(TrafficSettings())
    return protobuf.new(CLUSTER, name=name, alt_stat_name=statistics_prefix(name), type="STATIC", **limits)


def inbound_cluster(port: InboundPort, settings: MeshSettings) -> Message:
    """Returns the cluster of one served port; of port 0, for all ports that are not declared.

    It goes to the address that the client called, which is the workload's, unless the port says where to.
    """
    pool = port.pool or TrafficSettings()
    traffic = replace(pool, connect=settings.defaults.connect if pool.connect is None else pool.connect)
    source = {"source_address": address(INBOUND_SOURCE, 0).socket_address}  # type: ignore[attr-defined]
    version = codec(port.protocol, traffic)
    options = protocol_options("as_client" if version == "none" else version, traffic)
    fields: dict[str, Any] = {"upstream_bind_config": source, "typed_extension_protocol_options": options}
    if port.forward_to is None:
        return _original(inbound_name(port.port), traffic, fields)
    return _forwarding(port.port, port.forward_to, traffic, fields)


def _forwarding(number: int, target: str, traffic: TrafficSettings, fields: dict[str, Any]) -> Message:
    """To another port of the address that was called (`0.0.0.0:8080`), or to a fixed place."""
    name = inbound_name(number)
    host, _, port = target.rpartition(":")
    if host == _CALLED_ADDRESS:
        override = {"original_dst_lb_config": {"upstream_port_override": {"value": int(port)}}}
        return _original(name, traffic, {**fields, **override})
    if target.startswith(_UNIX):
        del fields["upstream_bind_config"]
        place = address(target, 0)
    else:
        place = address(host.strip("[]"), int(port))
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": place}}]}]
    return protobuf.new(
        CLUSTER,
        name=name,
        alt_stat_name=statistics_prefix(name),
        type="STATIC",
        load_assignment={"cluster_name": name, "endpoints": endpoints},
        **fields,
        **connections(traffic),
    )


def _original(name: str, traffic: TrafficSettings, fields: dict[str, Any]) -> Message:
    options = protocol_options("as_client", traffic)
    return protobuf.new(
        CLUSTER,
        name=name,
        alt_stat_name=statistics_prefix(name),
        type="ORIGINAL_DST",
        **{"typed_extension_protocol_options": options, **fields},
        **load_balancing(traffic, provided=True),
        **connections(traffic),
    )
