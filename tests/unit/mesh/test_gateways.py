"""Gateways: which listeners a proxy has, and which routes hang on them."""

from typing import Any

from tests.unit.mesh.world import World, host_of, rule, service, source, table, workload

from weft.ir.edge import Gateway, Listener
from weft.ir.inventory import ServicePort
from weft.ir.routing import Backend, HttpMatch
from weft.ir.settings import MeshSettings, ProxyKey
from weft.ir.values import Protocol, Selector, Target, Text, Tls
from weft.ir.view import RouteConfiguration

REVIEWS = host_of("reviews")
FRONT = Target("gateway", "default", "front")
SELECT = Selector(labels=(("istio", "in", ("ingress",)),))


def listener(port: int = 80, *hosts: str, name: str = "http", protocol: Protocol = "http", **more: Any) -> Listener:
    return Listener(source("front"), FRONT, name, port, protocol, hosts or ("*/*",), **more)


def routes_at(host: str, *backends: Backend, name: str = "routes", created: int = 0, **more: Any) -> Any:
    return table(host, rule(*backends), name=name, created=created, attach=FRONT, merge="append", **more)


def world_with(*listeners: Listener) -> World:
    world = World()
    world.put(service("reviews"))
    world.put(Gateway(source("front"), "edge", SELECT), *listeners, name="front")
    return world


def key(world: World) -> ProxyKey:
    return world.mesh.key(workload("gateway", {"istio": "ingress"}), "edge")


def routes(world: World, name: str = "http.80") -> RouteConfiguration:
    found = world.mesh.gateway_routes(key(world), name)
    assert found is not None
    return found


def test_a_gateway_listens_on_the_ports_that_select_it() -> None:
    world = world_with(listener(80), listener(8080, name="other"))
    assert [each.port for each in world.mesh.gateway_listeners(key(world))] == [80, 8080]
    stranger = world.mesh.key(workload("x", {"istio": "else"}), "edge")
    assert world.mesh.gateway_listeners(stranger) == ()


def test_the_port_is_the_target_of_the_service_in_front_of_the_proxy() -> None:
    world = world_with(listener(80))
    selecting = Selector(namespaces=("default",), labels=SELECT.labels)
    world.put(service("gateway", members=selecting, ports=(ServicePort(80, "http", "http", 8080),)))
    assert [each.port for each in world.mesh.gateway_listeners(key(world))] == [8080]


def test_a_route_serves_where_its_host_and_the_listeners_meet() -> None:
    world = world_with(listener(80, "*/*.example.com"))
    world.put(routes_at("shop.example.com", Backend(REVIEWS)), name="meets")
    world.put(routes_at("shop.other.com", Backend(REVIEWS), name="misses"), name="misses")
    assert [host.domains for host in routes(world).hosts] == [("shop.example.com",)]


def test_a_listener_serves_only_routes_of_the_namespaces_it_allows() -> None:
    world = world_with(listener(80, "default/*"))
    world.put(routes_at("a.example", Backend(REVIEWS), namespace="other"), namespace="other")
    assert routes(world).hosts == ()
    world.put(routes_at("a.example", Backend(REVIEWS)))
    assert len(routes(world).hosts) == 1


def test_routes_of_one_host_append_by_age() -> None:
    world = world_with(listener(80))
    match = (HttpMatch(path=("prefix", "/a")),)
    for name, created in (("young", 2), ("old", 1)):
        narrow = rule(Backend(REVIEWS, 80, name), matches=match)
        world.put(table("a.example", narrow, created=created, attach=FRONT), name=name)
    (host,) = routes(world).hosts
    clusters = [route.destinations[0].cluster for route in host.routes]
    assert clusters == [f"outbound|80|old|{REVIEWS}", f"outbound|80|young|{REVIEWS}"]


def test_what_takes_every_request_comes_last_whichever_object_is_older() -> None:
    world = world_with(listener(80))
    narrow = rule(Backend(REVIEWS, 80, "narrow"), matches=(HttpMatch(path=("prefix", "/a")),))
    world.put(table("a.example", narrow, name="young", created=2, attach=FRONT), name="young")
    world.put(routes_at("a.example", Backend(REVIEWS, 80, "all"), name="old", created=1))
    (host,) = routes(world).hosts
    clusters = [route.destinations[0].cluster for route in host.routes]
    assert clusters == [f"outbound|80|narrow|{REVIEWS}", f"outbound|80|all|{REVIEWS}"]


