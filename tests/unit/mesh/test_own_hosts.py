"""What of its route tables a namespace has for itself, and when that is not all."""

import pytest
from msgspec import structs
from tests.unit.mesh.world import World, host_of, rule, scope, service, table

from weft.envoy.built import Contents, Overlaid, by_name
from weft.envoy.resources import ProxyResources
from weft.envoy.type_urls import VHDS
from weft.graph.watch import Watcher
from weft.ir.inventory import Service
from weft.ir.routing import Backend
from weft.ir.settings import ProxyScope

UNCAPTURED = structs.replace(scope("a"), captured=False)


@pytest.fixture
def world() -> World:
    found = World()
    for namespace, address in (("a", "10.96.1.1"), ("b", "10.96.1.2")):
        found.put(service("reviews", namespace, addresses=(("", address),)), name="reviews", namespace=namespace)
    return found


def shown(world: World, of: ProxyScope) -> Contents:
    return ProxyResources(world.graph, world.mesh).scope_contents.get((of, VHDS))


def joined(world: World, of: ProxyScope) -> Contents:
    """All virtual hosts of a scope's tables, joined for this scope alone."""
    return by_name(ProxyResources(world.graph, world.mesh)._tables.shared_hosts(of))


def own_names(world: World, of: ProxyScope) -> list[str] | None:
    own = world.mesh.own_hosts(of)
    return [f"{name}/{host.name}" for name, host in own] if own is not None else None


def test_a_namespace_has_its_own_services_for_itself(world: World) -> None:
    assert own_names(world, scope("a")) == [f"80/{host_of('reviews', 'a')}:80"]
    assert own_names(world, scope("c")) == []
    assert own_names(world, UNCAPTURED) == [f"http_proxy/{host_of('reviews', 'a')}:80"]


def test_a_namespace_that_most_hosts_are_in_has_tables_of_its_own(world: World) -> None:
    world.put(service("ratings", "a", addresses=(("", "10.96.1.3"),)), name="ratings", namespace="a")
    assert own_names(world, scope("a")) is None
    assert own_names(world, scope("b")) == [f"80/{host_of('reviews', 'b')}:80"]
    assert dict(shown(world, scope("a"))) == dict(joined(world, scope("a")))


def test_its_hosts_are_not_made_for_the_common_scope_too(world: World) -> None:
    world.put(service("ratings", "a", addresses=(("", "10.96.1.3"),)), name="ratings", namespace="a")
    (made,) = (each for each in world.graph.tables if each.name == "virtual hosts")
    Watcher(ProxyResources(world.graph, world.mesh).scope_contents).add((scope("a"), VHDS))
    assert len(made) == 3


@pytest.mark.parametrize("of", [scope("a"), scope("b"), scope("c"), UNCAPTURED], ids=["a", "b", "c", "uncaptured"])
def test_what_is_shown_is_the_whole_table(world: World, of: ProxyScope) -> None:
    world.put(service("web-0", "a", headless=True, addresses=()), name="web", namespace="a")
    world.put(service("other", "b", aliases=(host_of("stars", "a"),)), name="other", namespace="b")
    assert dict(shown(world, of)) == dict(joined(world, of))


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param(service("reviews", "b", host="reviews", registry="external"), id="a host outside"),
        pytest.param(service("x", "b", addresses=(("", "10.96.9.9"),), host="reviews.a"), id="another shorter form"),
    ],
)
def test_a_name_that_another_host_has_makes_the_table_the_namespaces_own(world: World, stranger: Service) -> None:
    world.put(stranger, name="stranger", namespace="b")
    assert own_names(world, scope("a")) is None
    assert dict(shown(world, scope("a"))) == dict(joined(world, scope("a")))
    world.remove("stranger", "b")
    assert own_names(world, scope("a")) == [f"80/{host_of('reviews', 'a')}:80"]


def test_what_namespaces_have_in_common_is_joined_once(world: World) -> None:
    views = Watcher(ProxyResources(world.graph, world.mesh).scope_contents)
    shown = [views.add((scope(each), VHDS)) for each in ("a", "b", "c")]
    assert len({id(each.below if isinstance(each, Overlaid) else each) for each in shown}) == 1
    (routes,) = (each for each in world.graph.tables if each.name == "routes")
    before = routes.computed
    world.put(table(host_of("reviews", "b"), rule(Backend(host_of("reviews", "b"), 80))), name="routes")
    assert len(views.changes()) == 3
    assert routes.computed == before + 1
