"""Clusters that stand for no service: the original destination, nowhere, and the workload behind its own proxy."""

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import Message
from msgspec.structs import replace

from weft.base import protobuf
from weft.base.families import ANY_ADDRESS, Family, family_of
from weft.envoy.cluster import ANY_SOURCE, CLUSTER, connections
from weft.envoy.dns import dynamic_cluster
from weft.envoy.load_balancing import load_balancing
from weft.envoy.messages import address
from weft.envoy.names import (
    BLACKHOLE_CLUSTER,
    PASSTHROUGH_CLUSTER,
    RESOLVING_CLUSTER,
    inbound_name,
    statistics_prefix,
)
from weft.envoy.protocol_options import codec, protocol_options
from weft.ir.settings import MeshSettings
from weft.ir.traffic import TrafficSettings
from weft.ir.view import InboundPort

INBOUND_SOURCE: Final[dict[Family, str]] = {"IPv4": "127.0.0.6", "IPv6": "::6"}
"""The addresses that requests to the workload come from: redirect rules know by it that the proxy has seen them."""

_UNIX: Final = "unix:"


def passthrough_cluster(settings: MeshSettings) -> Message:
    """Returns the cluster that goes where the client meant to go."""
    return _original(PASSTHROUGH_CLUSTER, TrafficSettings(connect=settings.defaults.connect), {})


def resolving_cluster(settings: MeshSettings) -> Message:
    """Returns the cluster that goes to the host that a request names, by DNS, in the version of HTTP of the request."""
    traffic = TrafficSettings(connect=settings.defaults.connect)
    return protobuf.new(
        CLUSTER,
        name=RESOLVING_CLUSTER,
        upstream_bind_config=ANY_SOURCE,
        alt_stat_name=statistics_prefix(RESOLVING_CLUSTER),
        cluster_type=dynamic_cluster(),
        typed_extension_protocol_options=protocol_options("as_client", traffic),
        **load_balancing(traffic, provided=True),
        **connections(traffic),
    )


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
    version = codec(port.protocol, traffic)
    options = protocol_options("as_client" if version == "none" else version, traffic)
    fields = {"upstream_bind_config": _bound_to(port.families), "typed_extension_protocol_options": options}
    if port.forward_to is None:
        return _original(inbound_name(port.port), traffic, fields)
    return _forwarding(port, port.forward_to, traffic, fields)


def _bound_to(families: Iterable[Family]) -> dict[str, Any]:
    """The sources of connections to the workload: Envoy takes the one of the destination's family."""
    first, *others = (_source(family) for family in families)
    return {"source_address": first, "extra_source_addresses": [{"address": each} for each in others]}


def _source(family: Family) -> Message:
    place: Message = address(INBOUND_SOURCE[family], 0).socket_address  # type: ignore[attr-defined]
    return place


def _forwarding(source: InboundPort, target: str, traffic: TrafficSettings, fields: dict[str, Any]) -> Message:
    """To another port of the address that was called (`0.0.0.0:8080`), or to a fixed place."""
    name = inbound_name(source.port)
    bracketed, _, port = target.rpartition(":")
    host = bracketed.strip("[]")
    if host in ANY_ADDRESS.values():
        override = {"original_dst_lb_config": {"upstream_port_override": {"value": int(port)}}}
        return _original(name, traffic, {**fields, **override})
    family = family_of(host)
    if target.startswith(_UNIX) or family not in (*source.families, "IPv4"):  # where no rules are, no source is told
        del fields["upstream_bind_config"]
    else:
        fields["upstream_bind_config"] = _bound_to((family,))
    place = address(target, 0) if target.startswith(_UNIX) else address(host, int(port))
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
