"""Route tables. A table is a frame and virtual hosts, each built and serialized alone: see `frame`."""

from typing import Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.messages import discovered
from weft.envoy.rbac.http import RouteAccess
from weft.envoy.route.route import OPEN
from weft.envoy.virtual_host import catches_all, fallback_host, virtual_host
from weft.ir import view

ROUTE_CONFIGURATION: Final = "envoy.config.route.v3.RouteConfiguration"
VIRTUAL_HOSTS_FIELD: Final = 2
"""The number of `virtual_hosts` in RouteConfiguration: a table's bytes are its frame's and this field for each host."""

_LARGEST_BODY: Final = 1024 * 1024  # Istio, HTTPBody of a direct response


def frame(name: str, *, by_port: bool = False, in_parts: bool = False) -> Message:
    """Returns a table without virtual hosts; `in_parts`, they are discovered one by one (VHDS).

    A host matches with or without a port, or, `by_port`, exactly as its domains name it. Clusters may be missing: a
    route to one then answers 503 (or 500, see `route.action`), and the rest of the table works.
    """
    return protobuf.new(
        ROUTE_CONFIGURATION,
        name=name,
        validate_clusters={"value": False},
        max_direct_response_body_size_bytes={"value": _LARGEST_BODY},
        ignore_port_in_host_matching=not by_port,
        vhds={"config_source": discovered()} if in_parts else None,
    )


def has_catch_all(source: view.RouteConfiguration) -> bool:
    """Whether a host is for every name, so that the table can hold no fallback beside it."""
    return any(catches_all(host) for host in source.hosts)


def virtual_hosts(source: view.RouteConfiguration, access: RouteAccess = OPEN) -> list[Message]:
    """Returns the virtual hosts of a table, its fallback last; `access` is what policies of a gateway say."""
    hosts = [virtual_host(host, access) for host in source.hosts]
    fallback = None if has_catch_all(source) else fallback_host(source.fallback)
    return hosts if fallback is None else [*hosts, fallback]


def route_configuration(source: view.RouteConfiguration, access: RouteAccess = OPEN) -> Message:
    """Returns a whole table, the same as the one that is joined from the bytes of `frame` and `virtual_hosts`."""
    table = frame(source.name, by_port=source.by_port)
    table.virtual_hosts.extend(virtual_hosts(source, access))  # type: ignore[attr-defined]
    return table
