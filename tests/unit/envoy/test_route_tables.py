"""Route tables in parts: the same hosts as in the whole, under names by which they can be removed, built once."""

from typing import Any

from tests.unit.mesh.world import World, host_of, scope, service, table

from weft.base import protobuf
from weft.envoy.resource import Resource
from weft.envoy.resources import ProxyResources
from weft.envoy.route_tables import RouteTables
from weft.envoy.type_urls import RDS, VHDS
from weft.ir.settings import ProxyScope


def message(built: Any) -> Any:
    assert isinstance(built, Resource)
    found = protobuf.parse("envoy.service.discovery.v3.Resource", built.wire)
    return protobuf.unpack(found.resource)  # type: ignore[attr-defined]


def shop(*names: str) -> tuple[World, RouteTables, ProxyScope]:
    world = World()
    for name in names:
        world.put(service(name), name=name)
    return world, RouteTables(world.graph, world.mesh), scope()


def hosts(tables: RouteTables, owner: ProxyScope) -> dict[str, Resource]:
    found = [each for each in tables.shared_hosts(owner) if isinstance(each, Resource)]
    assert {each.type_url for each in found} <= {VHDS}
    return {each.name: each for each in found}


def test_a_table_comes_without_hosts_and_says_where_they_are() -> None:
    _, tables, owner = shop("web", "api")
    (frame,) = tables.tables(owner)
    found = message(frame)
    assert (found.name, len(found.virtual_hosts)) == ("80", 0)
    assert found.vhds.config_source.HasField("ads")
    assert found.vhds.config_source.initial_fetch_timeout.seconds == 0, "it waits for its hosts without end"


def test_the_parts_are_the_whole() -> None:
    """But for the names: those of hosts begin with the table's."""
    _, tables, owner = shop("web", "api")
    whole = message(tables.whole(owner)["80"])
    parts = [message(each) for each in tables.shared_hosts(owner)]
    for each in parts:
        each.name = each.name.removeprefix("80/")
    assert parts == list(whole.virtual_hosts)


def test_the_name_of_a_resource_is_its_hosts_name() -> None:
    """Envoy answers that it removed a host that is named otherwise, and keeps it."""
    _, tables, owner = shop("web")
    found = hosts(tables, owner)
    assert found.keys() == {f"80/{host_of('web')}:80", "80/allow_any"}
    assert {message(each).name for each in found.values()} == found.keys()


def test_a_change_of_one_service_changes_one_host_and_not_the_table() -> None:
    world, tables, owner = shop("web", "api")
    before, (frame,) = hosts(tables, owner), tables.tables(owner)
    world.put(table(host_of("api")), name="routes")
    after = hosts(tables, owner)
    assert {name for name in after if after[name] != before[name]} == {f"80/{host_of('api')}:80"}
    assert list(tables.tables(owner)) == [frame]


def test_equal_hosts_of_different_scopes_are_one_resource() -> None:
    world, _, owner = shop("web", "api")
    contents = ProxyResources(world.graph, world.mesh).scope_contents
    one, other = (contents.get((each, VHDS)) for each in (owner, scope(clients=(("app", "web"),))))
    assert len(one) == 3
    assert all(one[name] is other[name] for name in one)


def test_a_table_of_one_service_stays_whole() -> None:
    world, tables, owner = shop()
    world.put(service("web", protocol="detect"), name="web")
    (found,) = tables.tables(owner)
    assert len(message(found).virtual_hosts) == 1
    assert not message(found).HasField("vhds")
    assert hosts(tables, owner) == {}
    assert isinstance(found, Resource)
    assert found.type_url == RDS
