"""Endpoints of clusters, with what clients must know of each: whether it speaks mesh TLS, and which workload it is."""

from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.messages import additional_addresses, address, wrapped
from weft.envoy.socket_match import MESH_MODE, MODE_KEY, MODE_METADATA
from weft.ir.inventory import Endpoint
from weft.ir.values import Labels
from weft.ir.view import EndpointGroup, Endpoints

LOAD_ASSIGNMENT: Final = "envoy.config.endpoint.v3.ClusterLoadAssignment"

ADDRESS_KEY: Final = "address"
_CHOICE: Final = "envoy.lb"
"""The metadata that a load balancer chooses endpoints by."""

_NAME_LABELS: Final = ("service.istio.io/canonical-name", "app.kubernetes.io/name", "app")
_REVISION_LABELS: Final = ("service.istio.io/canonical-revision", "app.kubernetes.io/version", "version")
_WORKLOAD_LABEL: Final = "service.istio.io/workload-name"


def cluster_load_assignment(source: Endpoints) -> Message:
    """Returns the ClusterLoadAssignment of a cluster. Endpoints of weight 0 get nothing and are left out."""
    groups = [_group(group, addressed=source.addressed) for group in source.groups]
    return protobuf.new(LOAD_ASSIGNMENT, cluster_name=source.name, endpoints=groups)


def chosen_endpoint(address: str) -> Message | None:
    """Returns the metadata that a route or a TCP proxy asks for an endpoint by; None for the empty address.

    Where a cluster is not made for it, or has no such endpoint, the load is balanced as usual.
    """
    if not address:
        return None
    values = {_CHOICE: protobuf.struct({ADDRESS_KEY: address})}
    return protobuf.new("envoy.config.core.v3.Metadata", filter_metadata=values)


def _group(group: EndpointGroup, *, addressed: bool) -> dict[str, Any]:
    """A locality always has a weight: without one Envoy would give it nothing where localities have shares."""
    endpoints = [endpoint for endpoint in group.endpoints if endpoint.weight > 0]
    weight = sum(e.weight for e in endpoints) if group.weight is None else group.weight
    return {
        "locality": dict(zip(("region", "zone", "sub_zone"), group.locality, strict=True))
        if any(group.locality)
        else None,
        "priority": group.priority,
        "load_balancing_weight": wrapped(weight or None),
        "lb_endpoints": [_endpoint(endpoint, addressed=addressed) for endpoint in endpoints],
    }


def _endpoint(endpoint: Endpoint, *, addressed: bool) -> dict[str, Any]:
    return {
        "endpoint": {
            "address": address(endpoint.address, endpoint.port),
            "additional_addresses": additional_addresses(endpoint.also, endpoint.port),
        },
        "health_status": "HEALTHY" if endpoint.healthy else "UNHEALTHY",
        "load_balancing_weight": wrapped(endpoint.weight),
        "metadata": _metadata(endpoint, addressed=addressed),
    }


def _metadata(endpoint: Endpoint, *, addressed: bool) -> Message | None:
    """The mode chooses the transport socket of the cluster (IR I6); `workload` is for logs and metrics."""
    values: dict[str, Any] = {}
    if endpoint.mesh_tls:
        values[MODE_METADATA] = protobuf.struct({MODE_KEY: MESH_MODE})
    if endpoint.workload is not None:
        values["istio"] = protobuf.struct({"workload": workload_text(endpoint.workload, endpoint.labels)})
    if addressed:
        values[_CHOICE] = protobuf.struct({ADDRESS_KEY: endpoint.address})
    return protobuf.new("envoy.config.core.v3.Metadata", filter_metadata=values) if values else None


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
