"""What can't be built for a connected proxy is an issue of the object that it comes from."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from tests.unit.apps.controller import NAMESPACE, ROUTES, WEB, Controller

from weft.base.issues import Issue, Ref
from weft.envoy import resources, route_tables
from weft.envoy.cluster import cluster_bytes
from weft.envoy.virtual_host import host_bytes
from weft.model import codes
from weft.serve.ads.messages import Node

HOST = "web.shop.svc.cluster.local:80"
CLUSTER = "outbound|80||web.shop.svc.cluster.local"


@pytest.fixture
def odd() -> Iterator[None]:
    """A virtual host and a cluster that the builders did not foresee."""

    def odd_host(host: Any, *rest: Any) -> Any:
        if host.name == HOST:
            raise ValueError("an odd route")
        return host_bytes(host, *rest)

    def odd_cluster(value: Any, *rest: Any) -> Any:
        if value.name == CLUSTER:
            raise KeyError("an odd policy")
        return cluster_bytes(value, *rest)

    with patch.object(route_tables, "host_bytes", odd_host), patch.object(resources, "cluster_bytes", odd_cluster):
        yield


def unbuilt(controller: Controller) -> list[Issue]:
    return [each.issue for each in controller.state.issues(None) if each.issue.code == codes.NOT_BUILT]


def connect(controller: Controller) -> str:
    (record,) = controller.live()
    pod = controller.state.pod(record.uid)
    assert pod is not None
    assert controller.state.views.view_of(pod, Node(f"sidecar~10.244.0.2~{pod.name}.shop~cluster.local", "", {}))
    return pod.name


@pytest.mark.usefixtures("odd")
def test_it_names_the_object_the_proxy_and_what_is_missing(controller: Controller) -> None:
    controller.restart()
    controller.write("a.yaml", f"{NAMESPACE}---{WEB}---{ROUTES}")
    assert unbuilt(controller) == [], "nobody needs it yet"
    name = connect(controller)
    host, cluster = sorted(unbuilt(controller), key=lambda issue: HOST not in issue.message)
    assert host.ref == Ref("VirtualService.networking.istio.io", "shop", "web")
    assert host.message == f"the routes {HOST} can't be built: ValueError: an odd route"
    assert host.effect == f"these proxies go without it: shop/{name}"
    assert "VirtualService shop/web" in host.advice
    assert cluster.ref == Ref("Service", "shop", "web")
    assert CLUSTER in cluster.message


def test_a_sound_mesh_lacks_nothing(controller: Controller) -> None:
    controller.write("a.yaml", f"{NAMESPACE}---{WEB}---{ROUTES}")
    connect(controller)
    assert unbuilt(controller) == []


def test_failures_are_computed_once_for_a_change(controller: Controller) -> None:
    controller.write("a.yaml", f"{NAMESPACE}---{WEB}---{ROUTES}")
    connect(controller)
    unbuilt(controller)
    with patch.object(resources.ProxyResources, "_find_failures") as find:
        unbuilt(controller)
    assert find.call_count == 0
