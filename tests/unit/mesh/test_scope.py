"""Scopes that have one scope in common, and what ends that."""

from collections.abc import Callable

import pytest
from tests.unit.mesh.world import World, host_of, policy, rule, scope, service, source, table, workload

from weft.envoy.resources import ProxyResources
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, VHDS
from weft.graph.watch import Watcher
from weft.ir.inventory import Service
from weft.ir.routing import Backend, EgressPolicy, HttpMatch
from weft.ir.settings import ProxyKey, ProxyScope, WorkloadClass
from weft.ir.traffic import TrafficPolicy, TrafficSettings
from weft.ir.values import Selector, Target

REVIEWS = host_of("reviews")
Fragment = Service | TrafficPolicy | EgressPolicy


def common(world: World, namespace: str) -> ProxyScope:
    return world.mesh.common_scope(scope(namespace))


def egress(namespace: str) -> EgressPolicy:
    return EgressPolicy(source("egress", namespace), Target("namespace", namespace), services=("*/*",))


@pytest.fixture
def world() -> World:
    found = World()
    found.put(service("reviews"), workload("reviews-1", {"app": "reviews"}), name="reviews")
    return found


def test_namespaces_that_nothing_is_said_for_have_one_scope_in_common(world: World) -> None:
    assert common(world, "a") == common(world, "b") == common(world, "default")
    assert common(world, "a").namespace == ""
    assert common(world, "istio-system") == scope("istio-system")
    assert world.mesh.common_scope(common(world, "a")) == common(world, "a")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(lambda: policy(REVIEWS, "a", settings=TrafficSettings()), id="a policy of its own"),
        pytest.param(
            lambda: policy(REVIEWS, settings=TrafficSettings(), visible_to=("a",)), id="a policy that is exported to it"
        ),
        pytest.param(lambda: service("secret", visible_to=("a",)), id="a service that is exported to it"),
        pytest.param(
            lambda: service("else", "a", registry="external"), id="a ServiceEntry, whose host others may have"
        ),
        pytest.param(lambda: egress("a"), id="a Sidecar"),
        pytest.param(lambda: table(REVIEWS, rule(Backend(REVIEWS, 80)), clients=("a",)), id="routes exported to it"),
        pytest.param(
            lambda: table(
                REVIEWS, rule(Backend(REVIEWS, 80), matches=(HttpMatch(client=Selector(namespaces=("a",))),))
            ),
            id="routes of its clients",
        ),
    ],
)
def test_a_namespace_that_something_is_said_for_has_scopes_of_its_own(
    world: World, said: Callable[[], Fragment]
) -> None:
    world.put(said(), name="said")
    assert common(world, "a") == scope("a")
    assert common(world, "b").namespace == ""
    world.remove("said")
    assert common(world, "a") == common(world, "b")


@pytest.mark.parametrize("host", [host_of("reviews", "a"), "*.a.svc.cluster.local"])
def test_a_policy_about_services_of_its_own_namespace_is_what_all_clients_ask(world: World, host: str) -> None:
    world.put(service("reviews", "a"), name="theirs", namespace="a")
    world.put(policy(host, "a", settings=TrafficSettings(connections=7)), name="said", namespace="a")
    assert common(world, "a") == common(world, "b")
    name = f"outbound|80||{host_of('reviews', 'a')}"
    for namespace in ("", "a", "b"):
        cluster = world.mesh.cluster(scope(namespace), name)
        assert cluster is not None
        assert cluster.settings.connections == 7


def test_a_host_of_a_namespace_that_a_service_entry_claims_may_mean_another_service_there(world: World) -> None:
    claimed = service("else", "b", registry="external", host=host_of("else", "a"))
    world.put(claimed, name="claimed", namespace="b")
    assert common(world, "a") == scope("a")


def test_views_of_namespaces_hold_the_same_resources_but_for_short_names(world: World) -> None:
    views = Watcher(ProxyResources(world.graph, world.mesh).contents)
    keys = [ProxyKey(scope=scope(each), server=WorkloadClass(namespace=each, labels=())) for each in ("default", "b")]
    name = f"outbound|80||{REVIEWS}"
    for type_url, each in ((CDS, name), (EDS, name), (LDS, "0.0.0.0_80"), (RDS, "80"), (VHDS, "80/allow_any")):
        own, other = (views.add((key, type_url))[each] for key in keys)
        assert own is other
    own, other = (views.add((key, VHDS))[f"80/{REVIEWS}:80"] for key in keys)
    assert own != other


def test_what_names_a_namespaces_own_host_is_its_own_also_for_other_names(world: World) -> None:
    alias = service("alias", "b", resolution="dns", alias_of=REVIEWS, members=None)
    world.put(alias, name="alias")
    routes = {each: world.mesh.routes(scope(each), "80") for each in ("b", "c")}
    domains = {each: {d for host in found.hosts for d in host.domains} for each, found in routes.items() if found}
    assert "alias" in domains["b"]
    assert "alias" not in domains["c"]
    assert "alias.b" in domains["c"]
