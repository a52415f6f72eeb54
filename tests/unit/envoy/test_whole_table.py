"""A table of its parts is the table as it would have been sent whole."""

from typing import Any

from weft.base import protobuf
from weft.base.wire import bytes_field, string_field
from weft.envoy.resource import Resource, resource, resource_field
from weft.envoy.type_urls import RDS, VHDS
from weft.envoy.whole_table import joined_hosts, whole_table

TABLE = "envoy.config.route.v3.RouteConfiguration"


def frame(**fields: Any) -> Resource:
    return resource(RDS, "80", protobuf.serialize(protobuf.new(TABLE, name="80", **fields)))


def host(name: str, *domains: str) -> Resource:
    body = protobuf.serialize(protobuf.new("envoy.config.route.v3.VirtualHost", name=name, domains=domains))
    return resource(VHDS, name, body)


def test_a_table_has_its_hosts_inside_and_asks_for_none() -> None:
    parts = frame(vhds={"config_source": {"ads": {}}}, virtual_hosts=[{"name": "own", "domains": ["*"]}])
    whole = whole_table(parts, joined_hosts([host("80/b", "b"), host("80/a", "a")]))
    message: Any = protobuf.parse(TABLE, body(whole))
    assert [(each.name, *each.domains) for each in message.virtual_hosts] == [
        ("own", "*"),
        ("80/a", "a"),
        ("80/b", "b"),
    ]
    assert not message.HasField("vhds")
    assert (whole.name, whole.type_url) == ("80", RDS)


def test_a_table_that_is_whole_stays_as_it_is() -> None:
    whole = frame(virtual_hosts=[{"name": "own"}])
    assert whole_table(whole, joined_hosts([])) is whole


def test_joined_hosts_have_a_version_of_all_of_them() -> None:
    first, second, changed = host("80/a", "a"), host("80/b", "b"), host("80/b", "c")
    assert joined_hosts([first, second]).version == joined_hosts([second, first]).version
    assert joined_hosts([first, second]).version != joined_hosts([first, changed]).version


def test_a_resource_is_a_field_of_a_response() -> None:
    found = frame()
    content = string_field(1, RDS) + bytes_field(2, body(found))
    assert resource_field(found) == bytes_field(2, content)


def body(found: Resource) -> bytes:
    message: Any = protobuf.parse("envoy.service.discovery.v3.Resource", found.wire)
    return bytes(message.resource.value)
