"""The orders as a whole: names, addresses, and revisions that change only with them."""

from tests.unit.sources.local.test_services import ENTRY
from tests.unit.sources.local.world import World, config_map, deployment, namespace, pod, ref, service

from weft.model import codes
from weft.model.local import HostEntry

HEADLESS = "clusterIP: None"


def names(world: World, inside: str = "shop") -> dict[str, tuple[str, ...]]:
    entries: tuple[HostEntry, ...] = dict(world.orders().hosts)[inside]
    return {name: entry.addresses for entry in entries for name in entry.names}


def test_a_revision_changes_only_with_the_orders() -> None:
    world = World()
    first = world.orders()
    assert world.orders() is first
    world.write(deployment())
    second = world.orders()
    assert second.revision > first.revision
    world.write(deployment("other", namespace="else").replace("replicas: 1", "replicas: 0"))
    assert world.orders() is second


def test_who_asks_again_makes_nothing_be_looked_at_again() -> None:
    world = World()
    world.write("---".join((pod(), service("web"), service("far", namespace="other"))))

    def looked_at() -> int:
        before = sum(table.computed + table.cut_off for table in world.pipeline.graph.tables)
        world.orders()
        return sum(table.computed + table.cut_off for table in world.pipeline.graph.tables) - before

    assert looked_at() > 0
    assert looked_at() == 0


def test_names_are_kept_for_namespaces_with_pods_only() -> None:
    world = World()
    world.write(pod())
    assert [namespace for namespace, _ in world.orders().hosts] == ["shop"]
    world.write(pod(namespace="other"), "/mesh/b.yaml")
    assert [namespace for namespace, _ in world.orders().hosts] == ["other", "shop"]
    tables = {table.name: table for table in world.pipeline.graph.tables}
    world.remove(ref("Pod", "tool"))
    world.gone()
    assert [namespace for namespace, _ in world.orders().hosts] == ["other"]
    assert len(tables["host entries"]) == 1


def test_revisions_of_a_later_controller_are_greater() -> None:
    world = World()
    world.write(deployment())
    before = world.orders().revision
    world.clock.now += 1
    world.restart()
    assert world.orders().revision > before


def test_another_trust_makes_other_orders() -> None:
    world = World()
    before = world.orders()
    after = world.cluster.orders(_Never(), 1)
    assert (after.trust_revision, after.revision) == (1, before.revision + 1)


def test_a_service_is_found_by_its_short_and_long_names() -> None:
    world = World()
    world.write(pod() + "---" + service("web") + "---" + service("far", namespace="other"))
    found = names(world)
    assert found["web"] == found["web.shop"] == found["web.shop.svc"] == found["web.shop.svc.cluster.local"]
    assert found["far.other"] == found["far.other.svc.cluster.local"]
    assert "far" not in found


def test_a_headless_service_has_the_addresses_of_its_ready_pods() -> None:
    world = World()
    world.write(deployment(replicas=2) + "---" + service("web", spec=HEADLESS))
    assert "web" not in names(world)
    world.ready()
    assert set(names(world)["web"]) == {order.address for order in world.orders().pods}


MEMBER = "  hostname: db-0\n  subdomain: web\n"


def test_a_pod_with_a_hostname_and_a_subdomain_has_a_name_of_its_own() -> None:
    world = World()
    world.write(pod(labels="{app: web}") + MEMBER + "---" + service("web", spec=HEADLESS))
    world.ready()
    (order,) = world.orders().pods
    found = names(world)
    assert found["db-0.web"] == found["db-0.web.shop.svc.cluster.local"] == (order.address,)
    assert order.hostname == "db-0"


def test_another_name_for_a_service_has_its_addresses() -> None:
    world = World()
    alias = service("friend", spec="type: ExternalName\nexternalName: web.shop.svc.cluster.local")
    world.write(pod() + "---" + service("web") + "---" + alias)
    found = names(world)
    assert found["friend"] == found["friend.shop.svc"] == found["web"]


