"""Listeners for what the workload sends."""

from typing import Any

from tests.unit.envoy.listener.chain import chains, filters, http_filters, inspectors, leads_to
from tests.unit.envoy.make import json_of, to

from weft.envoy.listener.outbound import outbound_listener, virtual_outbound
from weft.ir.settings import MeshSettings
from weft.ir.view import Destination, OutboundListener, StreamRoute

SETTINGS = MeshSettings(access_log="/dev/stdout")
A, B = "outbound|443||a", "outbound|443||b"


def _listener(kind: Any, *streams: StreamRoute, fallback: Any = "allow") -> OutboundListener:
    route = "" if kind == "stream" else "80"
    return OutboundListener(address="10.96.0.1", port=80, kind=kind, route=route, streams=streams, fallback=fallback)


def _matched(*streams: StreamRoute) -> list[tuple[Any, Any]]:
    found = chains(outbound_listener(_listener("stream", *streams), SETTINGS))
    return [(chain.get("filterChainMatch", {}), leads_to(chain)) for chain in found]


def test_it_is_bound_to_no_port_and_named_by_its_address() -> None:
    built = json_of(outbound_listener(_listener("http"), SETTINGS))
    assert (built["name"], built["bindToPort"], built["trafficDirection"]) == ("10.96.0.1_80", False, "OUTBOUND")


def test_what_is_no_http_on_a_port_of_http_falls_back() -> None:
    for fallback, cluster in (("allow", "PassthroughCluster"), ("deny", "BlackHoleCluster")):
        http, rest = chains(outbound_listener(_listener("http", fallback=fallback), SETTINGS))
        assert http["filterChainMatch"] == {
            "transportProtocol": "raw_buffer",
            "applicationProtocols": ["http/1.1", "h2c"],
        }
        assert (leads_to(http), leads_to(rest)) == ("routes 80", cluster)
        assert "filterChainMatch" not in rest


def test_bytes_are_marked_so_that_a_detected_destination_is_offered_bytes() -> None:
    http, stream = chains(outbound_listener(_listener("detect", StreamRoute(to(A))), SETTINGS))
    assert (leads_to(http), leads_to(stream)) == ("routes 80", A)
    assert filters(stream) == ["set_filter_state", "tcp_proxy"]
    assert filters(http) == ["http_connection_manager"]


def test_only_what_must_be_told_apart_is_looked_into() -> None:
    """An inspector waits for the client, and a server that speaks first would wait for ever."""
    assert list(inspectors(outbound_listener(_listener("http"), SETTINGS))) == ["tls_inspector", "http_inspector"]
    by_address = _listener("stream", StreamRoute(to(A), networks=("10.0.0.0/8",)), StreamRoute(to(B)))
    assert inspectors(outbound_listener(by_address, SETTINGS)) == {}
    by_name = _listener("stream", StreamRoute(to(A), tls_names=("a.example",)))
    assert list(inspectors(outbound_listener(by_name, SETTINGS))) == ["tls_inspector"]


def test_inspectors_wait_as_long_as_the_mesh_says_and_then_go_on() -> None:
    built = json_of(outbound_listener(_listener("http"), MeshSettings(detect=5_000)))
    assert (built["listenerFiltersTimeout"], built["continueOnListenerFiltersTimeout"]) == ("5s", True)


def test_streams_by_network_and_server_name() -> None:
    stream = StreamRoute(to(A), networks=("10.0.0.0/8",), tls_names=("*.a.example",), client_networks=("192.0.2.1",))
    (match, cluster), (_, fallback) = _matched(stream)
    assert (cluster, fallback) == (A, "PassthroughCluster")
    assert match == {
        "prefixRanges": [{"addressPrefix": "10.0.0.0", "prefixLen": 8}],
        "serverNames": ["*.a.example"],
        "transportProtocol": "tls",
        "sourcePrefixRanges": [{"addressPrefix": "192.0.2.1", "prefixLen": 32}],
    }


def test_what_an_earlier_stream_takes_a_later_one_does_not_get() -> None:
    """Envoy refuses a listener in which two chains match alike."""
    first = StreamRoute(to(A), tls_names=("a", "b"))
    second = StreamRoute(to(B), tls_names=("b", "c"))
    third = StreamRoute(to(B), tls_names=("a",))
    found = _matched(first, second, third)
    assert [(match.get("serverNames"), cluster) for match, cluster in found] == [
        (["a", "b"], A),
        (["c"], B),
        (None, "PassthroughCluster"),
    ]


def test_a_stream_for_everything_replaces_the_fallback() -> None:
    found = _matched(StreamRoute(to(A), tls_names=("*",)), StreamRoute(to(B)))
    assert found == [({}, A)]


