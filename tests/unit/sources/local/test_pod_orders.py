"""The order to run a pod: its proxy, its network, and that later labels change nothing."""

import pytest
from msgspec import structs
from tests.unit.sources.local.test_pods import TEMPLATE, record
from tests.unit.sources.local.world import PlainBootstraps

from weft.model.kubernetes import Container, PodSpec, PodTemplate, TemplateMetadata
from weft.model.local import PodOrder, RedirectOrder
from weft.sources.local.plans import PodPlan
from weft.sources.local.pod_orders import pod_order
from weft.sources.local.pods import PodRecord


def order(pod: PodRecord) -> PodOrder:
    return pod_order(PodPlan(record=pod, addresses=("10.244.0.5",)), PlainBootstraps())


def test_a_pod_says_who_and_where_it_is() -> None:
    spec = PodSpec((Container("app"),), service_account_name="seller", termination_grace_period_seconds=3)
    found = order(record("a", content=PodTemplate(TEMPLATE.metadata, spec)))
    assert (found.uid, found.namespace, found.name, found.address) == ("a", "shop", "web-a", "10.244.0.5")
    assert (found.service_account, found.restart, found.termination_grace) == ("seller", "Always", 3_000)
    assert [each.name for each in found.containers] == ["app"]


def test_a_sidecar_gets_the_traffic_and_a_gateway_the_machines_network() -> None:
    sidecar, gateway, none = (order(record("a", injected=each)) for each in ("sidecar", "gateway", "none"))
    assert sidecar.proxy is not None
    assert sidecar.proxy.redirect == RedirectOrder()
    assert not sidecar.host_network
    assert gateway.proxy is not None
    assert gateway.proxy.redirect is None
    assert gateway.host_network
    assert none.proxy is None


def test_later_labels_and_annotations_restart_nothing() -> None:
    before = record("a")
    marks = TemplateMetadata({"app": "other"}, {"traffic.sidecar.istio.io/includeInboundPorts": "80"})
    assert order(structs.replace(before, marks=marks)) == order(before)


def test_the_level_of_envoys_log_is_that_of_the_annotation() -> None:
    marks = TemplateMetadata({}, {"sidecar.istio.io/logLevel": "debug"})
    found = order(record("a", content=PodTemplate(marks, TEMPLATE.spec)))
    assert found.proxy is not None
    assert found.proxy.log_level == "debug"


@pytest.mark.parametrize(
    ("config", "threads"),
    [
        ("concurrency: 4", 4),
        ("concurrency: 0", 0),
        ("{}", 3),
        ("concurrency: two", 3),
        ("concurrency: -1", 3),
        ("]", 3),
    ],
)
def test_a_pod_says_how_many_threads_its_proxy_has_or_the_mesh_does(config: str, threads: int) -> None:
    marks = TemplateMetadata({}, {"proxy.istio.io/config": config})
    found = order(record("a", content=PodTemplate(marks, TEMPLATE.spec), concurrency=3))
    assert found.proxy is not None
    assert found.proxy.concurrency == threads


def test_with_tproxy_only_envoys_group_is_that_of_the_rules() -> None:
    marks = TemplateMetadata({}, {"sidecar.istio.io/interceptionMode": "TPROXY"})
    proxy = order(record("a", content=PodTemplate(marks, TEMPLATE.spec))).proxy
    assert proxy is not None
    assert proxy.redirect is not None
    assert proxy.user not in proxy.redirect.proxy_users
    assert proxy.group in proxy.redirect.proxy_users


def test_where_nothing_is_redirected_containers_are_told_of_their_proxy() -> None:
    plan = PodPlan(
        record=record("a", variables={"app": (("no_proxy", "mine"),)}),
        addresses=("127.244.0.10",),
        proxy_address="127.245.0.10",
    )
    found = pod_order(plan, PlainBootstraps())
    assert found.proxy is not None
    assert (found.proxy.redirect, found.proxy.address) == (None, "127.245.0.10")
    variables = dict(found.containers[0].environment)
    assert variables["POD_IP"] == "127.244.0.10"
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        assert variables[name] == "http://127.245.0.10:15001"
    assert (variables["NO_PROXY"], variables["no_proxy"]) == ("localhost,127.0.0.0/8", "mine")
    assert "http_proxy" not in dict(order(record("a")).containers[0].environment)
