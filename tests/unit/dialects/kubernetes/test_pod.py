"""Pods as workloads."""

from typing import Any

import pytest
from tests.unit.dialects.compiling import compiled, only, read

from weft.dialects.compiled import Compiled
from weft.ir.inventory import TrustDomain, Workload
from weft.ir.settings import MeshSettings

READY = "{phase: Running, podIP: 10.244.0.5, conditions: [{type: Ready, status: 'True'}]}"


def pod(spec: str = "", meta: str = "", status: str = READY, name: str = "web-1") -> Any:
    return read(
        f"""
        apiVersion: v1
        kind: Pod
        metadata: {{name: {name}, namespace: shop, {meta}}}
        spec: {{{spec}}}
        status: {status}
        """
    )


def workload(*args: str, settings: MeshSettings | None = None, **named: str) -> Workload:
    return only(compiled(pod(*args, **named), settings=settings), Workload)


def test_a_pod_is_a_workload() -> None:
    found = workload(
        "serviceAccountName: web, nodeName: node-1",
        "labels: {app: web, version: v1}",
        settings=MeshSettings(cluster="c1", network="n1", trust_domain=TrustDomain("corp")),
    )
    assert (found.uid, found.name, found.namespace) == ("c1//Pod/shop/web-1", "web-1", "shop")
    assert (found.addresses, found.node, found.cluster, found.network) == (("10.244.0.5",), "node-1", "c1", "n1")
    assert found.identity == "spiffe://corp/ns/shop/sa/web"
    assert found.labels == (("app", "web"), ("version", "v1"))
    assert (found.state, found.canonical, found.weight) == ("ready", ("web", "v1"), 1)


@pytest.mark.parametrize(
    ("spec", "account"),
    [("", "default"), ("serviceAccount: old", "old"), ("serviceAccount: old, serviceAccountName: new", "new")],
)
def test_the_account(spec: str, account: str) -> None:
    assert workload(spec).identity == f"spiffe://cluster.local/ns/shop/sa/{account}"


@pytest.mark.parametrize(
    ("meta", "mode"),
    [("", "none"), ("annotations: {sidecar.istio.io/status: '{}'}", "own_proxy"), ("labels: {app: a}", "none")],
)
def test_a_pod_has_its_own_proxy_once_one_was_injected(meta: str, mode: str) -> None:
    assert workload("", meta).mode == mode


@pytest.mark.parametrize(
    ("status", "state", "addresses"),
    [
        ("{}", "not_ready", ()),
        ("{phase: Pending}", "not_ready", ()),
        ("{phase: Running, podIP: 1.1.1.1}", "not_ready", ("1.1.1.1",)),
        (
            "{phase: Running, podIP: 1.1.1.1, conditions: [{type: Ready, status: 'False'}]}",
            "not_ready",
            ("1.1.1.1",),
        ),
        (
            "{phase: Running, podIP: 1.1.1.1, conditions: [{type: Initialized, status: 'True'}]}",
            "not_ready",
            ("1.1.1.1",),
        ),
        (READY, "ready", ("10.244.0.5",)),
        ("{podIP: 1.1.1.1, podIPs: [{ip: 1.1.1.1}, {ip: 'fd00::1'}]}", "not_ready", ("1.1.1.1", "fd00::1")),
    ],
)
def test_its_state_is_what_its_node_reports(status: str, state: str, addresses: tuple[str, ...]) -> None:
    found = workload(status=status)
    assert (found.state, found.addresses) == (state, addresses)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_is_no_workload(phase: str) -> None:
    assert compiled(pod(status=f"{{phase: {phase}, podIP: 1.1.1.1}}")) == Compiled()


@pytest.mark.parametrize(
    ("meta", "locality", "network"),
    [
        ("", ("", "", ""), ""),
        ("labels: {topology.istio.io/locality: eu.a.r1}", ("eu", "a", "r1"), ""),
        ("labels: {topology.istio.io/network: n2}", ("", "", ""), "n2"),
    ],
)
def test_where_it_is(meta: str, locality: tuple[str, str, str], network: str) -> None:
    found = workload("", meta)
    assert (found.locality, found.network) == (locality, network)


