"""The bootstrap as text."""

import json
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.bootstrap.control_plane import control_plane_cluster, discovery
from weft.envoy.bootstrap.local_listeners import admin_cluster, local_listeners
from weft.envoy.bootstrap.settings import BootstrapSettings, Node
from weft.envoy.bootstrap.statistics import statistics

LONGEST_ARGUMENT: Final = 128 * 1024 - 1
"""Bytes that one argument of a program may have (execve(2), MAX_ARG_STRLEN with its final zero)."""

_LARGEST_EXPRESSION: Final = 32_768
_OWNER_ONLY: Final = 0o600
_SOL_SOCKET: Final = 1
_SO_MARK: Final = 36


def bootstrap_text(settings: BootstrapSettings) -> str:
    """Returns the bootstrap as JSON, for `--config-yaml` or, where it is longer than LONGEST_ARGUMENT, for a file."""
    return json.dumps(protobuf.to_dict(bootstrap(settings)), separators=(",", ":"), sort_keys=True)


def bootstrap(settings: BootstrapSettings) -> Message:
    """Returns the Bootstrap."""
    admin = {"pipe": {"path": settings.admin_socket, "mode": _OWNER_ONLY}}
    clusters = [control_plane_cluster(settings.control_plane), admin_cluster(settings.admin_socket)]
    return protobuf.new(
        "envoy.config.bootstrap.v3.Bootstrap",
        node=_node(settings.node),
        admin={"address": admin},
        dynamic_resources=discovery(),
        static_resources={"clusters": clusters, "listeners": local_listeners(settings.listen, settings.admin_listen)},
        cluster_manager=_cluster_manager(settings),
        layered_runtime=_runtime(),
        **statistics(),
    )


def _runtime() -> dict[str, Any]:
    """How large a regular expression may be when compiled (RE2 instructions; Istio's bootstrap says the same).

    By default it is 100, and one policy with a long namespace would have all of its route table refused.
    """
    values = protobuf.struct({"re2.max_program_size.error_level": _LARGEST_EXPRESSION})
    return {"layers": [{"name": "weft", "static_layer": values}]}


def _node(node: Node) -> Message:
    region, zone, sub_zone = node.locality
    return protobuf.new(
        "envoy.config.core.v3.Node",
        id=node.id,
        cluster=f"{node.workload or node.name}.{node.namespace}",
        locality={"region": region, "zone": zone, "sub_zone": sub_zone} if any(node.locality) else None,
        metadata=protobuf.struct(_metadata(node)),
    )


def _metadata(node: Node) -> dict[str, Any]:
    """The keys are Istio's; values that are empty are left out."""
    values = {
        "NAME": node.name,
        "NAMESPACE": node.namespace,
        "SERVICE_ACCOUNT": node.service_account,
        "INSTANCE_IPS": ",".join((node.address, *node.also)),
        "LABELS": dict(node.labels),
        "WORKLOAD_NAME": node.workload,
        "NODE_NAME": node.node,
        "MESH_ID": node.mesh,
        "CLUSTER_ID": node.cluster,
        "NETWORK": node.network,
        "INTERCEPTION_MODE": node.interception.upper() if node.role == "sidecar" else "NONE",
        "WEFT_VERSION": node.version,
    }
    return {key: value for key, value in values.items() if value}


def _cluster_manager(settings: BootstrapSettings) -> dict[str, Any] | None:
    bind: dict[str, Any] = {}
    if settings.source:
        bind["source_address"] = {"address": settings.source, "port_value": 0}
    if settings.mark is not None:
        option = {"level": _SOL_SOCKET, "name": _SO_MARK, "int_value": settings.mark, "state": "STATE_PREBIND"}
        bind["socket_options"] = [option]
    return {"upstream_bind_config": bind} if bind else None