def test_shares_of_streams_broken_ones_are_closed() -> None:
    stream = StreamRoute((Destination(A, 70), Destination("", 30, broken="IST0101"), Destination(B, 0)))
    assert _matched(stream)[0][1] == [(A, 70), ("BlackHoleCluster", 30)]
    assert _matched(StreamRoute(()))[0][1] == "BlackHoleCluster"


def test_what_ends_a_stream_and_keeps_it_together() -> None:
    stream = StreamRoute(to(A), idle=60_000, lifetime=3_600_000, by_address=True)
    config = chains(outbound_listener(_listener("stream", stream), SETTINGS))[0]["filters"][-1]["typedConfig"]
    assert (config["idleTimeout"], config["maxDownstreamConnectionDuration"]) == ("60s", "3600s")
    assert config["hashPolicy"] == [{"sourceIp": {}}]


def test_http_filters_in_their_order() -> None:
    (http, _) = chains(outbound_listener(_listener("http"), SETTINGS))
    assert http_filters(http) == [
        "envoy.filters.http.fault",
        "envoy.filters.http.cors",
        "envoy.filters.http.stateful_session",
        "envoy.filters.http.dynamic_forward_proxy",
        "envoy.filters.http.router",
    ]


def test_an_application_can_claim_no_certificate_and_no_address() -> None:
    (http, _) = chains(outbound_listener(_listener("http"), SETTINGS))
    config = http["filters"][-1]["typedConfig"]
    assert config["useRemoteAddress"] is False
    assert config.get("forwardClientCertDetails", "SANITIZE") == "SANITIZE"


def test_paths_are_made_comparable_as_the_mesh_says() -> None:
    found = {}
    for normal in ("none", "base", "merge_slashes", "decode_and_merge_slashes"):
        (http, _) = chains(outbound_listener(_listener("http"), MeshSettings(path_normal=normal)))
        config = http["filters"][-1]["typedConfig"]
        fields = ("normalizePath", "mergeSlashes", "pathWithEscapedSlashesAction")
        found[normal] = tuple(config.get(field) for field in fields)
    assert found == {
        "none": (None, None, None),
        "base": (True, None, None),
        "merge_slashes": (True, True, None),
        "decode_and_merge_slashes": (True, True, "UNESCAPE_AND_FORWARD"),
    }


def test_nothing_is_logged_unless_the_mesh_says_so() -> None:
    (http, rest) = chains(outbound_listener(_listener("http"), MeshSettings()))
    assert all("accessLog" not in chain["filters"][-1]["typedConfig"] for chain in (http, rest))


def test_all_connections_come_in_by_one_port() -> None:
    listener = virtual_outbound("deny", SETTINGS)
    built = json_of(listener)
    assert (built["name"], built["useOriginalDst"]) == ("virtualOutbound", True)
    assert built["address"] == {"socketAddress": {"address": "0.0.0.0", "portValue": 15001}}
    loop, rest = chains(listener)
    assert (loop["filterChainMatch"], leads_to(loop)) == ({"destinationPort": 15001}, "BlackHoleCluster")
    assert leads_to(rest) == "BlackHoleCluster"
    assert leads_to(chains(virtual_outbound("allow", SETTINGS))[1]) == "PassthroughCluster"


def _places(built: Any) -> list[tuple[str, int]]:
    found = [built["address"], *(each["address"] for each in built.get("additionalAddresses", ()))]
    return [(each["socketAddress"]["address"], each["socketAddress"]["portValue"]) for each in found]


def test_it_is_there_for_all_addresses_that_it_has() -> None:
    source = OutboundListener(address="::", also=("0.0.0.0",), port=80, kind="http", route="80")
    built = json_of(outbound_listener(source, SETTINGS))
    assert built["name"] == "::_80"
    assert _places(built) == [("::", 80), ("0.0.0.0", 80)]


def test_connections_of_each_family_of_the_workload_are_taken() -> None:
    assert _places(json_of(virtual_outbound("allow", SETTINGS))) == [("0.0.0.0", 15001)]
    assert _places(json_of(virtual_outbound("allow", SETTINGS, ("IPv6",)))) == [("::", 15001)]
    both = json_of(virtual_outbound("allow", SETTINGS, ("IPv6", "IPv4")))
    assert _places(both) == [("::", 15001), ("0.0.0.0", 15001)]


def test_requests_ask_for_clusters_where_these_come_on_demand() -> None:
    (http, _) = chains(outbound_listener(_listener("http"), MeshSettings(on_demand=True)))
    assert http_filters(http)[0] == "envoy.filters.http.on_demand"
