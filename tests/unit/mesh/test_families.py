"""Workloads, services and proxies with addresses of both families."""

import pytest
from tests.unit.mesh.world import World, host_of, service, stated, workload

from weft.base.families import Family
from weft.ir.inventory import Endpoint, StaticEndpoint
from weft.ir.settings import ProxyKey
from weft.mesh.inventory import class_of

FOUR, SIX = "10.244.0.7", "fd00:10:244::7"
WEB = host_of("web")
DUAL: tuple[Family, ...] = ("IPv4", "IPv6")


def endpoints(world: World) -> list[Endpoint]:
    (port,) = (found := world.mesh.inventory.services_of(WEB)[0]).ports
    return list(world.mesh.endpoint_table.of(found, port))


def key(world: World, *addresses: str) -> ProxyKey:
    return world.mesh.key(workload("client", {"app": "client"}, addresses=addresses), "own")


@pytest.mark.parametrize(
    ("families", "address", "also"),
    [
        ((), FOUR, (SIX,)),
        (("IPv4",), FOUR, ()),
        (("IPv6",), SIX, ()),
        (("IPv6", "IPv4"), SIX, (FOUR,)),
        (("IPv4", "IPv6"), FOUR, (SIX,)),
    ],
)
def test_a_pod_is_one_endpoint_with_the_addresses_of_the_services_families(
    families: tuple[Family, ...], address: str, also: tuple[str, ...]
) -> None:
    world = World()
    world.put(service("web", families=families))
    world.put(workload("web-1", {"app": "web"}, addresses=(FOUR, SIX)))
    (found,) = endpoints(world)
    assert (found.address, found.also) == (address, also)


def test_a_pod_without_an_address_of_the_services_family_does_not_serve_it() -> None:
    world = World()
    world.put(service("web", families=("IPv6",)))
    world.put(workload("web-1", {"app": "web"}, addresses=(FOUR,)))
    assert endpoints(world) == []


def test_stated_endpoints_of_other_families_are_left_out() -> None:
    world = World()
    static = stated("web", StaticEndpoint("10.0.0.1"), StaticEndpoint("fd99::1"))
    world.put(service("web", members=None, families=("IPv6",)), static)
    assert [each.address for each in endpoints(world)] == ["fd99::1"]
    world.put(service("web", members=None), static, name="object-0")
    assert [each.address for each in endpoints(world)] == ["10.0.0.1", "fd99::1"]


def test_proxies_of_other_families_have_views_of_their_own() -> None:
    world = World()
    keys = [key(world, FOUR), key(world, SIX), key(world, FOUR, SIX), key(world, SIX, FOUR)]
    assert len(set(keys)) == 4
    assert [each.scope.families for each in keys] == [("IPv4",), ("IPv6",), ("IPv4", "IPv6"), ("IPv6", "IPv4")]
    assert all(each.scope.families == each.server.families for each in keys)
    assert key(world).scope.families == ("IPv4",)


def test_http_of_any_address_is_taken_in_each_family_of_the_client() -> None:
    world = World()
    world.put(service("web"))
    found = {
        each.scope.families: [
            (listener.address, listener.also) for listener in world.mesh.outbound_listeners(each.scope)
        ]
        for each in (key(world, FOUR), key(world, SIX), key(world, SIX, FOUR))
    }
    assert found == {
        ("IPv4",): [("0.0.0.0", ())],
        ("IPv6",): [("::", ())],
        ("IPv6", "IPv4"): [("::", ("0.0.0.0",))],
    }


def test_bytes_are_known_by_each_address_of_the_service() -> None:
    world = World()
    world.put(service("web", protocol="tcp", addresses=(("", "10.96.0.7"), ("", "fd00:10:96::7"))))
    found = [listener.address for listener in world.mesh.outbound_listeners(key(world, FOUR, SIX).scope)]
    assert found == ["10.96.0.7", "fd00:10:96::7"]


def test_bytes_for_a_range_are_taken_in_each_family() -> None:
    world = World()
    world.put(service("web", protocol="tcp", addresses=(("", "fd99::/64"),)))
    (found,) = world.mesh.outbound_listeners(key(world, FOUR, SIX).scope)
    assert (found.address, found.also) == ("0.0.0.0", ("::",))
    assert found.streams[0].networks == ("fd99::/64",)


def test_requests_may_name_a_service_by_each_address() -> None:
    world = World()
    world.put(service("web", addresses=(("", "10.96.0.7"), ("", "fd00:10:96::7"))))
    table = world.mesh.routes(key(world, FOUR, SIX).scope, "80")
    assert table is not None
    assert {"10.96.0.7", "[fd00:10:96::7]"} <= set(table.hosts[0].domains)


def test_servers_know_the_families_of_their_workload() -> None:
    world = World()
    world.put(service("web", families=DUAL))
    inbound = world.mesh.inbound(class_of(workload("web-1", {"app": "web"}, addresses=(FOUR, SIX))))
    assert inbound.families == DUAL
    assert {port.families for port in (*inbound.ports, inbound.other)} == {DUAL}
