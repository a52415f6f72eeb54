"""Routes of tunnels, and what becomes of hosts that the HTTP proxy does not know."""

import re

from tests.unit.envoy.make import json_of, to

from weft.envoy.route.tunnel import tunnel_route
from weft.envoy.route_configuration import route_configuration
from weft.envoy.virtual_host import virtual_host
from weft.ir.view import RouteConfiguration, StreamRoute, VirtualHost


def test_a_tunnel_is_opened_for_connect_alone() -> None:
    route = json_of(tunnel_route(StreamRoute(to("db"), name="db")))
    assert route["match"] == {"connectMatcher": {}}
    assert route["route"]["upgradeConfigs"] == [{"upgradeType": "CONNECT", "connectConfig": {}}]
    assert route["route"]["cluster"] == "db"


def test_it_lasts_as_long_as_its_stream() -> None:
    free = json_of(tunnel_route(StreamRoute(to("db"))))["route"]
    assert (free["timeout"], free["idleTimeout"]) == ("0s", "0s")
    bounded = json_of(tunnel_route(StreamRoute(to("db"), idle=60_000, lifetime=3_600_000)))["route"]
    assert (bounded["timeout"], bounded["idleTimeout"]) == ("3600s", "60s")


def test_shares_of_a_stream_are_shares_of_tunnels() -> None:
    clusters = json_of(tunnel_route(StreamRoute(to("db", "other"))))["route"]["weightedClusters"]["clusters"]
    assert [(each["name"], each["weight"]) for each in clusters] == [("db", 1), ("other", 1)]


def test_a_host_of_bytes_answers_requests_with_404() -> None:
    host = json_of(virtual_host(VirtualHost("db:3306", ("db:3306",), (), tunnel=StreamRoute(to("db")))))
    assert [route["match"] for route in host["routes"]] == [{"connectMatcher": {}}]


def fallback_routes(fallback: str) -> list[dict]:  # type: ignore[type-arg]
    table = json_of(route_configuration(RouteConfiguration("http_proxy", (), fallback, by_port=True)))  # type: ignore[arg-type]
    assert "ignorePortInHostMatching" not in table
    return list(table["virtualHosts"][0]["routes"])


def test_unknown_hosts_are_looked_up_for_requests_and_tunnels() -> None:
    *_, opened, passed = fallback_routes("resolve")
    assert opened["match"] == {"connectMatcher": {}}
    assert opened["route"]["cluster"] == passed["route"]["cluster"] == "DynamicDnsCluster"


def test_the_proxy_is_not_led_to_itself() -> None:
    refused = [route for route in fallback_routes("resolve") if "directResponse" in route]
    assert [route["directResponse"]["status"] for route in refused] == [502, 502]
    (pattern,) = {route["match"]["headers"][0]["stringMatch"]["safeRegex"]["regex"] for route in refused}
    for authority in ("127.245.0.7:15001", "LOCALHOST:15001", "[::1]:15001"):
        assert re.fullmatch(pattern, authority)
    for authority in ("127.245.0.7:8080", "example.com:15001", "localhost"):
        assert not re.fullmatch(pattern, authority)


def test_where_that_is_denied_unknown_hosts_answer_502() -> None:
    (route,) = fallback_routes("deny")
    assert route["directResponse"] == {"status": 502}
