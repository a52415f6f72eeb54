"""Clusters that stand for no service."""

from typing import Any

import pytest
from tests.unit.envoy.make import json_of, served

from weft.base.protobuf import to_dict
from weft.envoy.special_clusters import blackhole_cluster, inbound_cluster, passthrough_cluster
from weft.ir.settings import MeshSettings
from weft.ir.traffic import TrafficSettings

SETTINGS = MeshSettings()
OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def test_passthrough_goes_to_the_original_destination_as_the_client_speaks() -> None:
    built = json_of(passthrough_cluster(SETTINGS))
    assert (built["name"], built["type"], built["lbPolicy"]) == (
        "PassthroughCluster",
        "ORIGINAL_DST",
        "CLUSTER_PROVIDED",
    )
    assert "useDownstreamProtocolConfig" in built["typedExtensionProtocolOptions"][OPTIONS]


def test_the_blackhole_has_no_endpoints() -> None:
    built = json_of(blackhole_cluster())
    assert built["name"] == "BlackHoleCluster"
    assert "loadAssignment" not in built


@pytest.mark.parametrize(("port", "name"), [(9080, "inbound|9080||"), (0, "InboundPassthroughCluster")])
def test_the_workload_is_called_from_the_address_that_redirects_know(port: int, name: str) -> None:
    built = json_of(inbound_cluster(served(port), SETTINGS))
    assert built["name"] == name
    assert built["upstreamBindConfig"] == {"sourceAddress": {"address": "127.0.0.6", "portValue": 0}}


def test_the_workload_is_spoken_to_in_the_ports_protocol() -> None:
    """Its proxy may be spoken to in another: clients may have upgraded."""
    assert _options("http") == {"explicitHttpConfig": {"httpProtocolOptions": {}}}
    assert "http2ProtocolOptions" in _options("grpc")["explicitHttpConfig"]
    assert "useDownstreamProtocolConfig" in _options("detect")


def test_a_pool_of_the_server_limits_it() -> None:
    port = served(pool=TrafficSettings(connections=5, connect=100))
    built = to_dict(inbound_cluster(port, SETTINGS))
    assert built["connectTimeout"] == "0.100s"
    assert built["circuitBreakers"]["thresholds"][0]["maxConnections"] == 5


def _options(protocol: Any) -> Any:
    port = served(protocol=protocol)
    options = json_of(inbound_cluster(port, SETTINGS))["typedExtensionProtocolOptions"][OPTIONS]
    return {key: value for key, value in options.items() if key != "@type"}


def test_a_server_elsewhere_is_called_there() -> None:
    """A port of the address that was called, an address of its own, and a socket in the file system."""
    called = json_of(inbound_cluster(served(9080, forward_to="0.0.0.0:8080"), SETTINGS))
    assert (called["type"], called["originalDstLbConfig"]) == ("ORIGINAL_DST", {"upstreamPortOverride": 8080})
    fixed = json_of(inbound_cluster(served(9080, forward_to="[::1]:8080"), SETTINGS))
    assert _address(fixed) == {"socketAddress": {"address": "::1", "portValue": 8080}}
    local = json_of(inbound_cluster(served(9080, forward_to="unix:/run/app.sock"), SETTINGS))
    assert _address(local) == {"pipe": {"path": "/run/app.sock"}}
    assert "upstreamBindConfig" not in local


def _address(cluster: Any) -> Any:
    assert cluster["type"] == "STATIC"
    return cluster["loadAssignment"]["endpoints"][0]["lbEndpoints"][0]["endpoint"]["address"]


def _source(address: str) -> dict[str, Any]:
    return {"address": address, "portValue": 0}


def test_a_workload_of_both_families_is_called_from_an_address_of_the_family_that_was_called() -> None:
    built = json_of(inbound_cluster(served(families=("IPv6", "IPv4")), SETTINGS))
    assert built["upstreamBindConfig"] == {
        "sourceAddress": _source("::6"),
        "extraSourceAddresses": [{"address": _source("127.0.0.6")}],
    }


@pytest.mark.parametrize(
    ("target", "source"),
    [("127.0.0.1:8080", "127.0.0.6"), ("[::1]:8080", "::6")],
)
def test_a_fixed_place_is_called_from_an_address_of_its_family(target: str, source: str) -> None:
    built = json_of(inbound_cluster(served(families=("IPv4", "IPv6"), forward_to=target), SETTINGS))
    assert built["upstreamBindConfig"] == {"sourceAddress": _source(source)}


def test_without_rules_for_ipv6_its_loopback_is_called_as_anybody_does() -> None:
    built = json_of(inbound_cluster(served(forward_to="[::1]:8080"), SETTINGS))
    assert "upstreamBindConfig" not in built
    (group,) = built["loadAssignment"]["endpoints"]
    assert group["lbEndpoints"][0]["endpoint"]["address"]["socketAddress"]["address"] == "::1"


@pytest.mark.parametrize("target", ["0.0.0.0:8080", "[::]:8080"])
def test_the_called_address_is_called_at_another_port(target: str) -> None:
    built = json_of(inbound_cluster(served(families=("IPv6",), forward_to=target), SETTINGS))
    assert (built["type"], built["originalDstLbConfig"]) == ("ORIGINAL_DST", {"upstreamPortOverride": 8080})
