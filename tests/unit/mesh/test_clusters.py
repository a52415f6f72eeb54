"""Clusters of a scope: which there are, with whose settings, and with which identities."""

from typing import Literal

import msgspec
import pytest
from tests.unit.mesh.world import World, host_of, policy, scope, service, source, stated, workload

from weft.graph.tables import Derived
from weft.graph.watch import Watcher
from weft.ir.access import Authentication
from weft.ir.inventory import ServicePort, StaticEndpoint
from weft.ir.routing import EgressPolicy, SubsetTerms
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Selector, Target, Tls
from weft.ir.view import Endpoints
from weft.mesh.traffic import fill, settings_of

REVIEWS = host_of("reviews")
V1 = SubsetTerms("v1", (("version", "in", ("v1",)),))


def world_with_reviews() -> World:
    world = World()
    world.put(service("reviews"), name="service")
    world.put(workload("reviews-1", {"app": "reviews", "version": "v1"}), name="pod-1")
    world.put(workload("reviews-2", {"app": "reviews", "version": "v2"}, identity="spiffe://x/ns/n/sa/two"), name="p2")
    return world


def test_every_service_port_and_subset_is_a_cluster() -> None:
    world = world_with_reviews()
    world.put(policy(REVIEWS, settings=TrafficSettings(), subsets=(V1,)))
    assert world.mesh.cluster_names(scope()) == (f"outbound|80|v1|{REVIEWS}", f"outbound|80||{REVIEWS}")


def test_a_subset_has_the_endpoints_with_its_labels() -> None:
    world = world_with_reviews()
    world.put(policy(REVIEWS, settings=TrafficSettings(), subsets=(V1,)))
    found = world.mesh.endpoints(scope(), f"outbound|80|v1|{REVIEWS}")
    assert found is not None
    assert [e.workload for group in found.groups for e in group.endpoints] == ["Kubernetes//Pod/default/reviews-1"]


def test_stated_endpoints_count_where_no_workload_is_known() -> None:
    world = World()
    world.put(service("web"), stated("web", StaticEndpoint("10.9.9.9")))
    name = f"outbound|80||{host_of('web')}"
    assert addresses(world, name) == ["10.9.9.9"]
    world.put(workload("web-1", {"app": "web"}), name="pod")
    assert addresses(world, name) == [workload("web-1", {"app": "web"}).addresses[0]]
    world.remove("pod")
    assert addresses(world, name) == ["10.9.9.9"]


def test_a_stated_address_of_a_workload_is_reached_like_the_workload() -> None:
    """An EndpointSlice by hand, of a Service without a selector: the pod may take nothing but mutual TLS."""
    world = World()
    pod = workload("reviews-1", {"app": "reviews"}, identity="spiffe://x/ns/n/sa/two")
    static = stated("by-hand", StaticEndpoint(pod.addresses[0]), StaticEndpoint("10.9.9.9"))
    world.put(service("by-hand"), static)
    name = f"outbound|80||{host_of('by-hand')}"

    def found() -> list[tuple[str, str | None, bool]]:
        endpoints = world.mesh.endpoints(scope(), name)
        assert endpoints is not None
        return sorted((e.address, e.workload, e.mesh_tls) for group in endpoints.groups for e in group.endpoints)

    bare = ("10.9.9.9", None, False)
    assert found() == sorted([bare, (pod.addresses[0], None, False)])
    world.put(pod, name="pod")
    assert found() == sorted([bare, (pod.addresses[0], pod.uid, True)])
    world.put(Authentication(source("policy"), Target("mesh"), mutual="off"), name="off")
    assert found() == sorted([bare, (pod.addresses[0], pod.uid, False)])
    world.remove("off")
    same = workload("other", {"app": "other"}, addresses=pod.addresses)
    world.put(same, name="same")
    assert found() == sorted([bare, (pod.addresses[0], None, False)]), "it can't be said whose it is"


def addresses(world: World, cluster: str) -> list[str]:
    found = world.mesh.endpoints(scope(), cluster)
    assert found is not None
    return [endpoint.address for group in found.groups for endpoint in group.endpoints]


def test_a_cluster_accepts_the_identities_of_its_endpoints_only() -> None:
    world = world_with_reviews()
    cluster = world.mesh.cluster(scope(), f"outbound|80||{REVIEWS}")
    assert cluster is not None
    assert cluster.peers == ("spiffe://cluster.local/ns/default/sa/reviews", "spiffe://x/ns/n/sa/two")
    assert cluster.server_name == f"outbound_.80_._.{REVIEWS}"


