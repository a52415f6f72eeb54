"""Route tables and listeners of a scope."""

from typing import Any

import msgspec
import pytest
from tests.unit.mesh.world import World, host_of, policy, rule, scope, service, source, table, workload

from weft.ir.inventory import Service, ServicePort
from weft.ir.routing import Backend, EgressPolicy, HttpMatch, Retry
from weft.ir.settings import MeshSettings, ProxyScope
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Protocol, Selector, Target
from weft.ir.view import RouteConfiguration, VirtualHost
from weft.mesh.names import short_names
from weft.mesh.outbound import unique_domains

REVIEWS = host_of("reviews")


def routes(world: World, name: str = "80", where: ProxyScope | None = None) -> RouteConfiguration:
    found = world.mesh.routes(where or scope(), name)
    assert found is not None
    return found


def virtual_host(world: World, host: str, **where: Any) -> VirtualHost:
    return next(each for each in routes(world, **where).hosts if each.name.startswith(f"{host}:"))


def clusters_of(host: VirtualHost) -> list[str]:
    return [destination.cluster for route in host.routes for destination in route.destinations]


def test_a_service_without_routes_goes_to_itself_with_the_default_retries() -> None:
    world = World()
    world.put(service("reviews"))
    host = virtual_host(world, REVIEWS)
    assert clusters_of(host) == [f"outbound|80||{REVIEWS}"]
    retry = host.routes[0].rule.retry
    assert retry is not None
    assert retry.attempts == 2
    assert host.domains[:4] == (REVIEWS, "reviews.default.svc", "reviews.default", "reviews")


@pytest.mark.parametrize(("stated", "expected"), [(None, False), (True, True), (False, False)])
def test_requests_hashed_to_an_endpoint_are_tried_there_again_unless_the_rule_says_otherwise(
    stated: bool | None, expected: bool
) -> None:
    world = World()
    world.put(service("reviews"))
    world.put(policy(REVIEWS, settings=TrafficSettings(hash_on=("header", "x-user"))))
    retrying = msgspec.structs.replace(rule(Backend(REVIEWS, 80)), retry=Retry(1, other_host=stated))
    world.put(table(REVIEWS, retrying))
    (found,) = virtual_host(world, REVIEWS).routes
    assert found.rule.retry == Retry(1, other_host=expected)


def test_the_bare_name_belongs_to_the_callers_own_namespace() -> None:
    assert short_names(REVIEWS, "other", "cluster.local") == ("reviews.default.svc", "reviews.default")
    assert short_names("api.example.com", "default", "cluster.local") == ()


def test_the_oldest_table_of_a_host_wins() -> None:
    world = World()
    world.put(service("reviews"))
    world.put(table(REVIEWS, rule(Backend(REVIEWS, 80, "new")), name="new", created=2))
    world.put(table(REVIEWS, rule(Backend(REVIEWS, 80, "old")), name="old", created=1))
    assert clusters_of(virtual_host(world, REVIEWS)) == [f"outbound|80|old|{REVIEWS}"]


def test_copies_go_to_the_clusters_of_their_backends() -> None:
    world = World()
    world.put(service("reviews"))
    copies = ((Backend(REVIEWS, subset="new"), 0.1), (Backend("elsewhere", 9), 1.0))
    copied = msgspec.structs.replace(rule(Backend(REVIEWS, 80)), mirrors=copies)
    world.put(table(REVIEWS, copied))
    (found,) = virtual_host(world, REVIEWS).routes
    assert found.mirrors == ((f"outbound|80|new|{REVIEWS}", 0.1), ("outbound|9||elsewhere", 1.0))


def test_an_exact_host_beats_a_wildcard() -> None:
    world = World()
    world.put(service("reviews"))
    world.put(table("*.default.svc.cluster.local", rule(Backend(REVIEWS, 80, "wide")), created=1))
    assert clusters_of(virtual_host(world, REVIEWS)) == [f"outbound|80|wide|{REVIEWS}"]
    world.put(table(REVIEWS, rule(Backend(REVIEWS, 80, "exact")), created=5))
    assert clusters_of(virtual_host(world, REVIEWS)) == [f"outbound|80|exact|{REVIEWS}"]


