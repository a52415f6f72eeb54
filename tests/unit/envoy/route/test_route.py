"""Rules as Envoy's routes: actions, destinations, and what comes with them."""

from typing import Any

import pytest
from tests.unit.envoy.make import json_of, rule, to

from weft.base import protobuf
from weft.base.provenance import Provenance
from weft.envoy.rbac.http import RouteAccess
from weft.envoy.route.affinity import hash_policy, session
from weft.envoy.route.fault import fault
from weft.envoy.route.route import ROUTE, routes
from weft.ir.routing import Cors, HttpMatch, RouteRule
from weft.ir.values import Transform
from weft.ir.view import Destination, Route

A, B = "outbound|80||a", "outbound|80||b"


def _built(source: Route, port: int | None = 80) -> Any:
    (built,) = _all(source, port)
    return built


def _all(source: Route, port: int | None, *access: RouteAccess) -> list[Any]:
    return [json_of(protobuf.parse(ROUTE, each)) for each in routes(source, port, *access)]


def _action(source: Route) -> Any:
    return _built(source)["route"]


def test_each_match_of_a_rule_is_a_route_with_its_action() -> None:
    matches = (HttpMatch(path=("exact", "/a")), HttpMatch(path=("exact", "/b")))
    first, second = _all(Route(rule(*matches), to(A)), 80)
    assert (first["match"], second["match"]) == ({"path": "/a"}, {"path": "/b"})
    assert first["route"] == second["route"]


def test_a_rule_without_matches_always_holds() -> None:
    assert _built(Route(rule(), to(A)))["match"] == {"prefix": "/"}


def test_a_rule_that_nothing_can_meet_is_no_route() -> None:
    assert routes(Route(RouteRule(Provenance("x", "", ""), "", (), (), "forward"), to(A)), 80) == []


def test_one_destination_is_a_cluster_and_several_have_weights() -> None:
    assert _action(Route(rule(), to(A)))["cluster"] == A
    weighted = _action(Route(rule(), (Destination(A, 90), Destination(B, 10))))["weightedClusters"]
    assert weighted == {"clusters": [{"name": A, "weight": 90}, {"name": B, "weight": 10}]}


def test_destinations_of_weight_0_get_nothing() -> None:
    assert _action(Route(rule(), (Destination(A, 100), Destination(B, 0))))["cluster"] == A


def test_edits_of_a_destination_stay_with_it() -> None:
    edited = Destination(A, 1, Transform(host="new.example", remove=("x",)), Transform(remove=("y",)))
    assert _action(Route(rule(), (edited,)))["weightedClusters"]["clusters"] == [
        {
            "name": A,
            "weight": 1,
            "hostRewriteLiteral": "new.example",
            "requestHeadersToRemove": ["x"],
            "responseHeadersToRemove": ["y"],
        }
    ]


def test_a_broken_destination_keeps_its_share_and_answers_500() -> None:
    action = _action(Route(rule(), (Destination(A, 80), Destination("", 20, broken="IST0101"))))
    assert action["weightedClusters"]["clusters"][1] == {"name": "broken|IST0101", "weight": 20}
    assert action["clusterNotFoundResponseCode"] == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize("destinations", [(), (Destination(A, 0),)])
def test_no_destination_answers_500(destinations: tuple[Destination, ...]) -> None:
    action = _action(Route(rule(), destinations))
    assert action["clusterNotFoundResponseCode"] == "INTERNAL_SERVER_ERROR"
    assert action["cluster"].startswith("broken|")


def test_a_cluster_that_is_only_missing_is_unavailable() -> None:
    assert "clusterNotFoundResponseCode" not in _action(Route(rule(), to(A)))


def test_without_a_timeout_a_request_may_take_for_ever() -> None:
    action = _action(Route(rule(), to(A)))
    assert action["timeout"] == "0s"
    assert action["maxStreamDuration"] == {"maxStreamDuration": "0s", "grpcTimeoutHeaderMax": "0s"}


def test_a_timeout_stands_alone() -> None:
    action = _action(Route(rule(timeout=1_500, idle=60_000), to(A)))
    assert (action["timeout"], action["idleTimeout"]) == ("1.500s", "60s")
    assert "maxStreamDuration" not in action


def test_mirrors_with_their_shares() -> None:
    first, second = _action(Route(rule(), to(A), mirrors=((B, 0.25), (A, 1.0), ("", 1.0))))["requestMirrorPolicies"]
    share = first["runtimeFraction"]["defaultValue"]
    assert (first["cluster"], share) == (B, {"numerator": 250_000, "denominator": "MILLION"})
    assert second["disableShadowHostSuffixAppend"]