@pytest.mark.parametrize(
    ("port", "modes", "expected"),
    [
        (ServicePort(80, "http", "http", 80), ("own_proxy", "own_proxy"), "always"),
        (ServicePort(80, "http", "http", 80), ("own_proxy", "none"), "by_endpoint"),
        (ServicePort(80, "http", "http", 80), ("none", "none"), "never"),
        (ServicePort(80, "grpc", "grpc", 80), ("own_proxy", "own_proxy"), "by_endpoint"),
        (ServicePort(80, "tcp", "tcp", 80), ("own_proxy", "own_proxy"), "by_endpoint"),
    ],
)
def test_http_1_to_endpoints_that_all_speak_tls_may_be_negotiated(
    port: ServicePort, modes: tuple[Literal["own_proxy", "none"], ...], expected: str
) -> None:
    world = World()
    world.put(service("web", ports=(port,)))
    for number, mode in enumerate(modes):
        world.put(workload(f"web-{number}", {"app": "web"}, mode=mode))
    cluster = world.mesh.cluster(scope(), f"outbound|80||{host_of('web')}")
    assert cluster is not None
    assert cluster.mesh_tls == expected


def test_a_named_target_port_is_resolved_on_each_workload() -> None:
    world = World()
    one = service("web")
    named = type(one.ports[0])(80, "http", "http", "web-port")
    world.put(service("web", ports=(named,)))
    world.put(workload("web-1", {"app": "web"}, ports=(("web-port", 9090, "tcp"),)))
    world.put(workload("web-2", {"app": "web"}))
    found = world.mesh.endpoints(scope(), f"outbound|80||{host_of('web')}")
    assert found is not None
    assert [e.port for group in found.groups for e in group.endpoints] == [9090]


def test_tls_that_an_author_asks_for_wins_over_automatic_tls() -> None:
    world = world_with_reviews()
    world.put(policy(REVIEWS, settings=TrafficSettings(tls=Tls("off"))))
    cluster = world.mesh.cluster(scope(), f"outbound|80||{REVIEWS}")
    assert cluster is not None
    assert (cluster.mesh_tls, cluster.peers) == ("never", ())


def test_a_service_outside_gets_no_mesh_tls() -> None:
    world = World()
    endpoint = StaticEndpoint("192.0.2.1", identity="spiffe://cluster.local/ns/x/sa/y")
    world.put(service("api", external=True, members=None), stated("api", endpoint))
    cluster = world.mesh.cluster(scope(), f"outbound|80||{host_of('api')}")
    assert cluster is not None
    assert cluster.mesh_tls == "never"


def test_the_clients_namespace_decides_before_the_services_and_the_root() -> None:
    world = world_with_reviews()
    for namespace, pending in (("istio-system", 1), ("default", 2), ("clients", 3)):
        world.put(policy(REVIEWS, namespace, settings=TrafficSettings(pending=pending)), name=namespace)

    def pending_for(namespace: str) -> int | None:
        cluster = world.mesh.cluster(scope(namespace), f"outbound|80||{REVIEWS}")
        assert cluster is not None
        return cluster.settings.pending

    assert [pending_for(namespace) for namespace in ("clients", "default", "elsewhere")] == [3, 2, 2]
    assert pending_for("istio-system") == 2
    for_itself = policy(REVIEWS, "istio-system", name="own", settings=TrafficSettings(pending=4))
    world.put(msgspec.structs.replace(for_itself, visible_to=("istio-system",)), name="own")
    assert pending_for("istio-system") == 4
    world.remove("default")
    assert pending_for("elsewhere") == 1


def test_a_policy_for_chosen_clients_beats_one_for_all() -> None:
    world = world_with_reviews()
    chosen = Selector(labels=(("app", "in", ("mobile",)),))
    world.put(policy(REVIEWS, name="a", settings=TrafficSettings(pending=1)))
    world.put(policy(REVIEWS, name="b", settings=TrafficSettings(pending=2), clients=chosen))
    for clients, expected in ((), 1), ((("app", "mobile"),), 2):
        cluster = world.mesh.cluster(scope(clients=clients), f"outbound|80||{REVIEWS}")
        assert cluster is not None
        assert cluster.settings.pending == expected


def test_two_policies_of_one_namespace_unite_and_the_older_states_the_settings() -> None:
    world = world_with_reviews()
    v2 = SubsetTerms("v2", (("version", "in", ("v2",)),))
    world.put(policy(REVIEWS, name="new", created=2, settings=TrafficSettings(pending=2), subsets=(v2, V1)))
    world.put(policy(REVIEWS, name="old", created=1, settings=TrafficSettings(pending=1), subsets=(V1,)))
    assert f"outbound|80|v2|{REVIEWS}" in world.mesh.cluster_names(scope())
    cluster = world.mesh.cluster(scope(), f"outbound|80|v2|{REVIEWS}")
    assert cluster is not None
    assert cluster.settings.pending == 1
    assert cluster.config == "old.default"


