"""Gateway: listeners with their hosts, protocols and certificates."""

from typing import Any

import pytest
from tests.unit.dialects.compiling import compiled, fragments, issue_at, istio, refused, warned

from weft.ir.edge import Gateway, Listener
from weft.ir.values import Selector, Target, Tls

SPKI = "A" * 43 + "="
HASH = "ab" * 32
HTTP = "port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']"


def gateway(*servers: str, selector: str = "{istio: ingressgateway}") -> Any:
    written = ", ".join(f"{{{server}}}" for server in servers)
    return istio("Gateway", f"{{selector: {selector}, servers: [{written}]}}", name="front")


def listener(server: str) -> Listener:
    result = compiled(gateway(server))
    assert result.issues == ()
    (found,) = fragments(result, Listener)
    return found


def tls(text: str, protocol: str = "HTTPS") -> Tls:
    found = listener(f"port: {{number: 443, name: a, protocol: {protocol}}}, hosts: ['*'], tls: {{{text}}}").tls
    assert found is not None
    return found


def test_tls_between_networks_is_recognised_and_said_to_lead_nowhere_yet() -> None:
    result = compiled(gateway("port: {number: 1, name: a, protocol: TLS}, hosts: ['*'], tls: {mode: AUTO_PASSTHROUGH}"))
    (found,) = fragments(result, Listener)
    assert (found.protocol, found.tls) == ("tls", Tls("passthrough_mesh"))
    assert warned(result) == [("WEFT0101", "spec.servers[0].tls.mode")]


def test_the_proxies_that_a_gateway_selects() -> None:
    (found,) = fragments(compiled(gateway(HTTP)), Gateway)
    assert (found.role, found.workloads) == ("edge", Selector(labels=(("istio", "in", ("ingressgateway",)),)))
    (everyone,) = fragments(compiled(gateway(HTTP, selector="{}")), Gateway)
    assert everyone.workloads == Selector()


def test_a_server_becomes_a_listener() -> None:
    found = listener(HTTP + ", bind: 127.0.0.1")
    assert found.gateway == Target("gateway", "shop", "front")
    assert (found.name, found.port, found.protocol, found.bind) == ("http", 80, "http", "127.0.0.1")
    assert (found.hosts, found.tls, found.https_redirect) == (("*/*",), None, False)
    assert found.source.path == "spec.servers[0]"


@pytest.mark.parametrize(
    ("host", "pattern"),
    [
        ("*", "*/*"),
        ("A.test", "*/a.test"),
        ("*.a.test", "*/*.a.test"),
        ("./a.test", "shop/a.test"),
        ("*/a.test", "*/a.test"),
        ("team/*", "team/*"),
    ],
)
def test_hosts_name_the_namespace_whose_routes_may_bind(host: str, pattern: str) -> None:
    assert listener(f"port: {{number: 80, name: a, protocol: HTTP}}, hosts: ['{host}']").hosts == (pattern,)


@pytest.mark.parametrize(
    ("protocol", "settings", "seen"),
    [
        ("HTTP", "", "http"),
        ("http", "", "http"),
        ("HTTP2", "", "http2"),
        ("GRPC", "", "grpc"),
        ("GRPC-WEB", "", "grpc_web"),
        ("TCP", "", "tcp"),
        ("MONGO", "", "mongo"),
        ("HTTPS", "mode: SIMPLE, credentialName: c", "http"),
        ("HTTPS", "mode: PASSTHROUGH", "tls"),
        ("TLS", "mode: SIMPLE, credentialName: c", "tcp"),
        ("TLS", "mode: PASSTHROUGH", "tls"),
        ("TLS", "mode: ISTIO_MUTUAL", "tcp"),
    ],
)
def test_routes_see_what_is_left_once_tls_is_opened(protocol: str, settings: str, seen: str) -> None:
    tls_text = f", tls: {{{settings}}}" if settings else ""
    server = f"port: {{number: 1, name: a, protocol: {protocol}}}, hosts: ['*']{tls_text}"
    assert listener(server).protocol == seen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mode: PASSTHROUGH", Tls("passthrough")),
        ("mode: ISTIO_MUTUAL", Tls("mesh")),
        ("mode: SIMPLE, credentialName: c", Tls("one_way", ("secret:/c",))),
        ("mode: SIMPLE, credentialNames: [rsa, ec]", Tls("one_way", ("secret:/rsa", "secret:/ec"))),
        ("mode: SIMPLE, serverCertificate: /c, privateKey: /k", Tls("one_way", ("file:/c~/k",))),
        (
            (
                "mode: SIMPLE, tlsCertificates: [{serverCertificate: /c, privateKey: /k},"
                " {serverCertificate: /d, privateKey: /l}]"
            ),
            Tls("one_way", ("file:/c~/k", "file:/d~/l")),
        ),
        ("mode: MUTUAL, credentialName: c", Tls("mutual", ("secret:/c",), "secret:/c-cacert")),
        (
            "mode: MUTUAL, credentialName: c, caCertCredentialName: roots",
            Tls("mutual", ("secret:/c",), "secret:/roots#ca.crt"),
        ),
        (
            "mode: OPTIONAL_MUTUAL, serverCertificate: /c, privateKey: /k, caCertificates: /ca",
            Tls("optional_mutual", ("file:/c~/k",), "file:/ca"),
        ),
        (
            "mode: SIMPLE, credentialName: c, minProtocolVersion: TLSV1_3",
            Tls("one_way", ("secret:/c",), versions=("1.3", "1.3")),
        ),
        (
            "mode: SIMPLE, credentialName: c, maxProtocolVersion: TLSV1_1",
            Tls("one_way", ("secret:/c",), versions=("1.1", "1.1")),
        ),
        (
            "mode: SIMPLE, credentialName: c, cipherSuites: [AES128-SHA, AES128-SHA], ecdhCurves: [X25519]",
            Tls("one_way", ("secret:/c",), ciphers=("AES128-SHA",), curves=("X25519",)),
        ),
        (
            (
                "mode: MUTUAL, credentialName: c, subjectAltNames: [a], verifyCertificateSpki: [" + SPKI + "],"
                " verifyCertificateHash: [" + HASH + "], caCrl: /crl"
            ),
            Tls(
                "mutual",
                ("secret:/c",),
                "secret:/c-cacert",
                "file:/crl",
                pins=(SPKI, HASH),
                peer_names=(("exact", "a"),),
            ),
        ),
    ],
)
def test_tls_of_a_server(text: str, expected: Tls) -> None:
    assert tls(text) == expected


