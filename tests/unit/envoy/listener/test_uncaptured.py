"""Listeners that nothing is redirected to: tests/e2e/isolation shows them at work."""

import pytest
from msgspec.structs import replace
from tests.golden.envoy.views import UNCAPTURED
from tests.unit.envoy.listener.chain import chains, inspectors, leads_to
from tests.unit.envoy.make import json_of, served, typed

from weft.envoy.listener.uncaptured import BoundPort, bound_listener, bound_ports, http_proxy_listener
from weft.envoy.names import OWN_PORTS
from weft.ir.access import MutualMode
from weft.ir.settings import MeshSettings
from weft.ir.values import Protocol

SETTINGS = MeshSettings(access_log="/dev/stdout")
ADDRESS = "127.245.0.7"


def bound(protocol: Protocol = "http", mutual: MutualMode = "accept") -> BoundPort:
    return BoundPort(ADDRESS, served(9080, protocol, mutual), ("cluster.local",))


def test_a_port_is_bound_at_the_proxys_address() -> None:
    listener = json_of(bound_listener(bound(), SETTINGS))
    assert listener["name"] == "127.245.0.7_9080"
    assert listener["address"]["socketAddress"] == {"address": ADDRESS, "portValue": 9080}
    assert "bindToPort" not in listener


@pytest.mark.parametrize(
    ("protocol", "mutual", "expected"),
    [
        ("http", "accept", {"tls_inspector"}),
        ("tcp", "off", set()),
        ("tcp", "accept", {"tls_inspector"}),
        ("detect", "accept", {"tls_inspector", "http_inspector"}),
    ],
)
def test_connections_are_looked_into_only_where_that_decides_something(
    protocol: Protocol, mutual: MutualMode, expected: set[str]
) -> None:
    assert inspectors(bound_listener(bound(protocol, mutual), SETTINGS)).keys() == expected


def test_strict_mutual_tls_leaves_no_chain_for_plaintext() -> None:
    found = chains(bound_listener(bound(mutual="require"), SETTINGS))
    assert all("transportSocket" in chain for chain in found)
    assert {leads_to(chain) for chain in found} == {"routes inbound|9080||"}


def test_ports_that_the_proxy_needs_itself_are_not_bound() -> None:
    taken = tuple(served(port) for port in sorted(OWN_PORTS))
    found = bound_ports(replace(UNCAPTURED, ports=(*taken, served(9080))))
    assert [each.port.port for each in found] == [9080]


def test_the_http_proxy_is_served_where_only_the_workload_calls() -> None:
    own, shared = (json_of(http_proxy_listener(each, SETTINGS)) for each in (ADDRESS, "10.1.2.3"))
    assert own["address"]["socketAddress"] == {"address": ADDRESS, "portValue": 15001}
    assert shared["address"]["socketAddress"]["address"] == "127.0.0.1"


def test_the_http_proxy_takes_requests_and_tunnels_for_one_table() -> None:
    (chain,) = chains(http_proxy_listener(ADDRESS, SETTINGS))
    assert leads_to(chain) == "routes http_proxy"
    upgrades = [each["upgradeType"] for each in typed(chain["filters"][0])["upgradeConfigs"]]
    assert upgrades == ["websocket", "CONNECT"]
