"""Endpoints of clusters, with what clients must know of each: whether it speaks mesh TLS, and which workload it is."""

from functools import lru_cache
from typing import Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.base.wire import bytes_field, map_field, number_field, plain_struct, string_field
from weft.envoy.messages import UNIX
from weft.envoy.socket_match import MESH_MODE, MODE_KEY, MODE_METADATA
from weft.ir.inventory import Endpoint
from weft.ir.values import Labels, Locality
from weft.ir.view import EndpointGroup, Endpoints

LOAD_ASSIGNMENT: Final = "envoy.config.endpoint.v3.ClusterLoadAssignment"

ADDRESS_KEY: Final = "address"
_HEALTHY: Final = 1
_UNHEALTHY: Final = 2
"""Of envoy.config.core.v3.HealthStatus."""

_CHOICE: Final = "envoy.lb"
"""The metadata that a load balancer chooses endpoints by."""

_NAME_LABELS: Final = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
_REVISION_LABELS: Final = ("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version")
_WORKLOAD_LABEL: Final = "service.istio.io/workload-name"


def cluster_load_assignment(source: Endpoints) -> Message:
    """Returns the ClusterLoadAssignment of a cluster. Endpoints of weight 0 get nothing and are left out."""
    return protobuf.parse(LOAD_ASSIGNMENT, load_assignment(source))


def load_assignment(source: Endpoints) -> bytes:
    """Returns the same serialized. Its fields are written by hand: a mesh has more endpoints than anything else."""
    groups = [bytes_field(2, _group(group, addressed=source.addressed)) for group in source.groups]
    return string_field(1, source.name) + b"".join(groups)


def chosen_endpoint(address: str) -> Message | None:
    """Returns the metadata that a route or a TCP proxy asks for an endpoint by; None for the empty address.

    Where a cluster is not made for it, or has no such endpoint, the load is balanced as usual.
    """
    if not address:
        return None
    values = {_CHOICE: protobuf.struct({ADDRESS_KEY: address})}
    return protobuf.new("envoy.config.core.v3.Metadata", filter_metadata=values)


def _group(group: EndpointGroup, *, addressed: bool) -> bytes:
    """LocalityLbEndpoints. A locality always has a weight: without one Envoy would give it nothing where localities
    have shares."""
    endpoints = [endpoint for endpoint in group.endpoints if endpoint.weight > 0]
    weight = sum([e.weight for e in endpoints]) if group.weight is None else group.weight
    return b"".join(
        [
            bytes_field(1, _locality(group.locality)) if any(group.locality) else b"",
            *[bytes_field(2, _endpoint(endpoint, addressed=addressed)) for endpoint in endpoints],
            _weight(3, weight),
            number_field(5, group.priority),
        ]
    )


def _locality(locality: Locality) -> bytes:
    region, zone, sub_zone = locality
    return string_field(1, region) + string_field(2, zone) + string_field(3, sub_zone)


def _endpoint(endpoint: Endpoint, *, addressed: bool) -> bytes:
    """LbEndpoint."""
    place = bytes_field(1, _address(endpoint.address, endpoint.port))
    for each in endpoint.also:
        place += bytes_field(4, bytes_field(1, _address(each, endpoint.port)))
    metadata = _metadata(endpoint, addressed=addressed)
    return (
        bytes_field(1, place)
        + number_field(2, _HEALTHY if endpoint.healthy else _UNHEALTHY)
        + (bytes_field(3, metadata) if metadata else b"")
        + _weight(4, endpoint.weight)
    )


def _address(host: str, port: int) -> bytes:
    """Address: a SocketAddress, or a Pipe for `unix:<path>`."""
    if host.startswith(UNIX):
        return bytes_field(2, string_field(1, host.removeprefix(UNIX)))
    return bytes_field(1, string_field(2, host) + number_field(3, port))


@lru_cache(maxsize=256)
def _weight(field: int, weight: int) -> bytes:
    """A UInt32Value, where it says anything."""
    return bytes_field(field, number_field(1, weight)) if weight else b""


def _metadata(endpoint: Endpoint, *, addressed: bool) -> bytes:
    """Metadata. The mode chooses the transport socket of the cluster (IR I6); `workload` is for logs and metrics."""
    values: dict[str, bytes] = {}
    if endpoint.mesh_tls:
        values[MODE_METADATA] = plain_struct({MODE_KEY: MESH_MODE})
    if endpoint.workload is not None:
        values["istio"] = plain_struct({"workload": workload_text(endpoint.workload, endpoint.labels)})
    if addressed:
        values[_CHOICE] = plain_struct({ADDRESS_KEY: endpoint.address})
    return map_field(1, values) if values else b""


def workload_text(uid: str, labels: Labels) -> str:
    """Returns `<workload>;<namespace>;<canonical name>;<canonical revision>;<cluster>`, Istio's form in telemetry.

    `uid` is `<cluster>/<group>/<kind>/<namespace>/<name>`. A revision of "" reads as `latest`.
    """
    by_key = dict(labels)
    cluster, _, _ = uid.partition("/")
    namespace, _, name = uid.rpartition("/")
    namespace = namespace.rpartition("/")[2]
    workload = by_key.get(_WORKLOAD_LABEL, name)
    return ";".join(
        (workload, namespace, _first(by_key, _NAME_LABELS) or workload, _first(by_key, _REVISION_LABELS), cluster)
    )


def _first(labels: dict[str, str], keys: tuple[str, ...]) -> str:
    return next((labels[key] for key in keys if labels.get(key)), "")
