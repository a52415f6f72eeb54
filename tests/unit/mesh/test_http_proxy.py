"""Workloads that nothing is captured for: the one table of what they call, and where they are called."""

from typing import Any

from msgspec import structs
from tests.unit.mesh.world import World, host_of, policy, rule, scope, service, source, stated, table, workload

from weft.ir.inventory import Endpoint, StaticEndpoint
from weft.ir.routing import Backend, EgressPolicy
from weft.ir.settings import MeshSettings, ProxyScope
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Target
from weft.ir.view import HTTP_PROXY, RouteConfiguration, VirtualHost
from weft.mesh.inventory import class_of

REVIEWS = host_of("reviews")
DB = host_of("db")
BARE = scope()
UNCAPTURED = structs.replace(BARE, captured=False)
NONE: dict[str, Any] = {"interception": "none", "addresses": ("127.244.0.7",), "proxy_address": "127.245.0.7"}


def routes(world: World, where: ProxyScope = UNCAPTURED) -> RouteConfiguration:
    found = world.mesh.routes(where, HTTP_PROXY)
    assert found is not None
    return found


def virtual_host(world: World, name: str, where: ProxyScope = UNCAPTURED) -> VirtualHost:
    return next(each for each in routes(world, where).hosts if each.name == name)


# ---- what they call ------------------------------------------------------------------------------------------------
def test_hosts_of_all_ports_are_in_one_table_told_apart_by_port() -> None:
    world = World()
    world.put(service("reviews", port=80))
    world.put(service("admin", port=9080))
    assert [host.name for host in routes(world).hosts] == [f"{REVIEWS}:80", f"{host_of('admin')}:9080"]
    assert routes(world).by_port
    admin = virtual_host(world, f"{host_of('admin')}:9080").domains
    assert {"admin:9080", "admin.default:9080", "admin.default.svc:9080", f"{host_of('admin')}:9080"} <= set(admin)
    assert all(domain.endswith(":9080") for domain in admin)


def test_a_host_without_a_port_is_on_port_80() -> None:
    world = World()
    world.put(service("reviews", port=80))
    assert {"reviews", "reviews:80", REVIEWS, f"{REVIEWS}:80"} <= set(virtual_host(world, f"{REVIEWS}:80").domains)


def test_short_names_mean_what_they_mean_in_the_clients_namespace() -> None:
    world = World()
    world.put(service("reviews"))
    elsewhere = structs.replace(UNCAPTURED, namespace="other")
    domains = virtual_host(world, f"{REVIEWS}:80", elsewhere).domains
    assert "reviews" not in domains
    assert "reviews.default" in domains


def test_routes_are_those_of_captured_clients() -> None:
    world = World()
    world.put(service("reviews"))
    world.put(service("old"))
    world.put(table(REVIEWS, rule(Backend(host_of("old"), 80))))
    (captured,) = [host for host in world.mesh.routes(BARE, "80").hosts if host.name == f"{REVIEWS}:80"]  # type: ignore[union-attr]
    assert virtual_host(world, f"{REVIEWS}:80").routes == captured.routes


def test_ports_whose_protocol_is_detected_take_requests() -> None:
    world = World()
    world.put(service("reviews", port=81, protocol="detect"))
    assert virtual_host(world, f"{REVIEWS}:81").routes


def test_to_a_port_of_bytes_there_is_a_tunnel_and_no_route() -> None:
    world = World()
    world.put(service("db", port=3306, protocol="tcp"))
    found = virtual_host(world, f"{DB}:3306")
    assert found.routes == ()
    assert found.tunnel is not None
    assert [each.cluster for each in found.tunnel.destinations] == [f"outbound|3306||{DB}"]


def test_udp_can_not_be_reached() -> None:
    world = World()
    world.put(service("dns", port=53, protocol="udp"))
    assert routes(world).hosts == ()


def test_nothing_is_listened_for_and_no_other_table_is_there() -> None:
    world = World()
    world.put(service("reviews"))
    assert world.mesh.outbound_listeners(UNCAPTURED) == ()
    assert world.mesh.route_names(UNCAPTURED) == (HTTP_PROXY,)
    assert world.mesh.routes(UNCAPTURED, "80") is None
    assert world.mesh.routes(BARE, HTTP_PROXY) is None


def test_unknown_hosts_are_looked_up_or_refused_as_the_mesh_says() -> None:
    assert routes(World()).fallback == "resolve"
    assert routes(World(MeshSettings(outbound="deny"))).fallback == "deny"


