"""The listener for what the workload is sent: which connections find a chain, and what it does.

tests/e2e/envoy/test_inbound.py shows them at work.
"""

from typing import Any

import pytest
from msgspec.structs import replace
from tests.golden.envoy.views import AUTHORIZATIONS
from tests.unit.envoy.listener.chain import chains, filters, http_filters, inspectors, leads_to
from tests.unit.envoy.make import json_of, served, typed

from weft.envoy.listener.inbound import inbound_listener
from weft.ir.settings import MeshSettings
from weft.ir.view import Inbound, InboundPort

SETTINGS = MeshSettings(access_log="/dev/stdout")
MESH_HTTP = ("istio-http/1.0", "istio-http/1.1", "istio-h2")
MESH_STREAM = ("istio-peer-exchange", "istio")
HTTP = ("http/1.1", "h2c")

Shape = tuple[str, tuple[str, ...], bool, bool]
"""Transport, application protocols, whether TLS is ended here with a client's certificate, whether HTTP is served."""


def _inbound(*ports: InboundPort, other: InboundPort | None = None) -> Inbound:
    rest = other or served(0, "tcp", "off")
    return Inbound(ports=ports, other=rest, trust_domains=("cluster.local", "old"))


def _shapes(port: InboundPort) -> list[Shape]:
    other = port if port.port == 0 else None
    source = _inbound(*(() if other else (port,)), other=other)
    found = []
    for chain in chains(inbound_listener(source, SETTINGS)):
        match = chain.get("filterChainMatch", {})
        if match.get("destinationPort", 0) == port.port:
            protocols = tuple(match.get("applicationProtocols", ()))
            mutual = "transportSocket" in chain and typed(chain["transportSocket"])["requireClientCertificate"]
            found.append((match.get("transportProtocol", ""), protocols, mutual, "routes" in leads_to(chain)))
    return found


@pytest.mark.parametrize("number", [9080, 0], ids=["declared", "undeclared"])
@pytest.mark.parametrize(
    ("mutual", "protocol", "expected"),
    [
        ("require", "http", [("tls", (), True, True)]),
        ("require", "tcp", [("tls", (), True, False)]),
        ("require", "detect", [("tls", MESH_HTTP, True, True), ("tls", (), True, False)]),
        (
            "accept",
            "http",
            [("tls", (*MESH_STREAM, *MESH_HTTP), True, True), ("raw_buffer", (), False, True)],
        ),
        (
            "accept",
            "tcp",
            [
                ("tls", (*MESH_STREAM, *MESH_HTTP), True, False),
                ("tls", (), False, False),
                ("raw_buffer", (), False, False),
            ],
        ),
        (
            "accept",
            "detect",
            [
                ("tls", MESH_HTTP, True, True),
                ("raw_buffer", HTTP, False, True),
                ("tls", MESH_STREAM, True, False),
                ("tls", (), False, False),
                ("raw_buffer", (), False, False),
            ],
        ),
        ("off", "http", [("", (), False, True)]),
        ("off", "tcp", [("", (), False, False)]),
        ("off", "detect", [("", HTTP, False, True), ("", (), False, False)]),
    ],
)
def test_chains_are_istios(number: int, mutual: Any, protocol: Any, expected: list[Shape]) -> None:
    assert _shapes(served(number, protocol, mutual)) == expected


def test_each_port_leads_to_its_table_or_cluster() -> None:
    source = _inbound(served(9080, "http", "require"), served(9090, "tcp", "require"), other=served(0, "detect", "off"))
    found = [leads_to(chain) for chain in chains(inbound_listener(source, SETTINGS))]
    assert found == [
        "BlackHoleCluster",
        "routes inbound|9080||",
        "inbound|9090||",
        "routes InboundPassthroughCluster",
        "InboundPassthroughCluster",
    ]