def test_a_service_that_keeps_its_clients_says_so() -> None:
    world = World()
    world.write(pod() + "---" + service("web", spec="sessionAffinity: ClientIP") + "---" + service("api"))
    assert {target.address: target.sticky for target in world.orders().services} == {
        names(world)["web"][0]: True,
        names(world)["api"][0]: False,
    }


def test_hosts_of_entries_are_names_too() -> None:
    world = World()
    world.write(pod() + "---" + ENTRY)
    assert names(world)["api.example.com"] == ("240.240.1.1",)


def test_only_namespaces_with_pods_need_names() -> None:
    world = World()
    world.write(namespace("empty") + "---" + service("web", namespace="empty") + "---" + pod())
    assert [inside for inside, _ in world.orders().hosts] == ["shop"]


def test_ports_of_udp_are_told_apart() -> None:
    world = World()
    text = service("dns").replace("{name: http, port: 80, targetPort: 8080}", "{name: dns, port: 53, protocol: UDP}")
    world.write(text)
    assert [target.protocol for target in world.orders().services] == ["UDP"]


def test_a_deleted_pod_runs_on_until_all_clients_have_heard_of_it() -> None:
    world = World()
    world.write(deployment() + "---" + service())
    world.ready()
    record = world.pod()
    world.remove(ref("Deployment", "web"))
    assert [order.uid for order in world.orders().pods] == [record.uid]
    assert world.orders().services[0].endpoints == ()
    world.clock.now += 1
    world.cluster.refresh(())
    assert world.orders().pods == ()


def test_orders_are_sorted_whatever_came_first() -> None:
    world = World()
    world.write(pod("b") + "---" + pod("a") + "---" + pod("z", namespace="aaa"))
    assert [(order.namespace, order.name) for order in world.orders().pods] == [
        ("aaa", "z"),
        ("shop", "a"),
        ("shop", "b"),
    ]


class _Never:
    """No pod needs a bootstrap."""

    def bootstrap(self, *_: object, **__: object) -> str:
        raise AssertionError


CAPTURED = """
apiVersion: v1
kind: Pod
metadata:
  name: asker
  namespace: shop
  labels: {sidecar.istio.io/inject: "true"}
  annotations: {proxy.istio.io/config: "proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}"}
spec: {containers: [{name: app, image: tool, command: [work]}]}
"""


def captured(world: World) -> set[str]:
    """The pods whose DNS is redirected."""
    redirects = {order.name: order.proxy.redirect for order in world.orders().pods if order.proxy is not None}
    return {name for name, redirect in redirects.items() if redirect is not None and redirect.capture_all_dns}


def test_dns_is_redirected_where_the_pod_or_the_mesh_says_so() -> None:
    world = World()
    world.write(CAPTURED + "---" + pod(labels='{sidecar.istio.io/inject: "true"}') + "---" + pod("plain"))
    assert captured(world) == {"asker"}
    data = "{mesh: 'defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: \"true\"}}'}"
    world.write(config_map("istio", data, namespace="istio-system"))
    assert captured(world) == {"asker", "tool"}
    found = world.pipeline.mesh.inventory.workload("Kubernetes//Pod/shop/tool")
    assert found is not None
    assert found.captures_dns


HOSTED = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop}}
spec:
  hostNetwork: {hosted}
  containers: [{{name: app, image: tool, command: [work], ports: [{{containerPort: 80}}, {{containerPort: {port}}}]}}]
"""


def test_a_port_of_the_machine_that_two_pods_ask_for_is_told() -> None:
    world = World()
    world.write(HOSTED.format(name="a", hosted="true", port=81))
    world.write(HOSTED.format(name="b", hosted="false", port=81))
    assert [each.code for each in world.issues() if each.code == codes.HOST_PORT_TAKEN] == []
    world.write(HOSTED.format(name="c", hosted="true", port=82))
    found = [each for each in world.issues() if each.code == codes.HOST_PORT_TAKEN]
    assert [(each.ref, each.message) for each in found] == [
        (ref("Pod", "c"), "the pod c has TCP port 80 of the machine, as shop/a has")
    ]
