"""Lines of access logs are read as Envoy writes them by Weft's format, and nothing else is taken for one."""

from datetime import UTC, datetime

import pytest
from tests.unit.apps.demo.shop import START, line, text

from weft.apps.demo.access_log import policy_names, read_line


def test_every_field_that_matters_is_read_from_its_place() -> None:
    read = line(
        method="GET",
        x_envoy_original_path_path="/reviews/1",
        PROTOCOL="HTTP/1.1",
        RESPONSE_CODE="403",
        RESPONSE_FLAGS="UAEX",
        RESPONSE_CODE_DETAILS="rbac_access_denied_matched_policy[none]",
        UPSTREAM_CLUSTER_RAW="inbound|8080||",
        DOWNSTREAM_LOCAL_ADDRESS="10.244.0.12:8080",
        DOWNSTREAM_REMOTE_ADDRESS="10.244.0.18:51872",
        DOWNSTREAM_PEER_URI_SAN="spiffe://cluster.local/ns/visitors/sa/visitor",
        x_forwarded_for="192.0.2.7",
        route_weft_access_closed_by="ns[bookshop]-policy[allow-nothing],ns[bookshop]-policy[details-callers]",
    )
    assert (read.method, read.path, read.status, read.flags) == ("GET", "/reviews/1", 403, "UAEX")
    assert read.details == "rbac_access_denied_matched_policy[none]"
    assert (read.cluster, read.local, read.remote) == ("inbound|8080||", "10.244.0.12", "10.244.0.18")
    assert (read.forwarded_for, read.caller) == ("192.0.2.7", "spiffe://cluster.local/ns/visitors/sa/visitor")
    assert read.closed_by == ("allow-nothing", "details-callers")
    assert read.start == datetime(2026, 3, 1, 10, 0, 0, 250_000, UTC).timestamp()


def test_a_connection_has_no_request_and_the_details_of_its_end() -> None:
    read = line("tcp", CONNECTION_TERMINATION_DETAILS="rbac_access_denied_matched_policy[none]")
    assert (read.method, read.path, read.status) == ("", "", 0)
    assert read.details == "rbac_access_denied_matched_policy[none]"
    assert (read.flags, read.caller, read.closed_by) == ("", "", ())


@pytest.mark.parametrize(
    "other",
    [
        "",
        "[2026-11-23 08:20:22.897][8483][warning][main] [source/server/server.cc:1059] There is no limit",
        text()[: len(text()) // 2],
        text().replace(START, "yesterday"),
        text(user_agent='curl" 200 - "'),
        f"some application: {text()}",
    ],
)
def test_other_lines_are_none(other: str) -> None:
    assert read_line(other) is None


def test_policies_are_named_without_namespace_and_rule() -> None:
    assert policy_names("ns[bookshop]-policy[no-visitors]-rule[0]") == ("no-visitors",)
    assert policy_names("-") == ()