def test_a_redirect_to_https_is_about_plain_http() -> None:
    found = listener(f"{HTTP}, tls: {{httpsRedirect: true}}")
    assert (found.https_redirect, found.tls, found.protocol) == (True, None, "http")


HTTPS = "port: {number: 443, name: a, protocol: HTTPS}, hosts: ['*'], tls: "


@pytest.mark.parametrize(
    ("server", "finding"),
    [
        (HTTPS + "{mode: PASSTHROUGH, credentialName: c}", ("IST0133", "tls")),
        (HTTPS + "{mode: SIMPLE, credentialName: c, cipherSuites: [X]}", ("IST0133", "tls.cipherSuites[0]")),
        (HTTPS + "{mode: SIMPLE, credentialName: c, ecdhCurves: [X]}", ("IST0133", "tls.ecdhCurves[0]")),
        (f"{HTTP}, defaultEndpoint: 127.0.0.1:80", ("WEFT0101", "defaultEndpoint")),
        (
            "port: {number: 80, name: a, protocol: HTTP, targetPort: 8080}, hosts: ['*']",
            ("IST0002", "port.targetPort"),
        ),
        (f"{HTTP}, tls: {{mode: SIMPLE, credentialName: c}}", ("IST0133", "tls")),
    ],
)
def test_what_has_no_effect_is_said(server: str, finding: tuple[str, str]) -> None:
    result = compiled(gateway(server))
    assert warned(result) == [(finding[0], f"spec.servers[0].{finding[1]}")]
    assert issue_at(result, f"spec.servers[0].{finding[1]}").effect


@pytest.mark.parametrize(
    ("server", "path"),
    [
        ("hosts: ['*']", "port"),
        ("port: {number: 443, name: a, protocol: TLS}, hosts: ['*-a.test'], tls: {mode: PASSTHROUGH}", "hosts[0]"),
        (HTTPS + "{mode: SIMPLE, credentialName: c, verifyCertificateSpki: [x]}", "tls.verifyCertificateSpki[0]"),
        (HTTPS + "{mode: SIMPLE, credentialName: c, verifyCertificateHash: [x]}", "tls.verifyCertificateHash[0]"),
        ("port: {number: 0, name: a, protocol: HTTP}, hosts: ['*']", "port.number"),
        ("port: {number: 80, protocol: HTTP}, hosts: ['*']", "port.name"),
        ("port: {number: 80, name: a, protocol: SPDY}, hosts: ['*']", "port.protocol"),
        ("port: {number: 80, name: a, protocol: HTTP}", "hosts"),
        ("port: {number: 80, name: a, protocol: HTTP}, hosts: [front]", "hosts[0]"),
        ("port: {number: 80, name: a, protocol: HTTP}, hosts: ['a b']", "hosts[0]"),
        ("port: {number: 80, name: a, protocol: HTTP}, hosts: ['A B/a.test']", "hosts[0]"),
        (f"{HTTP}, bind: nowhere", "bind"),
        ("port: {number: 443, name: a, protocol: HTTPS}, hosts: ['*']", "tls"),
        ("port: {number: 443, name: a, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE}", "tls"),
        (
            "port: {number: 443, name: a, protocol: HTTPS}, hosts: ['*'], tls: {mode: SIMPLE, serverCertificate: /c}",
            "tls",
        ),
        (
            (
                "port: {number: 443, name: a, protocol: HTTPS}, hosts: ['*'],"
                " tls: {mode: MUTUAL, serverCertificate: /c, privateKey: /k}"
            ),
            "tls",
        ),
        (
            (
                "port: {number: 443, name: a, protocol: HTTPS}, hosts: ['*'],"
                " tls: {mode: SIMPLE, credentialName: c, serverCertificate: /c, privateKey: /k}"
            ),
            "tls",
        ),
        (
            (
                "port: {number: 443, name: a, protocol: HTTPS}, hosts: ['*'],"
                " tls: {mode: SIMPLE, credentialName: c, minProtocolVersion: TLSV1_3, maxProtocolVersion: TLSV1_2}"
            ),
            "tls.minProtocolVersion",
        ),
        (
            (
                "port: {number: 443, name: a, protocol: HTTPS}, hosts: ['*'],"
                " tls: {mode: SIMPLE, credentialNames: [a, b, c]}"
            ),
            "tls.credentialNames",
        ),
    ],
)
def test_a_server_that_the_api_does_not_allow_is_refused(server: str, path: str) -> None:
    assert [at for at, _ in refused(compiled(gateway(server)))] == [f"spec.servers[0].{path}"]


def test_names_of_ports_are_unique_in_a_gateway() -> None:
    errors = refused(compiled(gateway(HTTP, HTTP.replace("80", "81"))))
    assert [at for at, _ in errors] == ["spec.servers[1].port.name"]


def test_a_gateway_has_servers() -> None:
    assert [at for at, _ in refused(compiled(gateway()))] == ["spec.servers"]