@pytest.mark.parametrize(
    ("transform", "field", "expected"),
    [
        (Transform(prefix="/b"), "prefixRewrite", "/b"),
        (Transform(path=r"/b\1"), "regexRewrite", {"pattern": {"regex": "^.*$"}, "substitution": r"/b\\1"}),
        (Transform(path_regex=("^/a", "/b")), "regexRewrite", {"pattern": {"regex": "^/a"}, "substitution": "/b"}),
        (Transform(host="b.example"), "hostRewriteLiteral", "b.example"),
    ],
)
def test_rewrites(transform: Transform, field: str, expected: Any) -> None:
    assert _action(Route(rule(request=transform), to(A)))[field] == expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        (Transform(host="b.example"), {"hostRedirect": "b.example"}),
        (Transform(scheme="https"), {"schemeRedirect": "https"}),
        (Transform(port=8443), {"portRedirect": 8443}),
        (Transform(port=0), {"portRedirect": 8080}),
        (Transform(path="/b"), {"pathRedirect": "/b"}),
        (Transform(prefix="/b"), {"prefixRewrite": "/b"}),
    ],
)
def test_redirects(location: Transform, expected: dict[str, Any]) -> None:
    built = _built(Route(rule(action="redirect", status=301, request=location)), 8080)
    assert built["redirect"] == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [(302, "FOUND"), (303, "SEE_OTHER"), (307, "TEMPORARY_REDIRECT"), (308, "PERMANENT_REDIRECT")],
)
def test_codes_of_redirects(status: int, expected: str) -> None:
    moved = rule(action="redirect", status=status, request=Transform(host="b"))
    assert _built(Route(moved))["redirect"]["responseCode"] == expected


def test_an_answer_of_the_proxy_with_its_headers() -> None:
    answer = rule(action="respond", status=418, body=b"\xff", response=Transform(set=(("x", "1"),)))
    built = _built(Route(answer))
    assert built["directResponse"] == {"status": 418, "body": {"inlineBytes": "/w=="}}
    assert built["responseHeadersToAdd"][0]["header"]["key"] == "x"


def test_faults_cross_origin_rules_and_sessions_are_settings_of_their_filters() -> None:
    settings = rule(
        delay=(0.5, 100),
        abort=(1.0, "grpc:UNAVAILABLE"),
        cors=Cors(origins=(("exact", "a"),), methods=("GET", "PUT"), max_age=60_000, forward_unmatched=False),
        sticky=("header", "x-session"),
    )
    filters = _built(Route(settings, to(A)))["typedPerFilterConfig"]
    fault, cors = filters["envoy.filters.http.fault"], filters["envoy.filters.http.cors"]
    assert fault["delay"] == {"fixedDelay": "0.100s", "percentage": {"numerator": 500_000, "denominator": "MILLION"}}
    assert fault["abort"]["grpcStatus"] == 14
    assert (cors["allowMethods"], cors["maxAge"], cors["forwardNotMatchingPreflights"]) == ("GET,PUT", "60", False)
    state = filters["envoy.filters.http.stateful_session"]["statefulSession"]["sessionState"]
    assert state["typedConfig"]["name"] == "x-session"


def test_policies_of_a_gateway_are_on_each_route_beside_what_the_rule_says() -> None:
    abort = fault(rule(abort=(1.0, "503")))
    assert abort is not None
    access = RouteAccess({"weft.rbac.deny": protobuf.pack(abort)}, {})
    (built,) = _all(Route(rule(abort=(1.0, "503")), to(A)), 80, access)
    assert set(built["typedPerFilterConfig"]) == {"weft.rbac.deny", "envoy.filters.http.fault"}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (("header", "x"), {"header": {"header_name": "x"}}),
        (("query", "q"), {"query_parameter": {"name": "q"}}),
        (("address",), {"connection_properties": {"source_ip": True}}),
    ],
)
def test_keys_to_hash_by(key: tuple[str, ...], expected: dict[str, Any]) -> None:
    assert hash_policy(key) == expected


def test_a_cookie_to_hash_by_is_made_where_it_has_a_time() -> None:
    assert _hash_cookie("0")["ttl"] == "0s"
    assert "ttl" not in _hash_cookie("")


def _hash_cookie(ttl: str) -> Any:
    return _action(Route(rule(), to(A), hash_on=(("cookie", "c", "/", ttl),)))["hashPolicy"][0]["cookie"]


def test_unknown_keys_are_an_error_and_not_left_out() -> None:
    with pytest.raises(ValueError, match="no key to hash by"):
        hash_policy(("moon",))
    with pytest.raises(ValueError, match="no place for a session"):
        session(("moon", "x"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Route(rule(), to(A)), "a:80/*"),
        (Route(rule(HttpMatch(path=("exact", "/x"))), to(A)), "a:80/x"),
        (Route(rule(HttpMatch(path=("prefix", "/x"))), to(A, B)), "routes:80/x*"),
    ],
)
def test_the_span_is_named_by_the_destination_or_by_the_object_that_chooses(source: Route, expected: str) -> None:
    assert _built(source)["decorator"] == {"operation": expected}


def test_the_object_behind_a_route_is_found_by_its_path() -> None:
    built = _built(Route(rule(stat="shop"), to(A)))
    assert built["metadata"]["filterMetadata"]["istio"] == {
        "config": "/apis/networking.istio.io/v1/namespaces/shop/virtual-service/routes"
    }
    assert built["statPrefix"] == "shop"
    service = RouteRule(Provenance("Service", "shop", "a"), "default", (), None, "forward")
    assert "metadata" not in _built(Route(service, to(A)))
