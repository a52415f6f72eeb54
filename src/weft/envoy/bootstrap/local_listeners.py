"""The proxy's own listeners: what is read from it, without a way to change anything.

The admin interface itself is a unix socket that only the proxy's user can open. What others may read of it passes
through these.
"""

from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.cluster import CLUSTER
from weft.envoy.filter_names import CONNECTION_MANAGER
from weft.envoy.http_filters import router
from weft.envoy.listener.chains import LISTENER, filter_chain
from weft.envoy.messages import additional_addresses, address, extension
from weft.envoy.names import (
    ADMIN_CLUSTER,
    ADMIN_PORT,
    ANY_ADDRESS,
    METRICS_PORT,
    READINESS_PORT,
    statistics_prefix,
)
from weft.envoy.network_filters import FILTER

LOOPBACK: Final = "127.0.0.1"
_READABLE: Final = "certs|clusters|config_dump|init_dump|listeners|memory|ready|runtime|server_info|stats(/prometheus)?"
_GET: Final = {"name": ":method", "string_match": {"exact": "GET"}}


def local_listeners(hosts: tuple[str, ...] = (ANY_ADDRESS,), admin: tuple[str, ...] = (LOOPBACK,)) -> list[Message]:
    """Returns the listeners of every proxy: the admin interface to be read at `admin`, readiness, and metrics.

    Readiness is answered from the first whole configuration on: before it Envoy accepts no connection at all, and while
    it drains it says no. `hosts` is where the last two listen.
    """
    return [
        _listener("admin", admin, ADMIN_PORT, {"safe_regex": {"regex": f"/({_READABLE})"}}, {}),
        _listener("readiness", hosts, READINESS_PORT, {"path": "/healthz/ready"}, {"prefix_rewrite": "/ready"}),
        _listener("metrics", hosts, METRICS_PORT, {"path": "/stats/prometheus"}, {}),
    ]


def admin_cluster(socket: str) -> Message:
    """Returns the cluster of the admin interface."""
    endpoint = {"endpoint": {"address": {"pipe": {"path": socket}}}}
    return protobuf.new(
        CLUSTER,
        name=ADMIN_CLUSTER,
        alt_stat_name=statistics_prefix(ADMIN_CLUSTER),
        type="STATIC",
        load_assignment={"cluster_name": ADMIN_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
    )


def _listener(name: str, hosts: tuple[str, ...], port: int, path: dict[str, Any], action: dict[str, Any]) -> Message:
    """Reading one path (or one of some) goes to the admin interface, everything else is refused."""
    allowed = {"match": {**path, "headers": [_GET]}, "route": {"cluster": ADMIN_CLUSTER, **action}}
    refused = {"match": {"prefix": "/"}, "direct_response": {"status": 403}}
    table = {"name": name, "virtual_hosts": [{"name": name, "domains": ["*"], "routes": [allowed, refused]}]}
    manager = extension(
        CONNECTION_MANAGER,
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=statistics_prefix(name),
        route_config=table,
        http_filters=[router()],
        normalize_path={"value": True},
    )
    return protobuf.new(
        LISTENER,
        name=name,
        address=address(hosts[0], port),
        additional_addresses=additional_addresses(hosts[1:], port),
        filter_chains=[filter_chain(name, [protobuf.new(FILTER, **manager)])],
        bypass_overload_manager=True,
    )
