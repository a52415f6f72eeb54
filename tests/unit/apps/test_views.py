"""Views of proxies: each change is told once, with the right names, to those whom it concerns."""

from collections.abc import Mapping

import pytest
from tests.unit.apps.test_pipeline import POD, SERVICE, put

from weft.apps.pipeline import Pipeline
from weft.apps.views import ProxyViews
from weft.base.issues import Ref
from weft.envoy.type_urls import CDS, EDS, LDS, ON_DEMAND, RDS, VHDS
from weft.serve.ads.batches import Versions, versions_of
from weft.serve.ads.messages import Node
from weft.serve.ads.views import Changes, View
from weft.serve.callers import Pod

WEB = "outbound|80||web.shop.svc.cluster.local"
API = "outbound|80||api.shop.svc.cluster.local"


class Stream:
    """A stream of a proxy, which only notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[dict[str, set[str]]] = []

    def changed(self, changes: Changes) -> None:
        self.heard.append({type_url: set(names) for type_url, names in changes.items()})


class World:
    """Views over a few objects."""

    def __init__(self) -> None:
        self.pipeline = Pipeline()
        self.views = ProxyViews(
            self.pipeline.mesh, self.pipeline.resources, lambda pod: f"Kubernetes//Pod/{pod.namespace}/{pod.name}"
        )

    def view(self, name: str, role: str = "sidecar", namespace: str = "shop") -> View:
        found = self.views.view_of(Pod(f"uid-{name}", namespace, name, "default"), node(name, role, namespace))
        assert found is not None
        return found

    def put(self, text: str) -> set[str]:
        """Sets objects; returns whose streams are to be moved."""
        put(self.pipeline, text)
        return self.views.refresh()


def node(name: str, role: str = "sidecar", namespace: str = "shop") -> Node:
    return Node(f"{role}~10.244.0.2~{name}.{namespace}~cluster.local", "", {})


def pod(name: str, labels: str = "app: web", address: int = 2) -> str:
    text = POD.replace("name: web-1", f"name: {name}").replace("app: web", labels)
    return text.replace("10.244.0.2", f"10.244.0.{address}")


@pytest.fixture
def world() -> World:
    found = World()
    found.put(f"{SERVICE}---{pod('web-1')}---{pod('web-2', address=3)}---{pod('other', 'app: other', 4)}")
    return found


def test_equal_proxies_share_a_view_and_others_do_not(world: World) -> None:
    first = world.view("web-1")
    assert world.view("web-2") is first
    assert world.view("other") is not first
    assert world.view("web-1", "router") is not first
    assert first.name == "own/shop"


def test_a_pod_that_nobody_knows_has_no_view(world: World) -> None:
    assert world.views.view_of(Pod("uid-none", "shop", "none", "default"), node("none")) is None


def test_a_view_holds_what_its_proxies_get(world: World) -> None:
    source = world.view("web-1").source
    clusters, listeners = source.wildcard(CDS), source.wildcard(LDS)
    assert clusters is not None
    assert listeners is not None
    assert WEB in clusters
    assert "virtualOutbound" in listeners
    assert source.wildcard(EDS) is None
    assert source.named(EDS, WEB) is not None
    assert source.named(RDS, "80") is not None
    assert source.named(RDS, "none") is None


def test_a_change_is_told_once_with_the_names_that_differ(world: World) -> None:
    stream = Stream()
    world.view("web-1").attach(stream)
    world.put(pod("web-1").replace('"True"', '"False"'))
    assert stream.heard == [{EDS: {WEB}}]
    assert world.views.refresh() == set()
    assert len(stream.heard) == 1


def test_what_comes_and_goes_is_told(world: World) -> None:
    stream = Stream()
    view = world.view("web-1")
    view.attach(stream)
    world.put(SERVICE.replace("web", "api").replace("10.96.0.1", "10.96.0.2"))
    api = "outbound|80||api.shop.svc.cluster.local"
    assert stream.heard[0][CDS] == {api}
    assert stream.heard[0][EDS] == {api}
    assert stream.heard[0][VHDS] == {"80/api.shop.svc.cluster.local:80"}
    assert RDS not in stream.heard[0]
    world.pipeline.objects.remove(Ref("Service", "shop", "api"))
    assert world.views.refresh() == set()
    assert stream.heard[1] == stream.heard[0]
    clusters: Mapping[str, object] | None = view.source.wildcard(CDS)
    assert clusters is not None
    assert api not in clusters


def test_endpoints_go_ahead_of_what_takes_long(world: World) -> None:
    stream = Stream()
    world.view("web-1").attach(stream)
    put(world.pipeline, pod("web-1").replace('"True"', '"False"'))
    put(world.pipeline, SERVICE.replace("web", "api").replace("10.96.0.1", "10.96.0.2"))
    world.views.publish_endpoints()
    assert stream.heard == [{EDS: {WEB}}], "those of a cluster that nobody has yet come with it"
    world.views.refresh()
    assert {type_url for type_url, names in stream.heard[1].items() if API in names} == {CDS, EDS}
    assert stream.heard[1][VHDS] == {"80/api.shop.svc.cluster.local:80"}
    assert len(stream.heard) == 2


def test_endpoints_of_a_cluster_that_changes_come_with_it_and_those_of_one_that_goes_too(world: World) -> None:
    stream = Stream()
    world.view("web-1").attach(stream)
    put(world.pipeline, pod("web-1").replace('"True"', '"False"'))
    put(world.pipeline, SERVICE.replace("name: http", "name: tcp"))
    world.views.publish_endpoints()
    assert stream.heard == []
    world.views.refresh()
    assert WEB in stream.heard[0][EDS] & stream.heard[0][CDS]
    world.pipeline.objects.remove(Ref("Service", "shop", "web"))
    world.views.publish_endpoints()
    assert len(stream.heard) == 1, "endpoints must not go before their cluster"
    world.views.refresh()
    assert WEB in stream.heard[1][EDS] & stream.heard[1][CDS]


def test_a_view_that_is_made_while_something_is_computed_does_not_differ_from_the_others(world: World) -> None:
    stream = Stream()
    shown = world.view("web-1")
    shown.attach(stream)
    put(world.pipeline, SERVICE.replace("web", "api").replace("10.96.0.1", "10.96.0.2"))
    steps = world.views.compute()
    next(steps)
    made = world.view("other")
    for source in (shown.source, made.source):
        clusters = source.wildcard(CDS)
        assert clusters is not None
        assert API in clusters
        assert source.named(EDS, API) is not None
    assert API in stream.heard[0][CDS]
    for _ in steps:
        pass
    world.views.publish()
    assert len(stream.heard) == 1


def test_a_move_that_is_seen_while_a_view_is_made_is_not_forgotten(world: World) -> None:
    world.view("web-1")
    put(world.pipeline, pod("web-1", "app: moved"))
    world.view("other")
    assert world.views.publish() == {"uid-web-1"}


def test_a_change_that_changes_nothing_is_not_told(world: World) -> None:
    stream = Stream()
    world.view("web-1").attach(stream)
    world.put(SERVICE.replace("name: web,", "name: web, annotations: {note: new},"))
    world.put(SERVICE)
    assert stream.heard == []


def test_a_proxy_whose_labels_change_is_moved_to_another_view(world: World) -> None:
    before = world.view("web-1")
    world.view("web-2")
    assert world.put(pod("web-1", "app: moved")) == {"uid-web-1"}
    after = world.view("web-1")
    assert after is not before
    assert world.view("web-2") is before
    assert world.put(pod("web-1")) == {"uid-web-1"}
    assert world.view("web-1") is before


def test_a_view_that_nobody_shows_is_forgotten(world: World) -> None:
    stream = Stream()
    shown, dropped = world.view("web-1"), world.view("other")
    shown.attach(stream)
    world.views.forget_unused(lambda uid: uid == "uid-web-1")
    assert world.view("web-1") is shown
    assert world.view("other") is not dropped
    world.put(pod("web-1").replace('"True"', '"False"'))
    assert stream.heard == [{EDS: {WEB}}]


def test_a_pod_that_is_connected_no_more_is_not_moved(world: World) -> None:
    world.view("web-1")
    world.views.forget_unused(lambda _: False)
    assert world.put(pod("web-1", "app: moved")) == set()


ON_DEMAND_SETTINGS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: "defaultConfig: {proxyMetadata: {WEFT_ON_DEMAND_CLUSTERS: 'true'}}"}
"""


def test_clusters_on_demand_are_found_and_not_told_to_all(world: World) -> None:
    view, stream = world.view("web-1"), Stream()
    view.attach(stream)
    assert WEB in (view.source.wildcard(CDS) or {})
    world.put(ON_DEMAND_SETTINGS)
    assert (stream.heard[-1][CDS], stream.heard[-1][ON_DEMAND]) == ({WEB}, {WEB})
    whole = view.source.wildcard(CDS) or {}
    assert WEB not in whole
    assert "PassthroughCluster" in whole
    found = view.source.named(CDS, WEB)
    assert found is not None
    rule = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: web, namespace: shop}\n"
    world.put(f"{rule}spec: {{host: web, trafficPolicy: {{connectionPool: {{tcp: {{connectTimeout: 3s}}}}}}}}")
    told = [each for heard in stream.heard[1:] for each in heard.items() if each[0] in (CDS, ON_DEMAND)]
    assert told == [(ON_DEMAND, {WEB})]
    changed = view.source.derived(versions_of, CDS, frozenset((WEB,)))
    assert changed.names == {WEB}
    assert changed != Versions.of([found])