def test_a_sidecars_egress_bounds_the_table() -> None:
    world = World()
    world.put(service("reviews"))
    world.put(service("secret", namespace="vault"))
    target = Target("namespace", "default")
    world.put(EgressPolicy(source("own"), target, action="deny", services=("default/*",)))
    assert [host.name for host in routes(world).hosts] == [f"{REVIEWS}:80"]
    assert routes(world).fallback == "deny"


# ---- destinations ----------------------------------------------------------------------------------------------------
def test_workloads_are_called_at_their_proxies() -> None:
    world = World()
    world.put(service("reviews"))
    world.put(workload("reviews-1", {"app": "reviews"}, **NONE))
    found = world.mesh.endpoints(UNCAPTURED, f"outbound|80||{REVIEWS}")
    assert found is not None
    assert [(each.address, each.mesh_tls) for group in found.groups for each in group.endpoints] == [
        ("127.245.0.7", True)
    ]


def test_the_original_address_of_a_call_is_nobodys_choice() -> None:
    world = World()
    world.put(service("reviews"))
    world.put(policy(REVIEWS, settings=TrafficSettings(balance="original")))
    captured, named = (world.mesh.cluster(each, f"outbound|80||{REVIEWS}") for each in (BARE, UNCAPTURED))
    assert captured is not None
    assert captured.discovery == "original"
    assert named is not None
    assert (named.discovery, named.settings.balance) == ("endpoints", None)


def test_what_passes_to_its_original_address_is_looked_up_by_name() -> None:
    world = World()
    world.put(service("wild", resolution="passthrough", external=True, members=None))
    found = world.mesh.cluster(UNCAPTURED, f"outbound|80||{host_of('wild')}")
    assert found is not None
    assert (found.discovery, found.any_source) == ("dynamic", True)


def test_only_workloads_are_called_from_the_pods_own_address() -> None:
    world = World()
    world.put(service("reviews"))
    world.put(service("outside", members=None), stated("outside", StaticEndpoint("192.0.2.7")))
    world.put(workload("reviews-1", {"app": "reviews"}, **NONE))
    own, other = (world.mesh.cluster(UNCAPTURED, f"outbound|80||{host_of(name)}") for name in ("reviews", "outside"))
    assert own is not None
    assert not own.any_source
    assert other is not None
    assert other.any_source
    captured = world.mesh.cluster(BARE, f"outbound|80||{host_of('outside')}")
    assert captured is not None
    assert not captured.any_source


# ---- where they are called -------------------------------------------------------------------------------------------
def test_each_of_them_is_served_at_its_proxys_address_and_forwarded_to_its_own() -> None:
    world = World()
    world.put(service("reviews"))
    pod = workload("reviews-1", {"app": "reviews"}, **NONE)
    world.put(pod)
    found = world.mesh.inbound(class_of(pod))
    assert (found.interception, found.address) == ("none", "127.245.0.7")
    assert [(port.port, port.forward_to) for port in found.ports] == [(8080, "127.244.0.7:8080")]


def test_without_an_address_for_the_proxy_the_application_is_at_loopback() -> None:
    pod = workload("reviews-1", {}, interception="none", addresses=("10.1.2.3",))
    assert (class_of(pod).address, class_of(pod).application) == ("10.1.2.3", "127.0.0.1")


def test_a_captured_workload_has_no_addresses_in_its_class() -> None:
    pod = workload("reviews-1", {})
    assert (class_of(pod).address, class_of(pod).application) == ("", "")
    assert world_scope(pod).captured
    assert not world_scope(workload("reviews-1", {}, **NONE)).captured


def world_scope(pod: object) -> ProxyScope:
    world = World()
    world.put(pod)  # type: ignore[arg-type]
    return world.mesh.key(pod, "own").scope  # type: ignore[arg-type]


def test_endpoints_have_the_family_and_identity_of_the_pod() -> None:
    world = World()
    world.put(service("reviews"))
    pod = workload("reviews-1", {"app": "reviews"}, **NONE)
    world.put(pod)
    found = world.mesh.endpoints(BARE, f"outbound|80||{REVIEWS}")
    assert found is not None
    (endpoint,) = (each for group in found.groups for each in group.endpoints)
    assert isinstance(endpoint, Endpoint)
    assert (endpoint.workload, endpoint.identity) == (pod.uid, pod.identity)
