"""Which statistics a proxy keeps."""

import re

import pytest

from weft.envoy.bootstrap.statistics import statistics

CLUSTER = "cluster.outbound|80|v1|reviews.shop.svc.cluster.local;."


def rejected(name: str) -> bool:
    """Whether Envoy, which wants the whole name to match, does not keep a statistic."""
    (pattern,) = statistics()["stats_config"]["stats_matcher"]["exclusion_list"]["patterns"]
    return re.fullmatch(pattern["safe_regex"]["regex"], name) is not None


@pytest.mark.parametrize(
    "name",
    [
        "circuit_breakers.high.rq_open",
        "lb_zone_routing_sampled",
        "lb_subsets_active",
        "tlsMode-istio.total_match_count",
        "ssl.certificate.default.expiration_unix_time_seconds",
        "update_duration",
        "version_text",
    ],
)
def test_what_never_says_anything_of_a_cluster_is_not_kept(name: str) -> None:
    assert rejected(CLUSTER + name)


@pytest.mark.parametrize(
    "name",
    [
        f"{CLUSTER}upstream_rq_200",
        f"{CLUSTER}upstream_rq_time",
        f"{CLUSTER}upstream_cx_active",
        f"{CLUSTER}membership_healthy",
        f"{CLUSTER}circuit_breakers.default.rq_open",
        f"{CLUSTER}circuit_breakers.default.remaining_rq",
        f"{CLUSTER}ssl.fail_verify_san",
        f"{CLUSTER}ssl.handshake",
        f"{CLUSTER}outlier_detection.ejections_active",
        f"{CLUSTER}update_rejected",
        f"{CLUSTER}lb_healthy_panic",
        "cluster_manager.cds.update_success",
        "cluster_manager.cds.version_text",
        "listener.0.0.0.0_15006.ssl.certificate.default.expiration_unix_time_seconds",
        "http.outbound_0.0.0.0_80;.rds.80.update_time",
        "http.inbound_0.0.0.0_80;.rbac.allowed",
    ],
)
def test_what_says_how_traffic_and_configuration_are_is_kept(name: str) -> None:
    assert not rejected(name)
