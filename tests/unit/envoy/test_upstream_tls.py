"""How a client's end of TLS is chosen and what it offers."""

from typing import Any

import pytest
from tests.unit.envoy.make import PEER, cluster, json_of, typed

from weft.envoy.cluster import cluster as build
from weft.ir.inventory import TrustDomain
from weft.ir.settings import MeshSettings
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Tls
from weft.ir.view import Cluster

SETTINGS = MeshSettings(trust_domain=TrustDomain("mesh.example"))


def _built(source: Cluster) -> Any:
    return json_of(build(source, SETTINGS))


def _own(mode: Any = "one_way", protocol: Any = "http", **fields: Any) -> Any:
    return _built(cluster(protocol, mesh_tls="never", settings=TrafficSettings(tls=Tls(mode, **fields))))


def _context(built: Any) -> Any:
    return typed(built["transportSocket"])


def _mesh_context(built: Any) -> Any:
    return typed(built["transportSocketMatches"][0]["transportSocket"])


def _http(built: Any) -> Any:
    options = built["typedExtensionProtocolOptions"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]
    return options.get("upstreamHttpProtocolOptions", {})


def test_each_endpoint_says_whether_it_speaks_mesh_tls() -> None:
    matches = _built(cluster())["transportSocketMatches"]
    assert [(each["name"], each["match"]) for each in matches] == [
        ("tlsMode-istio", {"tlsMode": "istio"}),
        ("tlsMode-disabled", {}),
    ]
    assert matches[1]["transportSocket"]["name"] == "envoy.transport_sockets.raw_buffer"


def test_handshakes_of_many_connections_can_be_resumed() -> None:
    socket = _built(cluster())["transportSocketMatches"][0]["transportSocket"]
    assert socket["typedConfig"]["maxSessionKeys"] > 1


def test_the_server_must_prove_one_of_the_peers_and_is_named_by_the_service() -> None:
    context = _mesh_context(_built(cluster()))
    names = context["commonTlsContext"]["combinedValidationContext"]["defaultValidationContext"]
    assert names == {"matchTypedSubjectAltNames": [{"sanType": "URI", "matcher": {"exact": PEER}}]}
    assert context["sni"] == "outbound_.80_._.reviews.default.svc.cluster.local"


def test_where_no_identity_is_known_it_must_be_one_of_the_own_domain() -> None:
    context = _mesh_context(_built(cluster(peers=())))
    names = context["commonTlsContext"]["combinedValidationContext"]["defaultValidationContext"]
    assert names["matchTypedSubjectAltNames"][0]["matcher"] == {"prefix": "spiffe://mesh.example/"}


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("http", ["istio-http/1.1", "istio", "http/1.1"]),
        ("http2", ["istio-h2", "istio", "h2"]),
        ("detect", ["istio-http/1.1", "istio-h2"]),
        ("tcp", ["istio"]),
    ],
)
def test_what_is_offered_says_http_or_bytes_and_never_an_exchange_of_peers(protocol: Any, expected: list[str]) -> None:
    assert _mesh_context(_built(cluster(protocol)))["commonTlsContext"]["alpnProtocols"] == expected


@pytest.mark.parametrize("mesh_tls", ["by_endpoint", "always"])
def test_a_detected_port_offers_what_the_connection_carries(mesh_tls: str) -> None:
    built = _built(cluster("detect", mesh_tls=mesh_tls))
    offered = {
        each["name"]: typed(each["transportSocket"])["commonTlsContext"]["alpnProtocols"]
        for each in built["transportSocketMatches"]
        if each["match"]
    }
    assert offered == {"tlsMode-istio": ["istio-http/1.1", "istio-h2"], "tlsMode-istio-stream": ["istio"]}
    assert ("tlsMode-disabled" in str(built["transportSocketMatcher"])) is (mesh_tls == "by_endpoint")


def test_tls_of_the_mesh_with_names_of_an_author() -> None:
    tls = Tls("mesh", server_name="other", peer_names=(("exact", "spiffe://a/b"),))
    context = _context(_built(cluster(mesh_tls="always", settings=TrafficSettings(tls=tls))))
    names = context["commonTlsContext"]["combinedValidationContext"]["defaultValidationContext"]
    assert names["matchTypedSubjectAltNames"][0]["matcher"] == {"exact": "spiffe://a/b"}
    assert context["sni"] == "other"


def test_versions_reach_1_3_and_start_where_the_mesh_says() -> None:
    built = json_of(build(cluster(), MeshSettings(lowest_tls="1.3")))
    assert _mesh_context(built)["commonTlsContext"]["tlsParams"] == {
        "tlsMinimumProtocolVersion": "TLSv1_3",
        "tlsMaximumProtocolVersion": "TLSv1_3",
    }
    assert _context(_own())["commonTlsContext"]["tlsParams"] == {"tlsMaximumProtocolVersion": "TLSv1_3"}


