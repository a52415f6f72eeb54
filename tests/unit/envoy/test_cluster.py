"""Clusters: discovery, balancing, limits, and where they come from."""

from typing import Any

import pytest
from tests.unit.envoy.make import HOST, cluster, json_of, typed

from weft.envoy.cluster import cluster as build
from weft.ir.inventory import Endpoint
from weft.ir.settings import MeshSettings
from weft.ir.traffic import Balance, TrafficSettings
from weft.ir.view import Cluster, EndpointGroup

SETTINGS = MeshSettings()


def _built(source: Cluster) -> Any:
    return json_of(build(source, SETTINGS))


def _with(**settings: Any) -> Any:
    return _built(cluster(settings=TrafficSettings(**settings)))


def test_endpoints_are_discovered_on_the_one_stream_however_long_that_takes() -> None:
    built = _built(cluster())
    assert built["type"] == "EDS"
    assert built["edsClusterConfig"]["edsConfig"] == {
        "ads": {},
        "initialFetchTimeout": "0s",
        "resourceApiVersion": "V3",
    }


def test_names_of_hosts_are_looked_up_all_addresses_or_one() -> None:
    group = EndpointGroup(("eu", "", ""), 1, None, (Endpoint(None, "api.example.com", 443),))
    for discovery, one in (("dns", False), ("dns_one", True)):
        built = _built(cluster(discovery=discovery, mesh_tls="never", groups=(group,)))
        assert built["clusterType"]["name"] == "envoy.cluster.dns"
        assert typed(built["clusterType"]).get("allAddressesInSingleEndpoint", False) is one
        (locality,) = built["loadAssignment"]["endpoints"]
        assert (locality["locality"], locality["priority"]) == ({"region": "eu"}, 1)
        address = locality["lbEndpoints"][0]["endpoint"]["address"]
        assert address == {"socketAddress": {"address": "api.example.com", "portValue": 443}}


def test_several_names_are_looked_up_all_because_envoy_takes_only_one_otherwise() -> None:
    endpoints = tuple(Endpoint(None, f"{name}.example.com", 443) for name in "ab")
    group = EndpointGroup(("", "", ""), 0, None, endpoints)
    built = _built(cluster(discovery="dns_one", mesh_tls="never", groups=(group,)))
    assert "allAddressesInSingleEndpoint" not in typed(built["clusterType"])


@pytest.mark.parametrize("discovery", ["original", "dynamic"])
def test_where_the_request_chooses_the_address_nothing_is_balanced(discovery: str) -> None:
    built = _built(cluster(discovery=discovery, mesh_tls="never", settings=TrafficSettings(balance="random")))
    assert built["lbPolicy"] == "CLUSTER_PROVIDED"


def test_the_defaults_are_istios() -> None:
    built = _with()
    limits = ("maxConnections", "maxPendingRequests", "maxRequests", "maxRetries")
    assert built["lbPolicy"] == "LEAST_REQUEST"
    assert {built["circuitBreakers"]["thresholds"][0][limit] for limit in limits} == {2**32 - 1}
    assert built["connectTimeout"] == "10s"
    assert built["commonLbConfig"] == {"healthyPanicThreshold": {}}
    assert "outlierDetection" not in built


@pytest.mark.parametrize(
    ("settings", "field", "expected"),
    [
        ({"balance": "random"}, "lbPolicy", "RANDOM"),
        ({"balance": "hash_ring"}, "ringHashLbConfig", {"minimumRingSize": "1024"}),
        ({"balance": "hash_ring", "hash_size": 4096}, "ringHashLbConfig", {"minimumRingSize": "4096"}),
        ({"balance": "hash_table"}, "lbPolicy", "MAGLEV"),
        ({"balance": "hash_table", "hash_size": 101}, "maglevLbConfig", {"tableSize": "101"}),
        ({"balance": "utilization"}, "lbPolicy", "LOAD_BALANCING_POLICY_CONFIG"),
        ({"connect": 250}, "connectTimeout", "0.250s"),
        ({"min_healthy": 0.3}, "commonLbConfig", {"healthyPanicThreshold": {"value": 30.0}}),
        (
            {"keepalive": (9, 7_200_000, 75_000)},
            "upstreamConnectionOptions",
            {"tcpKeepalive": {"keepaliveProbes": 9, "keepaliveTime": 7200, "keepaliveInterval": 75}},
        ),
        ({"keepalive": (0, 0, 500)}, "upstreamConnectionOptions", {"tcpKeepalive": {"keepaliveInterval": 1}}),
    ],
)
def test_a_stated_setting(settings: dict[str, Any], field: str, expected: Any) -> None:
    assert _with(**settings)[field] == expected


