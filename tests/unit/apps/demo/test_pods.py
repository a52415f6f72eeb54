"""Pods get the names that people know them by."""

from typing import Any

from weft.apps.demo.pods import pods_of, with_label


def manifest(app: str, version: str, *containers: str) -> dict[str, Any]:
    return {
        "metadata": {"name": f"{app}-{version}-x", "namespace": "bookshop", "labels": {"app": app, "version": version}},
        "spec": {"serviceAccountName": app},
        "status": {"podIP": "10.244.0.9", "containerStatuses": [{"name": name} for name in containers]},
    }


def test_a_version_is_named_where_there_are_several() -> None:
    pods = pods_of(
        [manifest("details", "v1", "details"), manifest("reviews", "v1", "r"), manifest("reviews", "v2", "r")]
    )
    assert [pod.label for pod in pods] == ["details", "reviews v1", "reviews v2"]


def test_two_pods_of_one_version_have_one_name() -> None:
    pods = pods_of([manifest("details", "v1", "d"), manifest("details", "v1", "d")])
    assert [pod.label for pod in pods] == ["details", "details"]
    assert with_label(pods, "details") == pods[0]
    assert with_label(pods, "ratings") is None


def test_envoy_alone_is_a_gateway() -> None:
    gateway, sidecar, plain = pods_of(
        [
            manifest("gateway", "v1", "istio-proxy"),
            manifest("details", "v1", "details", "istio-proxy"),
            manifest("legacy", "v1", "legacy"),
        ]
    )
    assert (gateway.is_gateway, gateway.has_proxy) == (True, True)
    assert (sidecar.is_gateway, sidecar.has_proxy) == (False, True)
    assert (plain.is_gateway, plain.has_proxy) == (False, False)
    assert sidecar.identity == "ns/bookshop/sa/details"