def test_names_of_chains_are_istios() -> None:
    source = _inbound(served(9080, "http", "require"), other=served(0, "detect", "off"))
    assert [chain["name"] for chain in chains(inbound_listener(source, SETTINGS))] == [
        "virtualInbound-blackhole",
        "0.0.0.0_9080",
        "virtualInbound-catchall-http",
        "virtualInbound",
    ]


def test_peers_must_belong_to_a_domain_that_is_accepted() -> None:
    _, chain, *_ = chains(inbound_listener(_inbound(served(9080, "http", "require")), SETTINGS))
    context = typed(chain["transportSocket"])["commonTlsContext"]
    names = context["combinedValidationContext"]["defaultValidationContext"]["matchTypedSubjectAltNames"]
    assert [each["matcher"]["prefix"] for each in names] == ["spiffe://cluster.local/", "spiffe://old/"]
    assert context["alpnProtocols"] == ["h2", "http/1.1"]
    assert context["tlsParams"]["tlsMaximumProtocolVersion"] == "TLSv1_3"


def test_no_inspector_waits_where_it_decides_nothing() -> None:
    source = _inbound(
        served(1, "tcp", "off"), served(2, "http", "accept"), served(3, "detect", "off"), other=served(0, "detect")
    )
    assert inspectors(inbound_listener(source, SETTINGS)) == {
        "original_dst": [],
        "tls_inspector": [1, 3],
        "http_inspector": [1, 2],
    }


def test_no_inspector_is_there_where_none_decides_anything() -> None:
    assert list(inspectors(inbound_listener(_inbound(served(1, "tcp", "off")), SETTINGS))) == ["original_dst"]


def test_policies_on_bytes_are_filters_before_the_proxy() -> None:
    port = InboundPort(port=9090, protocol="tcp", mutual="require", authorizations=AUTHORIZATIONS)
    _, chain, *_ = chains(inbound_listener(_inbound(port), SETTINGS))
    assert filters(chain) == ["deny", "allow", "tcp_proxy"]


def test_policies_on_requests_change_with_the_routes_so_their_filters_are_always_there() -> None:
    _, chain, *_ = chains(inbound_listener(_inbound(served(9080, "http", "require")), SETTINGS))
    assert http_filters(chain) == [
        "weft.rbac.audit",
        "weft.rbac.deny",
        "weft.rbac.allow",
        "envoy.filters.http.router",
    ]


def test_the_workload_learns_who_called_from_the_proxy_alone() -> None:
    _, chain, *_ = chains(inbound_listener(_inbound(served(9080, "http", "require")), SETTINGS))
    config = chain["filters"][0]["typedConfig"]
    assert config["forwardClientCertDetails"] == "APPEND_FORWARD"
    assert config["setCurrentClientCertDetails"] == {"subject": True, "dns": True, "uri": True}


def test_connections_without_a_chain_are_logged() -> None:
    (log,) = json_of(inbound_listener(_inbound(), SETTINGS))["accessLog"]
    assert log["filter"] == {"responseFlagFilter": {"flags": ["NR"]}}


def test_connections_of_each_family_of_the_workload_are_taken() -> None:
    built = json_of(inbound_listener(replace(_inbound(), families=("IPv4", "IPv6")), SETTINGS))
    more = [each["address"]["socketAddress"] for each in built["additionalAddresses"]]
    assert built["address"]["socketAddress"] == {"address": "0.0.0.0", "portValue": 15006}
    assert more == [{"address": "::", "portValue": 15006}]


def test_with_tproxy_connections_keep_their_addresses_on_both_sides() -> None:
    found = json_of(inbound_listener(replace(_inbound(), interception="tproxy"), SETTINGS))
    assert found["transparent"] is True
    names = [entry["name"] for entry in found["listenerFilters"]]
    assert names[:2] == ["envoy.filters.listener.original_dst", "envoy.filters.listener.original_src"]
    assert typed(found["listenerFilters"][1])["mark"] == 1337
    assert "transparent" not in json_of(inbound_listener(_inbound(), SETTINGS))