def test_a_table_is_seen_only_by_the_namespaces_it_is_for() -> None:
    world = World()
    world.put(service("reviews"))
    world.put(table(REVIEWS, rule(Backend(REVIEWS, 80, "private")), clients=("default",)))
    assert clusters_of(virtual_host(world, REVIEWS)) == [f"outbound|80|private|{REVIEWS}"]
    other = virtual_host(world, REVIEWS, where=scope("other"))
    assert clusters_of(other) == [f"outbound|80||{REVIEWS}"]


def test_matches_on_the_client_are_decided_before_run_time() -> None:
    world = World()
    world.put(service("reviews"))
    mobile = HttpMatch(client=Selector(labels=(("app", "in", ("mobile",)),)))
    world.put(
        table(
            REVIEWS,
            rule(Backend(REVIEWS, 80, "mobile"), matches=(mobile,)),
            rule(Backend(REVIEWS, 80, "rest"), index=1),
        )
    )
    assert clusters_of(virtual_host(world, REVIEWS)) == [f"outbound|80|rest|{REVIEWS}"]
    selected = virtual_host(world, REVIEWS, where=scope(clients=(("app", "mobile"),)))
    assert clusters_of(selected)[0] == f"outbound|80|mobile|{REVIEWS}"
    assert selected.routes[0].rule.matches == (HttpMatch(),)


def test_the_labels_of_a_workload_that_nobody_selects_by_do_not_split_scopes() -> None:
    world = World()
    world.put(service("reviews"))
    one, two = workload("a", {"app": "a", "version": "1"}), workload("b", {"app": "b"})
    assert world.mesh.key(one, "own").scope == world.mesh.key(two, "own").scope
    mobile = HttpMatch(client=Selector(labels=(("app", "in", ("a",)),)))
    world.put(table(REVIEWS, rule(Backend(REVIEWS), matches=(mobile,))))
    assert world.mesh.key(one, "own").scope.clients == (("app", "a"),)


def test_a_destination_without_port_means_the_only_port_or_the_one_called() -> None:
    world = World()
    world.put(service("reviews"), service("single", port=9000))
    two = (ServicePort(80, "http", "http", 80), ServicePort(81, "http-b", "http", 81))
    world.put(service("double", ports=two))
    world.put(table(REVIEWS, rule(Backend(host_of("single")), Backend(host_of("double")))))
    assert clusters_of(virtual_host(world, REVIEWS)) == [
        f"outbound|9000||{host_of('single')}",
        f"outbound|80||{host_of('double')}",
    ]


def test_a_route_for_a_host_without_service_applies_to_port_80_only() -> None:
    world = World()
    world.put(service("reviews"), service("other", port=8080))
    world.put(table("api.example.com", rule(Backend(REVIEWS, 80))))
    assert clusters_of(virtual_host(world, "api.example.com")) == [f"outbound|80||{REVIEWS}"]
    assert [host.name for host in routes(world, "8080").hosts] == [f"{host_of('other')}:8080"]


def test_http_ports_share_a_listener_and_streams_have_their_own_address() -> None:
    world = World()
    world.put(service("one"), service("two"), service("store", port=6379, protocol="tcp"))
    world.put(service("raw", port=7000, protocol="detect"))
    found = {(each.address, each.port): each for each in world.mesh.outbound_listeners(scope())}
    assert found["0.0.0.0", 80].kind == "http"
    stores = [each for (_, port), each in found.items() if port == 6379]
    assert [each.kind for each in stores] == ["stream"]
    assert stores[0].streams[0].destinations[0].cluster == f"outbound|6379||{host_of('store')}"
    detected = next(each for (_, port), each in found.items() if port == 7000)
    assert (detected.kind, detected.route) == ("detect", f"{host_of('raw')}:7000")
    assert world.mesh.route_names(scope()) == ("80", f"{host_of('raw')}:7000")


