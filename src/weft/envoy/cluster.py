"""Clusters: the destinations of a proxy's requests."""

from functools import lru_cache
from typing import Any, Final

from google.protobuf.message import Message
from msgspec import structs

from weft.base import protobuf
from weft.base.wire import bytes_field, map_field, plain_struct, string_field
from weft.envoy.circuit_breakers import circuit_breakers
from weft.envoy.dns import dns_cluster, dynamic_cluster
from weft.envoy.endpoints import cluster_load_assignment
from weft.envoy.load_balancing import load_balancing
from weft.envoy.messages import discovered, milliseconds, wrapped
from weft.envoy.names import ANY_ADDRESS, destination_rule_path, statistics_prefix
from weft.envoy.outlier_detection import outlier_detection
from weft.envoy.protocol_options import Codec, codec, protocol_options
from weft.envoy.upstream_tls import names_host, transport_sockets, verifies_host
from weft.ir import view
from weft.ir.settings import MeshSettings
from weft.ir.traffic import TrafficSettings

CLUSTER: Final = "envoy.config.cluster.v3.Cluster"
ANY_SOURCE: Final = {"source_address": {"address": ANY_ADDRESS, "port_value": 0}}
"""Instead of the address that the bootstrap names: it is one of loopback, from which nothing leaves the machine."""

CONNECT_TIMEOUT: Final = 10_000  # Istio, MeshConfig.connectTimeout


def cluster(source: view.Cluster, settings: MeshSettings) -> Message:
    """Returns the Cluster of one outbound destination."""
    return protobuf.parse(CLUSTER, cluster_bytes(source, settings))


def cluster_bytes(source: view.Cluster, settings: MeshSettings) -> bytes:
    """Returns the same serialized: what it shares with others, which is made once, and what is its own, by hand.

    Fields come in any order, and messages are merged that are concatenated (protobuf.dev/programming-guides/encoding).
    """
    return (
        string_field(1, source.name)
        + string_field(28, statistics_prefix(source.name))
        + bytes_field(25, _metadata(source, settings))
        + _shared(_unnamed(source))
        + _own(source, settings)
    )


def _unnamed(source: view.Cluster) -> view.Cluster:
    """A cluster without what others do not have in common with it, which `_own` and the names tell."""
    return structs.replace(source, name="", host="", port=0, subset="", server_name="", peers=(), groups=(), config="")


@lru_cache(maxsize=256)  # nearly all clusters have the same
def _shared(source: view.Cluster) -> bytes:
    traffic = source.settings
    version = _codec(source)
    options = protocol_options(
        version,
        traffic,
        server_name_from_host=names_host(source, version),
        verify_host=verifies_host(source),
    )
    found = protobuf.new(
        CLUSTER,
        typed_extension_protocol_options=options,
        upstream_bind_config=ANY_SOURCE if source.any_source else None,
        **_discovery(source),
        **load_balancing(traffic, provided=source.discovery in ("original", "dynamic"), addressed=source.addressed),
        **connections(traffic),
    )
    return protobuf.serialize(found)


def _own(source: view.Cluster, settings: MeshSettings) -> bytes:
    """What names servers: how connections are secured, and endpoints that are looked up by name."""
    fields = {**transport_sockets(source, _codec(source), settings), **_names(source)}
    return protobuf.serialize(protobuf.new(CLUSTER, **fields)) if fields else b""


def _codec(source: view.Cluster) -> Codec:
    return codec(source.protocol, source.settings, negotiable=source.mesh_tls == "always")


@lru_cache(maxsize=256)  # nearly all clusters have the same ones
def connections(traffic: TrafficSettings) -> dict[str, Any]:
    """Returns the fields of a Cluster that limit connections, time them out and keep them alive."""
    return {
        "connect_timeout": milliseconds(CONNECT_TIMEOUT if traffic.connect is None else traffic.connect),
        "circuit_breakers": circuit_breakers(traffic),
        "outlier_detection": outlier_detection(traffic),
        "upstream_connection_options": _keepalive(traffic),
    }


def _discovery(source: view.Cluster) -> dict[str, Any]:
    match source.discovery:
        case "endpoints":
            return {"type": "EDS", "eds_cluster_config": {"eds_config": discovered()}}
        case "original":
            return {"type": "ORIGINAL_DST"}
        case "dynamic":
            return {"cluster_type": dynamic_cluster()}
        case "dns" | "dns_one":
            return {}


def _names(source: view.Cluster) -> dict[str, Any]:
    """The names of a cluster that looks them up."""
    if source.discovery not in ("dns", "dns_one"):
        return {}
    names = sum(len(group.endpoints) for group in source.groups)
    one = source.discovery == "dns_one" and names == 1  # Envoy takes no more names there
    return {
        "cluster_type": dns_cluster(one=one, families=source.families),
        "load_assignment": cluster_load_assignment(view.Endpoints(source.name, source.groups)),
    }


def _keepalive(traffic: TrafficSettings) -> dict[str, Any] | None:
    """Values of 0 leave one to the system; the kernel counts in seconds."""
    if traffic.keepalive is None:
        return None
    probes, idle, interval = traffic.keepalive
    keepalive = {
        "keepalive_probes": wrapped(probes or None),
        "keepalive_time": wrapped(_seconds(idle)),
        "keepalive_interval": wrapped(_seconds(interval)),
    }
    return {"tcp_keepalive": keepalive}


def _seconds(value: int) -> int | None:
    return max(1, value // 1000) if value else None


def _metadata(source: view.Cluster, settings: MeshSettings) -> bytes:
    """What people and tools read: the service, the subset, and where the settings come from. Envoy uses none of it."""
    service = {"host": source.host}
    suffix = f".svc.{settings.cluster_domain}"
    name, _, namespace = source.host.removesuffix(suffix).partition(".")
    if namespace and source.host.endswith(suffix):
        service |= {"name": name, "namespace": namespace}
    values: dict[str, Any] = {"services": [service]}
    if source.subset:
        values["subset"] = source.subset
    if source.config:
        values["config"] = destination_rule_path(source.config)
    return map_field(1, {"istio": plain_struct(values)})