@pytest.mark.parametrize(
    ("name", "labels", "canonical"),
    [
        ("web-1", "{}", "web-1"),
        ("web-5d4f-x7k2p", "{pod-template-hash: 5d4f}", "web"),
        ("web-5d4f-x7k2p", "{}", "web-5d4f-x7k2p"),
        ("other", "{pod-template-hash: 5d4f}", "other"),
        ("web-5d4f-x7k2p", "{service.istio.io/workload-name: store}", "store"),
        ("web-5d4f-x7k2p", "{pod-template-hash: 5d4f, app: shop}", "shop"),
    ],
)
def test_its_canonical_name_falls_back_to_that_of_its_workload(name: str, labels: str, canonical: str) -> None:
    assert workload("", f"labels: {labels}", name=name).canonical == (canonical, "latest")


def test_ports_and_probes() -> None:
    found = workload(
        """
        containers: [
          {name: a,
           ports: [{containerPort: 8080, name: web}, {containerPort: 9, name: d, protocol: UDP},
                   {containerPort: 1}, {containerPort: 7, name: s, protocol: SCTP}],
           readinessProbe: {httpGet: {path: /ready, port: web}},
           livenessProbe: {httpGet: {port: 8081}},
           startupProbe: {tcpSocket: {port: 8080}}},
          {name: b, ports: [{containerPort: 1234, name: web}],
           readinessProbe: {grpc: {port: 50051}},
           livenessProbe: {exec: {command: ['true']}},
           startupProbe: {httpGet: {port: missing}}}]
        """
    )
    assert found.ports == (("d", 9, "udp"), ("web", 8080, "tcp"))
    assert found.probes == ((8080, ""), (8080, "/ready"), (8081, "/"), (50051, ""))


@pytest.mark.parametrize(
    ("spec", "host"),
    [
        ("hostname: Web-0, subdomain: web", "web-0.web.shop.svc.cluster.local"),
        ("hostname: web-0", ""),
        ("subdomain: web", ""),
    ],
)
def test_a_pod_has_a_name_by_hostname_and_subdomain(spec: str, host: str) -> None:
    assert workload(spec).host == host


SIDECAR = "sidecar.istio.io/status: '{}'"
CONFIG = "proxy.istio.io/config: 'proxyMetadata: {ISTIO_META_DNS_CAPTURE: \"%s\"}'"


@pytest.mark.parametrize(
    ("annotations", "mesh", "expected"),
    [
        (SIDECAR, False, False),
        (SIDECAR, True, True),
        ("a: b", True, False),
        (f"{SIDECAR}, {CONFIG % 'true'}", False, True),
        (f"{SIDECAR}, {CONFIG % 'false'}", True, False),
        (f"{SIDECAR}, {CONFIG % 'perhaps'}", True, True),
        (f"{SIDECAR}, proxy.istio.io/config: ']'", True, True),
        (f"{SIDECAR}, {CONFIG % 'true'}, weft.dev/dns-capture: 'false'", True, False),
    ],
    ids=["not said", "mesh", "no proxy", "pod", "pod before mesh", "no truth", "no yaml", "as it was started"],
)
def test_whether_the_proxy_answers_dns(annotations: str, mesh: bool, expected: bool) -> None:
    found = workload("", f"annotations: {{{annotations}}}", settings=MeshSettings(captures_dns=mesh))
    assert found.captures_dns == expected


def test_resolvers_are_those_of_the_pods_dns_configuration_that_are_addresses() -> None:
    found = workload("dnsConfig: {nameservers: [10.0.0.1, not-one, 'FD00::1']}")
    assert found.resolvers == ("10.0.0.1", "fd00::1")


INJECTED = "sidecar.istio.io/status: '{}'"
MODE = "sidecar.istio.io/interceptionMode"
PROXY = "weft.dev/proxy-address: 127.245.0.7"


@pytest.mark.parametrize(
    ("annotations", "interception", "proxy"),
    [
        (INJECTED, "redirect", ""),
        (f"{INJECTED}, {MODE}: REDIRECT", "redirect", ""),
        (f"{INJECTED}, {MODE}: TPROXY, {PROXY}", "tproxy", ""),
        (f"{INJECTED}, {MODE}: NONE", "none", ""),
        (f"{INJECTED}, {MODE}: NONE, {PROXY}", "none", "127.245.0.7"),
        (f"{INJECTED}, {MODE}: NONE, weft.dev/proxy-address: nowhere", "none", ""),
        (f"{INJECTED}, {MODE}: OTHER", "redirect", ""),
        (f"{MODE}: NONE", "redirect", ""),
    ],
)
def test_annotations_say_how_traffic_gets_to_the_proxy(annotations: str, interception: str, proxy: str) -> None:
    found = workload(meta=f"annotations: {{{annotations}}}")
    assert (found.interception, found.proxy_address) == (interception, proxy)