def test_everything_else_is_refused_where_the_mesh_or_the_namespace_says_so() -> None:
    world = World(MeshSettings(outbound="deny"))
    world.put(service("reviews"))
    assert routes(world).fallback == "deny"
    allow = EgressPolicy(source("sidecar"), Target("namespace", "default"), action="allow")
    world.put(allow)
    assert routes(world).fallback == "allow"
    assert world.mesh.outbound_fallback(scope("other")) == "deny"


def test_a_domain_stands_in_one_virtual_host_only() -> None:
    first = VirtualHost("a:80", ("a", "shared"), ())
    second = VirtualHost("b:80", ("shared", "b"), ())
    third = VirtualHost("c:80", ("shared",), ())
    assert [host.domains for host in unique_domains(iter((first, second, third)))] == [("a", "shared"), ("b",)]


def test_a_name_stands_for_one_host_of_a_table() -> None:
    """As a resource, the second one would take the place of the first."""
    first, second = VirtualHost("a:80", ("a",), ()), VirtualHost("a:80", ("a", "10.0.0.1"), ())
    found = unique_domains((first, second))
    assert [(host.name, host.domains) for host in found] == [("a:80", ("a",)), ("10.0.0.1:80", ("10.0.0.1",))]


def external(host: str, *addresses: str, protocol: Protocol = "tls", port: int = 443) -> Service:
    return service(
        "external",
        host=host,
        addresses=tuple(("", address) for address in addresses),
        ports=(ServicePort(port, protocol, protocol, port),),
        members=None,
        registry="external",
        source=source(host),
    )


def streams_at(world: World, address: str) -> list[tuple[str, tuple[str, ...] | None, tuple[str, ...] | None]]:
    (listener,) = [each for each in world.mesh.outbound_listeners(scope()) if each.address == address]
    return [(each.name, each.networks, each.tls_names) for each in listener.streams]


def test_hosts_that_share_an_address_are_told_apart_by_server_name() -> None:
    world = World()
    world.put(external("a.example", "10.97.0.1"))
    assert streams_at(world, "10.97.0.1") == [("a.example", None, None)]
    world.put(external("b.example", "10.97.0.1"))
    assert streams_at(world, "10.97.0.1") == [
        ("a.example", None, ("a.example",)),
        ("b.example", None, ("b.example",)),
    ]


def test_networks_beside_addresses_lead_to_the_service_too() -> None:
    world = World()
    world.put(external("a.example", "10.97.0.1", "192.0.2.0/24", protocol="tcp"))
    assert streams_at(world, "10.97.0.1") == [("a.example", None, None)]
    assert streams_at(world, "0.0.0.0") == [("a.example", ("192.0.2.0/24",), None)]


def test_bytes_on_a_detected_port_are_recognised_by_network() -> None:
    world = World()
    world.put(external("a.example", "192.0.2.0/24", protocol="detect"))
    assert streams_at(world, "0.0.0.0") == [("a.example", ("192.0.2.0/24",), None)]
    other = World()
    other.put(external("a.example", protocol="detect"))
    assert streams_at(other, "0.0.0.0") == []


def test_another_name_in_dns_does_not_take_the_bytes_of_others_on_its_port() -> None:
    world = World()
    world.put(service("alias", protocol="tcp", addresses=(), members=None, resolution="dns"))
    assert world.mesh.outbound_listeners(scope()) == ()
    world.put(external("db.example", protocol="tcp"))
    assert streams_at(world, "0.0.0.0") == [("db.example", None, None)]


def test_what_is_sent_to_a_services_own_address_is_for_it_whatever_host_it_names() -> None:
    world = World()
    world.put(service("reviews", protocol="detect"))
    (host,) = routes(world, f"{REVIEWS}:80").hosts
    assert (host.name, host.domains) == (f"{REVIEWS}:80", ("*",))