@pytest.mark.parametrize(
    ("balance", "field"), [("least", "leastRequestLbConfig"), ("round_robin", "roundRobinLbConfig")]
)
def test_warming_up(balance: str, field: str) -> None:
    start = _with(balance=balance, warmup=(60_000, 0.1, 1.5))[field]["slowStartConfig"]
    assert (start["slowStartWindow"], start["minWeightPercent"]["value"]) == ("60s", 10.0)
    assert start["aggression"]["defaultValue"] == 1.5


def test_localities_have_shares_only_where_an_author_spreads_the_load() -> None:
    spread = (("eu/*", (("eu/a/*", "80"), ("eu/b/*", "20"))),)
    assert "localityWeightedLbConfig" in _with(spread=spread)["commonLbConfig"]
    assert "localityWeightedLbConfig" not in _with(spread=spread, locality=False)["commonLbConfig"]


def test_limits_and_a_retry_budget() -> None:
    built = _with(connections=1, pending=2, requests=3, retries=0, retry_budget=(0.25, 5, 10_000))
    assert built["circuitBreakers"]["thresholds"] == [
        {
            "maxConnections": 1,
            "maxPendingRequests": 2,
            "maxRequests": 3,
            "maxRetries": 0,
            "trackRemaining": True,
            "retryBudget": {"budgetPercent": {"value": 25.0}, "minRetryConcurrency": 5},
        }
    ]


def test_what_remains_is_counted_only_where_there_is_a_limit() -> None:
    (unlimited,), (limited,) = (_with(**fields)["circuitBreakers"]["thresholds"] for fields in ({}, {"pending": 2}))
    assert "trackRemaining" not in unlimited
    assert limited["trackRemaining"]


def test_ejection_with_nothing_stated_leaves_envoys_defaults_but_no_success_rate() -> None:
    assert _with(eject_split=False)["outlierDetection"] == {"enforcingSuccessRate": 0}


def test_ejection_as_stated() -> None:
    built = _with(
        eject_split=True,
        eject_after=(("5xx", 7), ("gateway", 0), ("local", 3)),
        eject_for=15_000,
        eject_scan=5_000,
        eject_share=1.0,
    )
    assert built["outlierDetection"] == {
        "consecutive5xx": 7,
        "enforcingConsecutive5xx": 100,
        "enforcingConsecutiveGatewayFailure": 0,
        "consecutiveLocalOriginFailure": 3,
        "enforcingConsecutiveLocalOriginFailure": 100,
        "splitExternalLocalOriginErrors": True,
        "enforcingLocalOriginSuccessRate": 0,
        "enforcingSuccessRate": 0,
        "baseEjectionTime": "15s",
        "interval": "5s",
        "maxEjectionPercent": 100,
    }


def test_people_find_the_service_the_subset_and_the_object() -> None:
    built = _built(cluster(subset="v1", config="reviews.v2.default"))
    assert built["metadata"]["filterMetadata"]["istio"] == {
        "services": [{"host": HOST, "name": "reviews", "namespace": "default"}],
        "subset": "v1",
        "config": "/apis/networking.istio.io/v1/namespaces/default/destination-rule/reviews.v2",
    }
    outside = _built(cluster(host="api.example.com"))
    assert outside["metadata"]["filterMetadata"]["istio"] == {"services": [{"host": "api.example.com"}]}


@pytest.mark.parametrize(("families", "lookup"), [(("IPv4", "IPv6"), "V4_PREFERRED"), (("IPv6", "IPv4"), "AUTO")])
def test_of_names_addresses_of_the_clients_primary_family_are_preferred(families: Any, lookup: str) -> None:
    """AUTO is IPv6 first (core/v3 of Envoy's API, Cluster.DnsLookupFamily)."""
    built = _built(cluster(discovery="dns", families=families))
    found = typed(built["clusterType"]).get("dnsLookupFamily", "AUTO")
    assert found == lookup


@pytest.mark.parametrize("balance", ["least", "hash_ring", "utilization", "original"])
def test_endpoints_can_be_asked_for_by_address_whatever_balances_the_others(balance: Balance) -> None:
    """But not where the cluster or a policy of the newer kind chooses: Envoy refuses both together."""
    settings = TrafficSettings(balance=balance)
    built = _built(cluster(addressed=True, settings=settings))
    chooses = balance in ("least", "hash_ring")
    assert ("lbSubsetConfig" in built) == chooses
    if chooses:
        assert built["lbSubsetConfig"]["subsetSelectors"] == [{"keys": ["address"], "singleHostPerSubset": True}]