def test_servers_of_two_ports_that_lead_to_one_share_its_table() -> None:
    world = world_with(listener(80, "*/a.example"), listener(8080, "*/b.example", name="other"))
    selecting = Selector(namespaces=("default",), labels=SELECT.labels)
    world.put(service("gateway", members=selecting, ports=(ServicePort(80, "http", "http", 8080),)))
    world.put(routes_at("a.example", Backend(REVIEWS), name="a"), name="a")
    world.put(routes_at("b.example", Backend(REVIEWS), name="b"), name="b")
    (found,) = world.mesh.gateway_listeners(key(world))
    assert [server.route for server in found.servers] == ["http.8080"]
    assert [host.domains for host in routes(world, "http.8080").hosts] == [("a.example",), ("b.example",)]


def test_unknown_hosts_are_not_found_at_a_gateway() -> None:
    world = world_with(listener(80))
    assert routes(world).fallback == "not_found"


def test_each_tls_server_has_a_chain_and_a_table_of_its_own() -> None:
    tls = Tls("one_way", certificates=("secret:/cert",))
    secure = listener(443, "*/a.example", name="a", protocol="tls", tls=tls)
    world = world_with(
        listener(443, "*/a.example", name="a", protocol="http", tls=tls),
        listener(443, "*/b.example", name="b", protocol="http", tls=tls),
    )
    assert secure.tls is tls
    (found,) = world.mesh.gateway_listeners(key(world))
    assert [(server.tls_names, server.route) for server in found.servers] == [
        (("a.example",), "https.443.a.front.default"),
        (("b.example",), "https.443.b.front.default"),
    ]


def test_passed_on_tls_is_routed_by_server_name() -> None:
    world = world_with(listener(443, name="tls", protocol="tls", tls=Tls("passthrough")))
    stream: dict[str, Any] = {"attach": FRONT, "level": "tls"}
    world.put(table("db.example", rule(Backend(REVIEWS, 80)), **stream))
    (found,) = world.mesh.gateway_listeners(key(world))
    assert [server.kind for server in found.servers] == ["stream"]
    assert found.servers[0].streams[0].destinations[0].cluster == f"outbound|80||{REVIEWS}"


def test_a_server_of_bytes_passes_them_on_by_tcp_rules_and_one_of_closed_tls_by_server_name() -> None:
    world = world_with(
        listener(443, name="tls", protocol="tls", tls=Tls("passthrough")), listener(3306, name="db", protocol="tcp")
    )
    named = rule(Backend(REVIEWS, 80), matches=(HttpMatch(tls_names=(("exact", "db.example"),)),))
    world.put(table("db.example", named, attach=FRONT, level="tls"), name="tls")
    world.put(table("db.example", rule(Backend(REVIEWS, 80)), attach=FRONT, level="stream"), name="tcp")
    found = {each.port: each.servers for each in world.mesh.gateway_listeners(key(world))}
    assert [stream.tls_names for server in found[443] for stream in server.streams] == [("db.example",)]
    assert [stream.tls_names for server in found[3306] for stream in server.streams] == [None]


def test_a_namespace_takes_no_server_name_that_is_not_for_it() -> None:
    hosts = ("default/a.example", "other/*.b.example")
    world = world_with(listener(443, *hosts, name="tls", protocol="tls", tls=Tls("passthrough")))
    names: tuple[Text, ...] = (("exact", "a.example"), ("exact", "x.b.example"), ("glob", "*.example"))
    greedy = rule(Backend(REVIEWS, 80), matches=(HttpMatch(tls_names=names),))
    world.put(table("*.example", greedy, attach=FRONT, level="tls", namespace="other"), namespace="other")
    (found,) = world.mesh.gateway_listeners(key(world))
    assert [stream.tls_names for stream in found.servers[0].streams] == [("x.b.example", "*.b.example")]


def test_every_host_of_a_redirecting_server_redirects_routed_or_not() -> None:
    world = world_with(listener(80, "*/a.example", "*/b.example", https_redirect=True))
    world.put(routes_at("a.example", Backend(REVIEWS)))
    found = [(host.domains, host.https_redirect, len(host.routes)) for host in routes(world).hosts]
    assert found == [(("a.example",), True, 1), (("b.example",), True, 0)]


def test_ports_that_may_not_be_opened_stand_8000_higher() -> None:
    world = world_with(listener(80), listener(8443, name="other"))
    world.settings.set(None, MeshSettings(first_gateway_port=1024))
    assert [each.port for each in world.mesh.gateway_listeners(key(world))] == [8080, 8443]
    assert world.mesh.gateway_route_names(key(world)) == ("http.8080", "http.8443")
    assert routes(world, "http.8080").name == "http.8080"
