"""Tables of what a real Envoy said (data/, made once by Envoy 1.40 with a configuration of its own)."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from weft.cli.proxy import clusters, endpoints, listeners, routes, secrets
from weft.cli.proxy.clusters import ClusterFilter
from weft.cli.proxy.dump import Dump, DumpError, Secret, read_dump
from weft.cli.proxy.endpoints import EndpointFilter
from weft.cli.proxy.listeners import ListenerFilter
from weft.cli.proxy.names import parse_cluster_name

DATA = Path(__file__).parent / "data"
REVIEWS = "reviews.default.svc.cluster.local"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def dump() -> Dump:
    return read_dump((DATA / "config_dump.json").read_bytes())


@pytest.fixture(scope="module")
def statuses() -> list[endpoints.Endpoint]:
    return endpoints.of_statuses((DATA / "clusters.json").read_bytes())


def test_clusters_are_taken_apart_by_their_names(dump: Dump) -> None:
    rows = clusters.rows(clusters.select(dump.clusters, ClusterFilter()))
    assert rows == [
        ("", "9080", "-", "inbound", "STATIC", ""),
        ("BlackHoleCluster", "-", "-", "-", "STATIC", ""),
        ("PassthroughCluster", "-", "-", "-", "ORIGINAL_DST", ""),
        ("api.example.com", "443", "-", "outbound", "DNS", ""),
        ("details.default.svc.cluster.local", "9080", "-", "outbound", "EDS", ""),
        ("late.example.com", "8443", "-", "outbound", "STATIC", ""),
        ("prometheus_stats", "-", "-", "-", "STATIC", ""),
        (REVIEWS, "9080", "-", "outbound", "EDS", "reviews.default"),
        (REVIEWS, "9080", "v1", "outbound", "EDS", "reviews.default"),
        (REVIEWS, "9080", "v2", "outbound", "EDS", "reviews.default"),
    ]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (ClusterFilter(fqdn="reviews"), 3),
        (ClusterFilter(port=9080), 5),
        (ClusterFilter(subset="v1"), 1),
        (ClusterFilter(direction="inbound"), 1),
        (ClusterFilter(fqdn="reviews", port=443), 0),
    ],
)
def test_clusters_are_chosen(dump: Dump, wanted: ClusterFilter, count: int) -> None:
    assert len(clusters.select(dump.clusters, wanted)) == count


@pytest.mark.parametrize("name", ["xds-grpc", "a|b|c|d", "outbound|80|v1", "outbound_.80_._.host", ""])
def test_names_of_other_forms_are_hosts(name: str) -> None:
    assert parse_cluster_name(name).host == name


def test_listeners_show_one_row_a_filter_chain(dump: Dump) -> None:
    rows = listeners.rows(listeners.select(dump.listeners, ListenerFilter()))
    mesh_tls = "Trans: tls; App: istio,istio-peer-exchange,istio-http/1.0,istio-http/1.1,istio-h2; Addr: *:9080"
    assert rows == [
        ("127.0.0.1", "443", "SNI: api.example.com; Trans: tls", "Cluster: outbound|443||api.example.com"),
        ("127.0.0.1", "443", "Addr: 10.96.0.30/32", "Cluster: outbound|9080||details.default.svc.cluster.local"),
        ("127.0.0.1", "7007", "ALL", "Non-HTTP/Non-TCP"),
        ("127.0.0.1", "9080", "Trans: raw_buffer; App: http/1.1,h2c", "Route: 9080"),
        ("127.0.0.1", "9080", "ALL", "PassthroughCluster"),
        ("127.0.0.1", "15001", "Addr: *:15001", "BlackHoleCluster"),
        ("127.0.0.1", "15001", "ALL", "PassthroughCluster"),
        ("127.0.0.1", "15006", "Addr: *:15006", "BlackHoleCluster"),
        ("127.0.0.1", "15006", mesh_tls, "Cluster: inbound|9080||"),
        ("127.0.0.1", "15006", "Trans: raw_buffer; App: http/1.1,h2c; Addr: *:9080", "Cluster: inbound|9080||"),
        ("127.0.0.1", "15006", "Trans: tls; App: a,b; Addr: *:9080", "Cluster: inbound|9080||"),
        ("127.0.0.1", "15090", "ALL", "Inline Route: /stats/prometheus*"),
        ("10.96.0.20", "27017", "ALL", f"Cluster: outbound|9080|v1|{REVIEWS}, outbound|9080|v2|{REVIEWS}"),
    ]


@pytest.mark.parametrize(
    ("wanted", "ports"),
    [
        (ListenerFilter(port=15006), {15006}),
        (ListenerFilter(address="10.96.0.20"), {27017}),
        (ListenerFilter(type="HTTP"), {15090}),
        (ListenerFilter(type="HTTP+TCP"), {9080, 15006}),
        (ListenerFilter(type="TCP"), {443, 15001, 27017}),
    ],
)
def test_listeners_are_chosen(dump: Dump, wanted: ListenerFilter, ports: set[int]) -> None:
    found = listeners.select(dump.listeners, wanted)
    assert {listener["address"]["socket_address"]["port_value"] for listener in found} == ports


@pytest.mark.parametrize(
    ("protocols", "shown"),
    [
        (["http/1.0", "http/1.1", "h2c"], "App: HTTP"),
        (["istio-peer-exchange", "istio"], "App: TCP TLS"),
        (["h2"], "App: h2"),
    ],
)
def test_lists_of_protocols_have_istioctls_words(protocols: list[str], shown: str) -> None:
    chain = {"filter_chain_match": {"application_protocols": protocols}}
    assert listeners.rows([{"filter_chains": [chain]}])[0][2] == shown


def test_routes_show_their_matches_and_the_object_that_made_them(dump: Dump) -> None:
    rows = routes.rows(routes.select(dump.routes, "9080"))
    host, domains = f"{REVIEWS}:9080", "reviews, reviews.default + 1 more..."
    assert rows == [
        ("9080", host, domains, "/api/*", "reviews.default"),
        ("9080", host, domains, "regex /books/[0-9]+", "reviews.default"),
        ("9080", host, domains, "/exact", "reviews.default"),
        ("9080", host, domains, "PathPrefix:/shop", "reviews.default"),
        ("9080", host, domains, "/*", "reviews.default"),
        (
            "9080",
            "details.default.svc.cluster.local:9080",
            "details, details.default.svc.cluster.local",
            "/*",
            "",
        ),
        ("9080", "empty.example.com:9080", "empty.example.com", "/*", "404"),
    ]


def test_routes_to_the_original_destination_are_left_out(dump: Dump) -> None:
    assert "allow_any" not in {row[1] for row in routes.rows(dump.routes)}


def test_route_tables_are_sorted_with_ports_first() -> None:
    names = ["http.80", "15014", "80", "inbound|80||"]
    found = routes.select([{"name": name} for name in names], None)
    assert [each["name"] for each in found] == ["80", "15014", "http.80", "inbound|80||"]


def test_endpoints_show_how_they_are(statuses: list[endpoints.Endpoint]) -> None:
    rows = endpoints.rows(endpoints.select(statuses, EndpointFilter()))
    assert ("10.244.0.7:9080", "UNHEALTHY", "OK", f"outbound|9080||{REVIEWS}") in rows
    assert ("10.244.0.6:9080", "DRAINING", "OK", f"outbound|9080|v2|{REVIEWS}") in rows
    assert ("[::1]:443", "HEALTHY", "OK", "outbound|443||api.example.com") in rows
    assert ("unix://admin.sock", "HEALTHY", "OK", "prometheus_stats") in rows
    assert rows == sorted(rows, key=lambda row: (row[3], row[0]))


def test_an_endpoint_that_was_ejected_has_failed() -> None:
    host = {"address": {"socket_address": {"address": "10.0.0.1", "port_value": 1}}}
    host["health_status"] = {"eds_health_status": "HEALTHY", "failed_outlier_check": True}  # type: ignore[dict-item]
    found = endpoints.of_statuses(json.dumps({"cluster_statuses": [{"name": "c", "host_statuses": [host]}]}).encode())
    assert endpoints.rows(found) == [("10.0.0.1:1", "HEALTHY", "FAILED", "c")]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (EndpointFilter(address="10.244.0.5"), 2),
        (EndpointFilter(port=443), 1),
        (EndpointFilter(cluster=f"outbound|9080||{REVIEWS}"), 3),
        (EndpointFilter(status=("unhealthy", "DRAINING")), 2),
    ],
)
def test_endpoints_are_chosen(statuses: list[endpoints.Endpoint], wanted: EndpointFilter, count: int) -> None:
    assert len(endpoints.select(statuses, wanted)) == count


def test_a_dump_has_endpoints_too_but_not_what_outlier_detection_found(dump: Dump) -> None:
    rows = endpoints.rows(endpoints.of_assignments(dump.endpoints))
    assert ("10.244.0.7:9080", "UNHEALTHY", "-", f"outbound|9080||{REVIEWS}") in rows


def test_secrets_show_what_is_public_of_certificates_in_the_order_of_names(dump: Dump) -> None:
    assert secrets.rows(dump.secrets, NOW) == [
        ("default", "Cert Chain", "ACTIVE", "false", "feed0001", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("kubernetes://absent", "Unknown", "WARMING", "false", "", "", ""),
        ("ROOTCA", "CA", "ACTIVE", "true", "1234abcd", "2035-12-30T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("ROOTCA", "CA", "ACTIVE", "true", "99", "2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ]


@pytest.mark.parametrize("key", ["inline_string", "inline_bytes"])
def test_a_certificate_that_is_none_is_not_valid(key: str) -> None:
    resource = {"tls_certificate": {"certificate_chain": {key: "!!"}}}
    rows = secrets.rows([Secret("default", "ACTIVE", resource)], NOW)
    assert rows == [("default", "Cert Chain", "ACTIVE", "false", "", "", "")]


def test_a_secret_that_is_no_certificate_shows_nothing() -> None:
    secret = Secret("token", "ACTIVE", {"generic_secret": {"secret": {"filename": "[redacted]"}}})
    assert secrets.rows([secret], NOW) == [("token", "Generic", "ACTIVE", "-", "-", "-", "-")]


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"configs": 1}', b'{"configs": [{"static_clusters": 5}]}'])
def test_what_is_no_dump_is_refused(data: bytes) -> None:
    with pytest.raises(DumpError, match="no configuration dump"):
        read_dump(data)


@pytest.mark.parametrize(
    "resource", [{"name": "x", "metadata": 1}, {"name": "x", "type": 5}, {"name": 5}, {"type": "EDS"}]
)
def test_a_resource_that_is_none_is_refused(resource: dict[str, Any]) -> None:
    with pytest.raises(DumpError):
        clusters.rows([resource])
