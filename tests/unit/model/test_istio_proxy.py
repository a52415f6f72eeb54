"""Istio's ProxyConfig, as far as it is read."""

from typing import Any

import pytest

from weft.model.istio_proxy import ON_DEMAND, captures_dns, on_demand, parse_proxy_config, unread_fields

CAPTURE = "ISTIO_META_DNS_CAPTURE"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("true", True), ("1", True), (True, True), ("False", False), ("", False), ("perhaps", None), (None, None)],
)
def test_capture_is_said_as_truth_is_in_go(value: Any, expected: bool | None) -> None:
    assert captures_dns({"proxyMetadata": {CAPTURE: value}}) is expected


@pytest.mark.parametrize("config", [{}, {"proxyMetadata": []}, {"proxyMetadata": {"OTHER": "true"}}])
def test_nothing_said_leaves_it_to_others(config: dict[str, Any]) -> None:
    assert captures_dns(config) is None


def test_what_has_no_effect_is_told_and_what_needs_none_is_not() -> None:
    metadata = {CAPTURE: "true", "ISTIO_META_DNS_AUTO_ALLOCATE": "true", "OTHER": "x"}
    config = {"proxyMetadata": metadata, "holdApplicationUntilProxyStarts": True, "tracing": {}}
    assert list(unread_fields(config)) == [("proxyMetadata", "OTHER"), ("holdApplicationUntilProxyStarts",)]
    assert list(unread_fields({"proxyMetadata": {CAPTURE: "perhaps"}})) == [("proxyMetadata", CAPTURE)]


def test_clusters_on_demand_are_a_matter_of_the_whole_mesh() -> None:
    config = {"proxyMetadata": {ON_DEMAND: "true"}}
    assert on_demand(config) is True
    assert on_demand({"proxyMetadata": {ON_DEMAND: "perhaps"}}) is None
    assert list(unread_fields(config, of_mesh=True)) == []
    assert list(unread_fields(config)) == [("proxyMetadata", ON_DEMAND)], "a pod can't have it for itself"


def test_a_text_that_is_no_configuration_is_refused() -> None:
    with pytest.raises(ValueError, match="expected fields"):
        parse_proxy_config("[]")
    assert parse_proxy_config("") == {}
