"""Route tables and their parts."""

import pytest
from tests.unit.envoy.make import json_of, rule, to

from weft.base.protobuf import parse, serialize
from weft.base.wire import bytes_field
from weft.envoy.route_configuration import (
    ROUTE_CONFIGURATION,
    VIRTUAL_HOSTS_FIELD,
    frame,
    route_configuration,
    virtual_hosts,
)
from weft.ir.view import Route, RouteConfiguration, VirtualHost

HOST = VirtualHost("a:80", ("a", "10.96.0.1"), (Route(rule(), to("outbound|80||a")),))


def test_a_table_is_its_frame_and_its_hosts_each_serialized_alone() -> None:
    table = RouteConfiguration("80", (HOST,), "allow")
    parts = [serialize(frame("80")), *(bytes_field(VIRTUAL_HOSTS_FIELD, serialize(h)) for h in virtual_hosts(table))]
    assert parse(ROUTE_CONFIGURATION, b"".join(parts)) == route_configuration(table)


def test_hosts_match_with_and_without_a_port_and_clusters_may_be_missing() -> None:
    built = json_of(frame("80"))
    assert built == {
        "name": "80",
        "ignorePortInHostMatching": True,
        "maxDirectResponseBodySizeBytes": 1_048_576,
        "validateClusters": False,
    }


def test_hosts_that_nobody_knows_go_to_their_address() -> None:
    last = json_of(virtual_hosts(RouteConfiguration("80", (HOST,), "allow"))[-1])
    assert (last["name"], last["domains"]) == ("allow_any", ["*"])
    assert last["routes"][0]["route"] == {"cluster": "PassthroughCluster", "timeout": "0s"}


def test_hosts_that_nobody_knows_are_refused() -> None:
    last = json_of(virtual_hosts(RouteConfiguration("80", (), "deny"))[-1])
    assert (last["name"], last["routes"][0]["directResponse"]) == ("block_all", {"status": 502})


def test_hosts_that_nobody_knows_are_left_to_envoys_404() -> None:
    assert [json_of(each)["name"] for each in virtual_hosts(RouteConfiguration("80", (HOST,), "not_found"))] == ["a:80"]


@pytest.mark.parametrize("fallback", ["allow", "deny"])
def test_a_host_for_every_name_leaves_no_place_for_a_fallback(fallback: str) -> None:
    """Two hosts with one domain would make Envoy refuse the table."""
    every = VirtualHost("*:80", ("*",), ())
    assert len(virtual_hosts(RouteConfiguration("80", (every,), fallback))) == 1  # type: ignore[arg-type]


def test_https_is_required() -> None:
    (built,) = virtual_hosts(RouteConfiguration("80", (VirtualHost("a:80", ("a",), (), True),), "not_found"))
    assert json_of(built)["requireTls"] == "ALL"