def test_policies_for_other_clients_do_not_unite_with_the_oldest() -> None:
    world = world_with_reviews()
    for_all = TrafficSettings(pending=1)
    world.put(policy(REVIEWS, name="old", created=1, settings=for_all))
    private = policy(REVIEWS, name="new", created=2, settings=TrafficSettings(), subsets=(V1,))
    world.put(msgspec.structs.replace(private, visible_to=("default",)))
    assert world.mesh.cluster_names(scope()) == (f"outbound|80||{REVIEWS}",)


def test_ejection_is_the_policys_or_the_meshs_as_a_whole() -> None:
    of_mesh = TrafficSettings(connect=5_000, eject_split=False, eject_scan=60_000, locality=True, prefer=("region",))
    said = fill(TrafficSettings(eject_split=True, locality=False), of_mesh)
    assert (said.connect, said.eject_split, said.eject_scan, said.prefer) == (5_000, True, None, ())
    assert fill(TrafficSettings(pending=1), of_mesh) == msgspec.structs.replace(of_mesh, pending=1)


def test_a_subset_replaces_whole_groups_and_a_port_replaces_all_of_them() -> None:
    given = policy(
        REVIEWS,
        settings=TrafficSettings(balance="random", connections=1, pending=2, tls=Tls("mesh")),
        subset_settings=(("v1", TrafficSettings(pending=5)),),
        port_settings=((81, TrafficSettings(balance="round_robin")),),
    )
    plain, subset, port = (settings_of(given, *where) for where in ((80, ""), (80, "v1"), (81, "")))
    assert (plain.balance, plain.connections, plain.pending) == ("random", 1, 2)
    assert (subset.balance, subset.connections, subset.pending) == ("random", None, 5)
    assert (port.balance, port.connections, port.tls) == ("round_robin", None, None)


def test_egress_hosts_narrow_what_a_namespace_sees() -> None:
    world = world_with_reviews()
    world.put(service("ratings", "other"), namespace="other")
    only_own = EgressPolicy(source("sidecar"), Target("namespace", "default"), services=("default/*",))
    world.put(only_own, name="sidecar")
    assert world.mesh.cluster_names(scope()) == (f"outbound|80||{REVIEWS}",)
    assert len(world.mesh.cluster_names(scope("other"))) == 2


def test_a_change_of_one_endpoint_leaves_other_clusters_alone() -> None:
    world = world_with_reviews()
    world.put(service("details"))
    reviews, details = f"outbound|80||{REVIEWS}", f"outbound|80||{host_of('details')}"
    probe: Derived[str, Endpoints | None] = Derived(
        world.graph, "probe", lambda name: world.mesh.endpoints(scope(), name)
    )
    watcher = Watcher(probe)
    watcher.add(reviews)
    watcher.add(details)
    world.put(workload("reviews-3", {"app": "reviews"}), name="pod-3")
    assert [name for name, _ in watcher.changes()] == [reviews]


def test_endpoints_that_are_not_ready_are_left_out_where_too_few_healthy_ones_mean_all() -> None:
    world = world_with_reviews()
    world.put(workload("reviews-2", {"app": "reviews"}, state="not_ready"), name="p2")
    for share, expected in ((None, 2), (0.0, 2), (0.5, 1)):
        world.put(policy(REVIEWS, settings=TrafficSettings(min_healthy=share)), name="policy")
        found = world.mesh.endpoints(scope(), f"outbound|80||{REVIEWS}")
        assert found is not None
        assert sum(len(group.endpoints) for group in found.groups) == expected


def test_a_port_that_takes_no_mutual_tls_is_not_offered_it() -> None:
    world = world_with_reviews()
    name = f"outbound|80||{REVIEWS}"

    def offered() -> list[bool]:
        found = world.mesh.endpoints(scope(), name)
        assert found is not None
        return [endpoint.mesh_tls for group in found.groups for endpoint in group.endpoints]

    assert offered() == [True, True]
    one = Selector(namespaces=("default",), labels=(("version", "in", ("v1",)),))
    target = Target("workloads", "default", select=one)
    world.put(Authentication(source("policy"), target, port=9999, mutual="off"), name="policy")
    assert offered() == [True, True]
    world.put(Authentication(source("policy"), target, port=8080, mutual="off"), name="policy")
    assert sorted(offered()) == [False, True]
    world.put(Authentication(source("policy"), Target("mesh"), mutual="off"), name="policy")
    assert offered() == [False, False]
    cluster = world.mesh.cluster(scope(), name)
    assert cluster is not None
    assert cluster.mesh_tls == "never"
