"""Sidecar: what is in view, where else traffic may go, which ports are served."""

from typing import Any

import pytest
from tests.unit.dialects.compiling import compiled, fragments, istio, refused, warned

from weft.ir.access import InboundServer
from weft.ir.routing import EgressPolicy
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Selector, Target


def sidecar(spec: str, namespace: str = "shop") -> Any:
    return istio("Sidecar", f"{{{spec}}}", namespace=namespace)


def egress(spec: str, namespace: str = "shop") -> EgressPolicy:
    result = compiled(sidecar(spec, namespace))
    assert result.issues == ()
    (found,) = fragments(result, EgressPolicy)
    return found


def servers(spec: str) -> list[InboundServer]:
    result = compiled(sidecar(spec))
    assert result.issues == ()
    return fragments(result, InboundServer)


@pytest.mark.parametrize(
    ("spec", "namespace", "target"),
    [
        ("", "shop", Target("namespace", "shop")),
        ("", "istio-system", Target("mesh", "istio-system")),
        (
            "workloadSelector: {labels: {app: a}}",
            "shop",
            Target("workloads", "shop", select=Selector(("shop",), labels=(("app", "in", ("a",)),))),
        ),
        ("workloadSelector: {}", "shop", Target("namespace", "shop")),
    ],
)
def test_whom_it_concerns(spec: str, namespace: str, target: Target) -> None:
    assert egress(spec, namespace).target == target


@pytest.mark.parametrize(
    ("hosts", "services"),
    [
        ("./*", ("shop/*",)),
        ("'*/*'", ("*/*",)),
        ("~/*", ()),
        ("'*/API.test'", ("*/api.test",)),
        ("team/*.x.test", ("team/*.x.test",)),
        ("'*/*', ~team/*", ("*/*", "~team/*")),
        ("./*, istio-system/*, ./*", ("shop/*", "istio-system/*")),
    ],
)
def test_what_is_in_view(hosts: str, services: tuple[str, ...]) -> None:
    assert egress(f"egress: [{{hosts: [{hosts}]}}]").services == services


def test_without_egress_everything_is_in_view() -> None:
    assert egress("").services is None


def test_the_hosts_of_all_listeners_are_in_view() -> None:
    assert egress("egress: [{hosts: [a/*]}, {hosts: [b/*]}]").services == ("a/*", "b/*")


@pytest.mark.parametrize(
    ("policy", "action"),
    [
        ("", None),
        ("outboundTrafficPolicy: {mode: ALLOW_ANY}", "allow"),
        ("outboundTrafficPolicy: {mode: REGISTRY_ONLY}", "deny"),
        ("outboundTrafficPolicy: {}", "deny"),
    ],
)
def test_where_else_traffic_may_go(policy: str, action: str | None) -> None:
    assert egress(policy).action == action


def test_a_proxy_for_what_no_host_names_is_told_to_be_unsupported() -> None:
    spec = "outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: out, port: {number: 80}}}"
    assert warned(compiled(sidecar(spec))) == [("WEFT0101", "spec.outboundTrafficPolicy.egressProxy")]


def test_tls_of_an_ingress_listener_is_told_to_be_unsupported() -> None:
    spec = "ingress: [{port: {number: 80, name: a}, tls: {mode: SIMPLE, credentialName: c}}]"
    assert warned(compiled(sidecar(spec))) == [("WEFT0101", "spec.ingress[0].tls")]


def test_an_ingress_listener_becomes_a_server() -> None:
    (found,) = servers(
        "ingress: [{port: {number: 9080, protocol: HTTP, name: web}, defaultEndpoint: '127.0.0.1:8080',"
        " connectionPool: {http: {http2MaxRequests: 3}}}]"
    )
    assert (found.port, found.protocol, found.declared, found.forward_to) == (9080, "http", True, "127.0.0.1:8080")
    assert found.pool == TrafficSettings(requests=3)
    assert found.target == Target("namespace", "shop")
    assert found.rank == (7, "shop/subject")


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("", None),
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("0.0.0.0:80", "0.0.0.0:80"),
        ("'[::1]:80'", "[::1]:80"),
        ("'unix:///run/a.sock'", "unix:/run/a.sock"),
    ],
)
def test_where_the_application_listens(endpoint: str, expected: str | None) -> None:
    text = f", defaultEndpoint: {endpoint}" if endpoint else ""
    (found,) = servers(f"ingress: [{{port: {{number: 80, name: a}}{text}}}]")
    assert (found.forward_to, found.protocol) == (expected, "detect")


def test_the_pool_of_all_ports_is_a_listener_s_default() -> None:
    pool = "inboundConnectionPool: {tcp: {maxConnections: 2}}"
    (every,) = servers(pool)
    assert (every.port, every.declared, every.pool) == (None, False, TrafficSettings(connections=2))
    inherits, own = servers(
        f"{pool}, ingress: [{{port: {{number: 1, name: a}}}},"
        " {port: {number: 2, name: b}, connectionPool: {tcp: {maxConnections: 9}}}]"
    )
    assert (inherits.pool, own.pool) == (TrafficSettings(connections=2), TrafficSettings(connections=9))


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("egress: [{hosts: [./*], port: {number: 80, protocol: HTTP, name: a}}]", "spec.egress[0].port"),
        ("egress: [{hosts: [./*], bind: 127.0.0.1}]", "spec.egress[0].bind"),
        ("egress: [{hosts: [./*], captureMode: NONE}]", "spec.egress[0].captureMode"),
        ("ingress: [{port: {number: 80, name: a}, bind: 127.0.0.1}]", "spec.ingress[0].bind"),
        ("ingress: [{port: {number: 80, name: a}, captureMode: NONE}]", "spec.ingress[0].captureMode"),
    ],
)
def test_what_can_t_be_done_yet_is_said(spec: str, path: str) -> None:
    assert warned(compiled(sidecar(spec))) == [("WEFT0101", path)]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("egress: [{}]", "spec.egress[0].hosts"),
        ("egress: [{hosts: [reviews]}]", "spec.egress[0].hosts[0]"),
        ("egress: [{hosts: ['./a b']}]", "spec.egress[0].hosts[0]"),
        ("egress: [{hosts: ['A B/*']}]", "spec.egress[0].hosts[0]"),
        ("workloadSelector: {labels: {a: '*'}}", "spec.workloadSelector.labels.a"),
        ("ingress: [{}]", "spec.ingress[0].port"),
        ("ingress: [{port: {number: 80, protocol: X}}]", "spec.ingress[0].port.protocol"),
        ("ingress: [{port: {number: 80}, defaultEndpoint: '10.0.0.1:80'}]", "spec.ingress[0].defaultEndpoint"),
        ("ingress: [{port: {number: 80}, defaultEndpoint: '127.0.0.1:99999'}]", "spec.ingress[0].defaultEndpoint"),
    ],
)
def test_an_object_that_the_api_does_not_allow_is_refused(spec: str, path: str) -> None:
    assert [at for at, _ in refused(compiled(sidecar(spec)))] == [path]
