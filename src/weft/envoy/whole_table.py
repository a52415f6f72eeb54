"""A route table whole, of the parts in which it travels: for clients that take no parts (state of the world)."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct

from weft.base import protobuf
from weft.base.wire import bytes_field
from weft.envoy.resource import Resource, resource
from weft.envoy.route_configuration import VIRTUAL_HOSTS_FIELD
from weft.envoy.type_urls import RDS

_RESOURCE: Final = "envoy.service.discovery.v3.Resource"
_TABLE: Final = "envoy.config.route.v3.RouteConfiguration"


class JoinedHosts(Struct, frozen=True):
    """Virtual hosts as a table has them; `version` changes whenever one of them does."""

    version: str
    fields: bytes


def joined_hosts(hosts: Iterable[Resource]) -> JoinedHosts:
    """Joins the resources of VHDS that are a table's."""
    ordered = sorted(hosts, key=lambda each: each.name)
    version = blake2b("".join(each.version for each in ordered).encode(), digest_size=8).hexdigest()
    return JoinedHosts(version, b"".join(bytes_field(VIRTUAL_HOSTS_FIELD, _content(each)) for each in ordered))


def whole_table(frame: Resource, hosts: JoinedHosts) -> Resource:
    """The table of a frame with its hosts inside; one that was whole already stays as it is."""
    table: Any = protobuf.parse(_TABLE, _content(frame))
    if not table.HasField("vhds"):
        return frame
    table.ClearField("vhds")
    return resource(RDS, frame.name, protobuf.serialize(table) + hosts.fields)


def _content(found: Resource) -> bytes:
    message: Any = protobuf.parse(_RESOURCE, found.wire)
    return bytes(message.resource.value)
