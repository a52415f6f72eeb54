"""Services without an address: every endpoint is called by its own."""

import pytest
from tests.unit.mesh.world import World, host_of, policy, scope, service, stated, workload

from weft.ir.inventory import ServicePort, StaticEndpoint
from weft.ir.settings import ProxyScope
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Protocol
from weft.ir.view import OutboundListener, RouteConfiguration

DB = host_of("db")
FIRST, SECOND = "10.244.0.5", "10.244.0.6"


def world_of(protocol: Protocol = "tcp") -> World:
    world = World()
    world.put(service("db", port=9000, protocol=protocol, addresses=(), headless=True), name="db")
    world.put(workload("db-0", {"app": "db"}, addresses=(FIRST,), host=f"db-0.{DB}"), name="db-0")
    world.put(workload("db-1", {"app": "db"}, addresses=(SECOND,)), name="db-1")
    return world


def listeners(world: World) -> dict[str, OutboundListener]:
    return {each.address: each for each in world.mesh.outbound_listeners(scope())}


def table(world: World, name: str, where: ProxyScope | None = None) -> RouteConfiguration:
    found = world.mesh.routes(where or scope(), name)
    assert found is not None
    return found


def test_bytes_have_a_listener_on_each_endpoint_that_leads_to_it() -> None:
    found = listeners(world_of())
    assert {address: each.streams[0].endpoint for address, each in found.items()} == {FIRST: FIRST, SECOND: SECOND}
    assert {each.streams[0].destinations[0].cluster for each in found.values()} == {f"outbound|9000||{DB}"}


def test_an_endpoint_that_is_not_ready_can_be_called_too() -> None:
    world = world_of()
    world.put(workload("db-1", {"app": "db"}, addresses=(SECOND,), state="not_ready"), name="db-1")
    assert set(listeners(world)) == {FIRST, SECOND}


def test_an_endpoint_that_comes_leaves_the_listeners_of_others_alone() -> None:
    world = world_of()
    before = listeners(world)
    world.put(workload("db-2", {"app": "db"}, addresses=("10.244.0.7",)), name="db-2")
    after = listeners(world)
    assert {address: after[address] for address in before} == before
    assert set(after) - set(before) == {"10.244.0.7"}


def test_addresses_of_both_families_lead_to_the_same_endpoint() -> None:
    world = world_of()
    world.put(workload("db-1", {"app": "db"}, addresses=(SECOND, "fd00::6")), name="db-1")
    assert listeners(world)["fd00::6"].streams[0].endpoint == SECOND


def test_requests_on_a_detected_port_go_to_the_endpoint_whatever_they_name() -> None:
    world = world_of("detect")
    route = listeners(world)[FIRST].route
    (host,) = table(world, route).hosts
    assert (host.domains, host.endpoint) == (("*",), FIRST)
    assert route in world.mesh.route_names(scope())


def test_requests_are_told_apart_by_names_and_addresses_of_endpoints() -> None:
    hosts = {each.name: each for each in table(world_of("http"), "9000").hosts}
    whole, first, second = hosts[f"{DB}:9000"], hosts[f"db-0.{DB}:9000"], hosts[f"{SECOND}:9000"]
    assert whole.endpoint == ""
    assert first.domains == (f"db-0.{DB}", "db-0.db.default.svc", "db-0.db.default", "db-0.db", FIRST)
    assert (first.endpoint, second.domains, second.endpoint) == (FIRST, (SECOND,), SECOND)
    assert first.routes == whole.routes


def test_where_nothing_is_captured_names_of_endpoints_are_told_apart_by_port_too() -> None:
    where = ProxyScope(role="own", namespace="default", captured=False)
    hosts = {each.name: each for each in table(world_of("http"), "http_proxy", where).hosts}
    assert f"db-0.{DB}:9000" in hosts[f"db-0.{DB}:9000"].domains


def test_a_name_of_a_pod_that_is_of_another_service_is_not_taken() -> None:
    world = world_of("http")
    world.put(workload("db-1", {"app": "db"}, addresses=(SECOND,), host=f"db-1.{host_of('other')}"), name="db-1")
    assert f"{SECOND}:9000" in {each.name for each in table(world, "9000").hosts}


def test_clusters_and_endpoints_can_be_asked_by_address() -> None:
    world = world_of()
    cluster = world.mesh.cluster(scope(), f"outbound|9000||{DB}")
    endpoints = world.mesh.endpoints(scope(), f"outbound|9000||{DB}")
    assert cluster is not None
    assert cluster.addressed
    assert cluster.mesh_tls == "by_endpoint"
    assert endpoints is not None
    assert endpoints.addressed


def test_names_of_static_endpoints_count_as_well() -> None:
    world = World()
    static = stated("db", StaticEndpoint("192.0.2.1", host=f"one.{DB}"))
    world.put(service("db", port=80, addresses=(), headless=True, members=None), static)
    assert f"one.{DB}:80" in {each.name for each in table(world, "80").hosts}


@pytest.mark.parametrize(("said", "expected"), [(None, ("hash_ring", ("address",))), ("random", ("random", ()))])
def test_a_sticky_service_hashes_by_address_unless_a_policy_says_how_to_balance(
    said: str | None, expected: tuple[str, tuple[str, ...]]
) -> None:
    world = World()
    world.put(service("web", protocol="tcp", sticky=10_000))
    if said is not None:
        world.put(policy(host_of("web"), settings=TrafficSettings(balance="random")))
    cluster = world.mesh.cluster(scope(), f"outbound|80||{host_of('web')}")
    assert cluster is not None
    assert (cluster.settings.balance, cluster.settings.hash_on) == expected
    (listener,) = world.mesh.outbound_listeners(scope())
    assert listener.streams[0].by_address == (said is None)


def test_unready_endpoints_serve_where_the_service_says_so() -> None:
    world = World()
    world.put(service("db", addresses=(), headless=True, unready=True))
    world.put(workload("db-0", {"app": "db"}, state="not_ready"))
    endpoints = world.mesh.endpoints(scope(), f"outbound|80||{DB}")
    assert endpoints is not None
    assert [each.healthy for group in endpoints.groups for each in group.endpoints] == [True]


def test_near_endpoints_come_first_where_the_service_says_so() -> None:
    world = World()
    world.put(service("web", near="zone"))
    for zone in ("a", "b"):
        world.put(workload(f"web-{zone}", {"app": "web"}, locality=("eu", zone, "")))
    client = ProxyScope(role="own", namespace="default", locality=("eu", "b", ""))
    found = world.mesh.endpoints(client, f"outbound|80||{host_of('web')}")
    assert found is not None
    assert [(group.locality[1], group.priority) for group in found.groups] == [("b", 0), ("a", 1)]


def test_one_number_for_tcp_and_udp_leads_to_a_port_each() -> None:
    ports = (ServicePort(53, "udp-dns", "udp", "dns"), ServicePort(53, "tcp-dns", "tcp", "dns"))
    world = World()
    world.put(made := service("dns", ports=ports))
    world.put(workload("dns-0", {"app": "dns"}, ports=(("dns", 1053, "tcp"), ("dns", 2053, "udp"))))
    assert [world.mesh.endpoint_table.of(made, port)[0].port for port in ports] == [2053, 1053]
    endpoints = world.mesh.endpoints(scope(), f"outbound|53||{host_of('dns')}")
    assert endpoints is not None
    assert endpoints.groups[0].endpoints[0].port == 1053
