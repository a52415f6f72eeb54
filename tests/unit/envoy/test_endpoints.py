"""Endpoints and what clients learn of them."""

from typing import Any

from tests.unit.envoy.make import json_of

from weft.envoy.endpoints import chosen_endpoint, cluster_load_assignment, workload_text
from weft.ir.inventory import Endpoint
from weft.ir.view import EndpointGroup, Endpoints


def _group(*endpoints: Endpoint, weight: int | None = None, priority: int = 0) -> EndpointGroup:
    return EndpointGroup(("eu", "a", ""), priority, weight, endpoints)


def _built(*groups: EndpointGroup) -> Any:
    return json_of(cluster_load_assignment(Endpoints("name", groups)))["endpoints"]


def test_an_endpoint_of_the_mesh_says_so() -> None:
    uid = "Kubernetes//Pod/default/reviews-1"
    (group,) = _built(_group(Endpoint(uid, "10.0.0.1", 9080, mesh_tls=True), Endpoint(None, "10.0.0.2", 9080)))
    first, second = group["lbEndpoints"]
    assert first["metadata"]["filterMetadata"] == {
        "envoy.transport_socket_match": {"tlsMode": "istio"},
        "istio": {"workload": "reviews-1;default;reviews-1;;Kubernetes"},
    }
    assert "metadata" not in second


def test_unready_endpoints_are_sent_as_such() -> None:
    (group,) = _built(_group(Endpoint(None, "10.0.0.1", 80), Endpoint(None, "10.0.0.2", 80, healthy=False)))
    assert [each["healthStatus"] for each in group["lbEndpoints"]] == ["HEALTHY", "UNHEALTHY"]


def test_endpoints_of_weight_0_are_left_out() -> None:
    (group,) = _built(_group(Endpoint(None, "10.0.0.1", 80, weight=0), Endpoint(None, "10.0.0.2", 80, weight=3)))
    assert [each["loadBalancingWeight"] for each in group["lbEndpoints"]] == [3]


def test_a_locality_always_has_a_weight_its_own_or_that_of_its_endpoints() -> None:
    """Where localities have shares, one without a weight would get nothing."""
    endpoints = (Endpoint(None, "10.0.0.1", 80, weight=2), Endpoint(None, "10.0.0.2", 80, weight=3))
    stated, unstated = _built(_group(*endpoints, weight=70), _group(*endpoints, priority=1))
    assert (stated["loadBalancingWeight"], unstated["loadBalancingWeight"]) == (70, 5)
    assert (stated["locality"], unstated["priority"]) == ({"region": "eu", "zone": "a"}, 1)


def test_a_socket_in_the_file_system() -> None:
    (group,) = _built(_group(Endpoint(None, "unix:/run/app.sock", 0)))
    assert group["lbEndpoints"][0]["endpoint"]["address"] == {"pipe": {"path": "/run/app.sock"}}


def test_the_workload_in_telemetry() -> None:
    labels = (("app", "reviews"), ("service.istio.io/workload-name", "reviews-v1"), ("version", "v1"))
    assert workload_text("c1//Pod/shop/reviews-v1-abc", labels) == "reviews-v1;shop;reviews;v1;c1"


def test_further_addresses_are_tried_where_the_first_does_not_answer() -> None:
    both, one = Endpoint(None, "10.0.0.1", 80, also=("fd00::1",)), Endpoint(None, "fd00::2", 80)
    (group,) = _built(_group(both, one))
    first, second = (each["endpoint"] for each in group["lbEndpoints"])
    assert first["additionalAddresses"] == [{"address": {"socketAddress": {"address": "fd00::1", "portValue": 80}}}]
    assert "additionalAddresses" not in second


def test_an_endpoint_that_can_be_asked_for_says_its_address_where_the_balancer_looks() -> None:
    group = EndpointGroup(("", "", ""), 0, None, (Endpoint(None, "10.0.0.1", 80),))
    built = json_of(cluster_load_assignment(Endpoints("db", (group,), addressed=True)))
    metadata = built["endpoints"][0]["lbEndpoints"][0]["metadata"]["filterMetadata"]
    wanted = chosen_endpoint("10.0.0.1")
    assert wanted is not None
    assert metadata == json_of(wanted)["filterMetadata"] == {"envoy.lb": {"address": "10.0.0.1"}}
    assert chosen_endpoint("") is None
