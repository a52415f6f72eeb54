"""Other names for services, and which names lead where."""

from typing import Any

import pytest
from tests.unit.mesh.world import World, host_of, rule, scope, service, table, workload

from weft.ir.inventory import Service, ServicePort
from weft.ir.routing import Backend, EgressPolicy
from weft.ir.settings import MeshSettings, ProxyScope
from weft.ir.values import Target
from weft.ir.view import HostTable

ECHO, FRIEND = host_of("echo"), host_of("friend")


def alias(name: str, target: str, **changes: Any) -> Service:
    fields: dict[str, Any] = {"ports": (), "addresses": (), "members": None, "resolution": "dns", "external": True}
    return service(name, alias_of=target, **fields | changes)


def domains(world: World, host: str, name: str = "80") -> tuple[str, ...]:
    routes = world.mesh.routes(scope(), name)
    assert routes is not None
    return next(each.domains for each in routes.hosts if each.name == f"{host}:{name}")


def test_another_name_is_one_more_of_the_service_and_no_service() -> None:
    world = World()
    world.put(service("echo"))
    world.put(alias("friend", ECHO, ports=(ServicePort(81, "http", "http", 81),)))
    assert {FRIEND, "friend.default", "friend"} <= set(domains(world, ECHO))
    assert world.mesh.cluster_names(scope()) == (f"outbound|80||{ECHO}",)
    assert [each.port for each in world.mesh.outbound_listeners(scope())] == [80]


def test_a_route_to_another_name_goes_to_the_service() -> None:
    world = World()
    world.put(service("echo"), alias("friend", ECHO))
    world.put(table("shop.example", rule(Backend(FRIEND, 80))))
    routes = world.mesh.routes(scope(), "80")
    assert routes is not None
    host = next(each for each in routes.hosts if each.name == "shop.example:80")
    assert host.routes[0].destinations[0].cluster == f"outbound|80||{ECHO}"


def test_a_name_follows_its_target() -> None:
    world = World()
    world.put(alias("friend", "api.example", ports=(ServicePort(80, "http", "http", 80),)))
    assert world.mesh.cluster_names(scope()) == (f"outbound|80||{FRIEND}",)
    world.put(service("api", host="api.example", registry="external"), name="api")
    assert world.mesh.cluster_names(scope()) == ("outbound|80||api.example",)
    assert FRIEND in domains(world, "api.example")
    world.remove("api")
    assert world.mesh.cluster_names(scope()) == (f"outbound|80||{FRIEND}",)


def test_names_of_each_other_are_no_endless_search() -> None:
    world = World()
    world.put(alias("one", host_of("two")), alias("two", host_of("one")))
    assert world.mesh.inventory.meant("default", host_of("one")) is not None


def test_a_target_that_is_not_imported_is_no_target() -> None:
    world = World()
    world.put(service("echo", namespace="far"), alias("friend", host_of("echo", "far")))
    own = EgressPolicy(service("x").source, Target("namespace", "default"), services=("default/*",))
    world.put(own)
    assert world.mesh.cluster_names(scope()) == ()


# ---- tables of names -------------------------------------------------------------------------------------------------
def hosts(world: World, **where: Any) -> dict[str, tuple[str, ...]]:
    found = world.mesh.host_table(ProxyScope(role="own", namespace="default", captures_dns=True, **where))
    assert found is not None
    return dict(found.hosts)


def test_only_proxies_that_are_asked_have_a_table() -> None:
    assert World().mesh.host_table(scope()) is None


def test_a_service_is_in_the_table_by_all_its_names() -> None:
    world = World()
    world.put(service("echo", addresses=(("", "10.96.0.7"),)), alias("friend", ECHO))
    world.put(service("far", namespace="other", addresses=(("", "10.96.0.8"),)))
    found = hosts(world)
    names = {ECHO, "echo.default.svc", "echo.default", "echo", FRIEND, "friend.default.svc", "friend.default", "friend"}
    assert {name for name, addresses in found.items() if addresses == ("10.96.0.7",)} == names
    assert found["far.other"] == ("10.96.0.8",)
    assert "far" not in found


def test_a_headless_service_has_the_addresses_that_are_ready_also_without_ports() -> None:
    world = World()
    world.put(service("db", ports=(), addresses=(), headless=True))
    for number, state in enumerate(("ready", "ready", "not_ready")):
        name, address = f"db-{number}", f"10.244.0.{number}"
        world.put(workload(name, {"app": "db"}, addresses=(address,), state=state, host=f"{name}.{host_of('db')}"))
    found = hosts(world)
    assert found["db"] == ("10.244.0.0", "10.244.0.1")
    assert found["db-1.db"] == ("10.244.0.1",)
    assert "db-2.db" not in found


def test_patterns_are_in_the_table() -> None:
    world = World()
    world.put(service("wild", host="*.wild.example", addresses=(("", "240.240.0.9"),), registry="external"))
    assert hosts(world) == {"*.wild.example": ("240.240.0.9",)}


def test_networks_are_no_addresses() -> None:
    world = World()
    world.put(service("net", host="net.example", addresses=(("", "192.0.2.0/24"),), registry="external"))
    assert hosts(world) == {}


def test_where_the_cluster_has_dns_only_other_hosts_are_in_the_table() -> None:
    world = World(MeshSettings(cluster_dns=True))
    world.put(service("echo"))
    world.put(service("api", host="api.example", addresses=(("", "240.240.0.1"),), registry="external"))
    assert set(hosts(world)) == {"api.example"}


@pytest.mark.parametrize(
    ("of_mesh", "of_pod", "expected"),
    [((), (), ()), (None, (), None), (("10.0.0.1",), (), ("10.0.0.1",)), (None, ("10.0.0.2",), ("10.0.0.2",))],
)
def test_the_pods_resolvers_come_before_the_meshs(
    of_mesh: tuple[str, ...] | None, of_pod: tuple[str, ...], expected: tuple[str, ...] | None
) -> None:
    world = World(MeshSettings(resolvers=of_mesh))
    found = world.mesh.host_table(
        ProxyScope(role="own", namespace="default", captures_dns=True, resolvers=of_pod, families=("IPv4", "IPv6"))
    )
    assert found == HostTable((), expected, ("IPv4", "IPv6"))


def test_a_workload_whose_traffic_is_not_captured_has_no_table() -> None:
    world = World()
    made = workload("client", {"app": "client"}, captures_dns=True, interception="none")
    world.put(made)
    assert not world.mesh.key(made, "own").scope.captures_dns
    captured = workload("other", {"app": "other"}, captures_dns=True, resolvers=("10.0.0.2",))
    assert world.mesh.key(captured, "own").scope.resolvers == ("10.0.0.2",)
    assert not world.mesh.key(captured, "edge").scope.captures_dns