@pytest.mark.parametrize("tls", [None, Tls("off")])
def test_plaintext_has_no_transport_socket(tls: Tls | None) -> None:
    built = _built(cluster(mesh_tls="never", settings=TrafficSettings(tls=tls)))
    assert "transportSocket" not in built
    assert "transportSocketMatches" not in built


def test_own_tls_verifies_the_host_of_each_request_by_the_systems_roots() -> None:
    built = _own()
    assert _http(built) == {"autoSni": True, "autoSanValidation": True}
    assert _context(built)["commonTlsContext"]["validationContext"] == {"systemRootCerts": {}}


def test_a_stated_server_name_is_sent_and_verified() -> None:
    built = _own(server_name="api.example.com")
    assert _http(built) == {}
    assert (_context(built)["sni"], _context(built)["autoSniSanValidation"]) == ("api.example.com", True)


def test_bytes_are_sent_under_the_name_of_the_host() -> None:
    context = _context(_own(protocol="tcp"))
    assert context["sni"] == "reviews.default.svc.cluster.local"
    assert "alpnProtocols" not in context["commonTlsContext"]


def test_stated_names_replace_the_check_of_the_host() -> None:
    built = _own(peer_names=(("exact", "a.example"), ("exact", "192.0.2.1"), ("exact", "spiffe://a/b")))
    assert _http(built) == {"autoSni": True}
    found = _context(built)["commonTlsContext"]["validationContext"]["matchTypedSubjectAltNames"]
    assert [(each["sanType"], each["matcher"]["exact"]) for each in found] == [
        ("DNS", "a.example"),
        ("DNS", "192.0.2.1"),
        ("IP_ADDRESS", "192.0.2.1"),
        ("URI", "spiffe://a/b"),
    ]


def test_checking_that_is_turned_off_checks_nothing() -> None:
    built = _own(verify=False)
    assert _http(built) == {"autoSni": True}
    assert _context(built)["commonTlsContext"]["validationContext"] == {"trustChainVerification": "ACCEPT_UNTRUSTED"}


def test_certificates_are_discovered_by_the_names_of_their_secrets() -> None:
    built = _own("mutual", certificates=("secret:shop/client",), roots="secret:/roots-cacert")
    context = _context(built)["commonTlsContext"]
    assert context["tlsCertificateSdsSecretConfigs"][0]["name"] == "kubernetes://shop/client"
    discovered = context["combinedValidationContext"]["validationContextSdsSecretConfig"]
    assert discovered["name"] == "kubernetes://roots-cacert"
    assert discovered["sdsConfig"]["initialFetchTimeout"] == "5s", "a missing secret must not keep the proxy unready"


def test_certificates_in_files_are_discovered_too_so_that_a_missing_file_costs_nothing_else() -> None:
    built = _own("mutual", certificates=("file:/c.pem~/k.pem",), roots="file:/r.pem", crl="file:/crl.pem")
    context = _context(built)["commonTlsContext"]
    assert [each["name"] for each in context["tlsCertificateSdsSecretConfigs"]] == ["file-cert:/c.pem~/k.pem"]
    validation = context["combinedValidationContext"]
    assert validation["validationContextSdsSecretConfig"]["name"] == "file-root:/r.pem"
    assert validation["defaultValidationContext"]["crl"] == {"filename": "/crl.pem"}


def test_one_way_tls_presents_no_certificate() -> None:
    context = _context(_own(certificates=("secret:shop/client",)))["commonTlsContext"]
    assert "tlsCertificateSdsSecretConfigs" not in context


def test_pins_are_hashes_of_certificates_or_of_keys() -> None:
    fingerprint, key = "ab" * 32, "r/mIkG3eEpVdm+u/ko/cwxzOMo1bk4TyHIlByibiA5E="
    context = _context(_own(pins=(fingerprint, key)))["commonTlsContext"]["validationContext"]
    assert context["verifyCertificateHash"] == [fingerprint]
    assert context["verifyCertificateSpki"] == [key]


def test_the_header_of_the_proxy_protocol_goes_before_all() -> None:
    settings = TrafficSettings(proxy_header=1)
    socket = _built(cluster(mesh_tls="never", settings=settings))["transportSocket"]
    assert socket["name"] == "envoy.transport_sockets.upstream_proxy_protocol"
    assert typed(socket)["transportSocket"]["name"] == "envoy.transport_sockets.raw_buffer"
    for match in _built(cluster(settings=settings))["transportSocketMatches"]:
        assert match["transportSocket"]["name"] == "envoy.transport_sockets.upstream_proxy_protocol"
