"""Route tables of served ports."""

from typing import Any

from msgspec.structs import replace
from tests.golden.envoy.views import AUTHORIZATIONS
from tests.unit.envoy.make import json_of, served

from weft.envoy.inbound_routes import inbound_route_configuration
from weft.ir.settings import MeshSettings
from weft.ir.view import InboundPort

SETTINGS = MeshSettings()


def _host(port: InboundPort, settings: MeshSettings = SETTINGS) -> Any:
    built = json_of(inbound_route_configuration(port, settings))
    (host,) = built["virtualHosts"]
    return {**host, "table": built["name"]}


def test_everything_goes_to_the_workload() -> None:
    host = _host(served(9080, service="reviews"))
    assert (host["table"], host["name"], host["domains"]) == ("inbound|9080||", "inbound|http|9080", ["*"])
    (route,) = host["routes"]
    assert (route["match"], route["route"]["cluster"]) == ({"prefix": "/"}, "inbound|9080||")
    assert route["decorator"] == {"operation": "reviews:9080/*"}


def test_undeclared_ports_share_a_table() -> None:
    host = _host(served(0))
    assert host["table"] == host["routes"][0]["route"]["cluster"] == "InboundPassthroughCluster"


def test_retries_are_those_of_servers_and_never_look_for_another_endpoint() -> None:
    (route,) = _host(served())["routes"]
    assert route["route"]["retryPolicy"] == {"numRetries": 2, "retryOn": "reset-before-request"}
    (route,) = _host(served(), MeshSettings(inbound_retry=None))["routes"]
    assert "retryPolicy" not in route["route"]


def test_policies_are_part_of_the_route() -> None:
    (route,) = _host(replace(served(), authorizations=AUTHORIZATIONS))["routes"]
    assert set(route["typedPerFilterConfig"]) == {"weft.rbac.deny", "weft.rbac.allow"}
    assert route["metadata"]["filterMetadata"]["weft.access"]["closed_by"] == "ns[default]-policy[only-reviews]"
