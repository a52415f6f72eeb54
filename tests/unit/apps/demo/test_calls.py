"""What became of a call is told by the log of the proxy that took it, and by nothing else."""

from collections import Counter

import pytest
from tests.unit.apps.demo.shop import calls, line, named, to

from weft.apps.demo.calls import OUTSIDE, Call, Edge

DENIED = "rbac_access_denied_matched_policy"


def only(found: tuple[Call, ...]) -> Call:
    assert len(found) == 1
    return found[0]


def test_an_answered_request() -> None:
    call = only(calls("details", to("details", "productpage", x_envoy_original_path_path="/books/1")))
    assert (call.caller, call.called, call.protocol) == ("productpage", "details", "HTTP")
    assert (call.identity, call.domain) == ("ns/bookshop/sa/productpage", "cluster.local")
    assert (call.method, call.path, call.status, call.outcome) == ("GET", "/books/1", 200, "answered")


def test_pods_of_one_account_are_told_apart_by_their_addresses() -> None:
    found = calls("ratings", to("ratings", "reviews v2"), to("ratings", "reviews v3"), to("ratings", "reviews v3"))
    identity = "ns/bookshop/sa/reviews"
    assert Counter(call.edge for call in found) == {
        Edge("reviews v2", identity, "ratings", "HTTP"): 1,
        Edge("reviews v3", identity, "ratings", "HTTP"): 2,
    }


def test_the_account_is_that_of_the_address_and_not_of_the_certificate() -> None:
    stolen = to("details", "visitor", DOWNSTREAM_PEER_URI_SAN="spiffe://cluster.local/ns/bookshop/sa/productpage")
    call = only(calls("details", stolen))
    assert (call.identity, call.account) == ("ns/bookshop/sa/productpage", "ns/visitors/sa/visitor")


def test_a_gateway_is_known_by_its_identity_since_the_address_is_that_of_its_client() -> None:
    passed = to("productpage", "gateway", x_forwarded_for="192.0.2.7", DOWNSTREAM_REMOTE_ADDRESS="192.0.2.7:0")
    assert only(calls("productpage", passed)).caller == "gateway"


def test_a_pod_that_claims_to_forward_is_not_taken_for_a_gateway() -> None:
    claimed = to("productpage", "visitor", x_forwarded_for="192.0.2.7", DOWNSTREAM_REMOTE_ADDRESS="192.0.2.7:0")
    assert only(calls("productpage", claimed)).caller == OUTSIDE


@pytest.mark.parametrize("field", ["RESPONSE_CODE_DETAILS", "CONNECTION_TERMINATION_DETAILS"])
def test_a_denial_names_its_policy(field: str) -> None:
    details = {"RESPONSE_CODE_DETAILS": "-"} | {field: f"{DENIED}[ns[bookshop]-policy[no-visitors]-rule[0]]"}
    call = only(calls("ratings", to("ratings", "visitor", RESPONSE_CODE="403", **details)))
    assert (call.outcome, call.policies) == ("denied", ("no-visitors",))


def test_what_no_rule_allows_names_the_policies_that_have_none() -> None:
    closed = "ns[bookshop]-policy[allow-nothing],ns[bookshop]-policy[details-callers]"
    details = f"{DENIED}[none]"
    refused = to("details", "visitor", RESPONSE_CODE_DETAILS=details, route_weft_access_closed_by=closed)
    call = only(calls("details", refused))
    assert (call.outcome, call.policies) == ("not allowed", ("allow-nothing", "details-callers"))


def test_plain_text_is_a_connection_that_no_chain_takes_from_nobody() -> None:
    refused = line(
        "tcp",
        RESPONSE_FLAGS="NR",
        RESPONSE_CODE_DETAILS="filter_chain_not_found",
        DOWNSTREAM_LOCAL_ADDRESS=f"{named('productpage').address}:8080",
        DOWNSTREAM_REMOTE_ADDRESS=f"{named('legacy').address}:51488",
    )
    call = only(calls("productpage", refused))
    assert (call.caller, call.identity, call.outcome) == ("legacy", "", "plain text")


def test_bytes_are_answered_unless_the_connection_ends_with_details() -> None:
    good = to("store", "ratings", RESPONSE_CODE="0", RESPONSE_CODE_DETAILS="-", method="-", PROTOCOL="-")
    bad = to("store", "ratings", RESPONSE_CODE="0", RESPONSE_CODE_DETAILS="-", method="-", RESPONSE_FLAGS="UF")
    assert [(call.protocol, call.outcome) for call in calls("store", good, bad)] == [
        ("TCP", "answered"),
        ("TCP", "failed"),
    ]


@pytest.mark.parametrize("status", ["0", "404", "503"])
def test_errors_are_failures(status: str) -> None:
    assert only(calls("details", to("details", "productpage", RESPONSE_CODE=status))).outcome == "failed"


def test_what_a_sidecar_logs_of_its_own_pods_calls_is_no_call_to_it() -> None:
    outbound = to("productpage", "productpage", UPSTREAM_CLUSTER_RAW="outbound|8080||details.bookshop")
    nowhere = to("productpage", "productpage", RESPONSE_CODE_DETAILS="filter_chain_not_found", UPSTREAM_CLUSTER_RAW="-")
    elsewhere = line(
        "tcp",
        RESPONSE_CODE_DETAILS="filter_chain_not_found",
        DOWNSTREAM_LOCAL_ADDRESS="192.0.2.1:443",
    )
    assert calls("productpage", outbound, elsewhere) == ()
    assert calls("details", nowhere) == ()


def test_a_gateway_is_called_from_outside() -> None:
    usual = {
        "method": "GET",
        "x_envoy_original_path_path": "/shelf",
        "DOWNSTREAM_REMOTE_ADDRESS": "127.0.0.1:40000",
        "x_forwarded_for": "192.0.2.7",
    }
    taken = line(RESPONSE_CODE="200", RESPONSE_CODE_DETAILS="via_upstream", **usual)
    unknown = line(RESPONSE_CODE="404", RESPONSE_FLAGS="NR", RESPONSE_CODE_DETAILS="route_not_found", **usual)
    passed_on = line(RESPONSE_CODE="403", RESPONSE_CODE_DETAILS="via_upstream", **usual)
    found = calls("gateway", taken, unknown, passed_on)
    assert [(call.caller, call.outcome, call.path) for call in found] == [
        (OUTSIDE, "answered", "/shelf"),
        (OUTSIDE, "no route", "/shelf"),
    ]
