"""What proxies get that nothing is redirected to, and what a change costs."""

from typing import Any

from msgspec import structs
from tests.unit.mesh.world import World, host_of, service, workload

from weft.envoy.resources import ProxyResources
from weft.envoy.type_urls import CDS, LDS, RDS, VHDS
from weft.ir.inventory import Workload
from weft.ir.settings import ProxyKey

NONE: dict[str, Any] = {"interception": "none", "addresses": ("127.244.0.7",), "proxy_address": "127.245.0.7"}


def uncaptured(world: World, name: str = "web-1", **changes: object) -> ProxyKey:
    pod: Workload = workload(name, {"app": "web"}, **{**NONE, **changes})
    world.put(pod, name=name)
    return world.mesh.key(pod, "own")


def test_a_proxy_gets_its_ports_one_http_proxy_and_one_table_besides_those_of_its_ports() -> None:
    world = World()
    world.put(service("web"))
    world.put(service("db", port=3306, protocol="tcp"))
    key, resources = uncaptured(world), ProxyResources(world.graph, world.mesh)
    assert set(resources.contents.get((key, LDS))) == {"http_proxy", "127.245.0.7_8080"}
    assert set(resources.contents.get((key, RDS))) == {"http_proxy", "inbound|8080||"}
    assert resources.failures.get(key) == ()
    clusters = set(resources.contents.get((key, CDS)))
    assert {"DynamicDnsCluster", "BlackHoleCluster", "inbound|8080||"} <= clusters
    assert not {"PassthroughCluster", "InboundPassthroughCluster"} & clusters


def test_a_proxy_whose_pod_has_no_address_yet_listens_nowhere() -> None:
    world = World()
    world.put(service("web"))
    key = uncaptured(world, addresses=(), proxy_address="")
    assert ProxyResources(world.graph, world.mesh).contents.get((key, LDS)) == {}


def test_replicas_share_everything_but_their_listeners_and_where_they_forward_to() -> None:
    world = World()
    world.put(service("web"))
    one = uncaptured(world)
    other = uncaptured(world, "web-2", addresses=("127.244.0.8",), proxy_address="127.245.0.8")
    assert one.scope == other.scope
    resources = ProxyResources(world.graph, world.mesh)
    first, second = (resources.contents.get((key, RDS)) for key in (one, other))
    assert first["http_proxy"] is second["http_proxy"]


def test_a_change_of_one_service_builds_one_virtual_host_of_the_joined_table() -> None:
    world = World()
    for name in ("web", "reviews", "ratings", "details"):
        world.put(service(name), name=name)
    key, resources = uncaptured(world), ProxyResources(world.graph, world.mesh)
    before = resources.contents.get((key, VHDS))
    (hosts,) = (each for each in world.graph.tables if each.name == "virtual host resource")
    built = hosts.computed
    renamed = structs.replace(service("ratings"), aliases=(host_of("stars"),), addresses=(("", "10.96.9.9"),))
    world.put(renamed, name="ratings")
    after = resources.contents.get((key, VHDS))
    assert {name for name in before if after[name] is not before[name]} == {f"http_proxy/{host_of('ratings')}:80"}
    assert hosts.computed == built + 1
