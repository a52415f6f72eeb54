"""ServiceEntry and WorkloadEntry: services and workloads that the platform does not know."""

from typing import Any

import pytest
from tests.unit.dialects.compiling import compiled, fragments, issue_at, istio, only, refused, warned

from weft.ir.inventory import Service, ServicePort, StatedEndpoints, StaticEndpoint, Workload
from weft.ir.settings import MeshSettings
from weft.ir.values import Selector

HTTPS = "ports: [{number: 443, name: https, protocol: HTTPS}]"
TCP = "ports: [{number: 5432, name: db, protocol: TCP}]"


def entry(spec: str) -> Any:
    return istio("ServiceEntry", f"{{{spec}}}")


def service(spec: str, **settings: Any) -> Service:
    return only(compiled(entry(spec), **settings), Service)


def stated(spec: str, **settings: Any) -> tuple[StaticEndpoint, ...]:
    return only(compiled(entry(spec), **settings), StatedEndpoints).endpoints


def endpoint(text: str, settings: MeshSettings | None = None) -> StaticEndpoint:
    (found,) = stated(f"hosts: [a.test], {TCP}, resolution: STATIC, endpoints: [{{{text}}}]", settings=settings)
    return found


# ---- services --------------------------------------------------------------------------------------------------------
def test_an_external_host_that_dns_resolves() -> None:
    found = service(f"hosts: [API.test], {HTTPS}, resolution: DNS")
    assert (found.host, found.namespace, found.resolution, found.registry) == ("api.test", "shop", "dns", "external")
    assert found.ports == (ServicePort(443, "https", "tls", 443),)
    assert found.external
    assert stated(f"hosts: [API.test], {HTTPS}, resolution: DNS") == (StaticEndpoint("api.test"),)
    assert (found.addresses, found.members, found.headless, found.peer_names) == ((), None, False, ())


@pytest.mark.parametrize(
    ("resolution", "host", "expected"),
    [
        ("NONE", "a.test", "passthrough"),
        ("NONE", "'*.a.test'", "passthrough"),
        ("STATIC", "a.test", "endpoints"),
        ("DNS", "a.test", "dns"),
        ("DNS_ROUND_ROBIN", "a.test", "dns_one"),
        ("DYNAMIC_DNS", "'*.a.test'", "dynamic"),
    ],
)
def test_resolutions(resolution: str, host: str, expected: str) -> None:
    assert service(f"hosts: [{host}], {HTTPS}, resolution: {resolution}").resolution == expected


def test_the_default_is_external_and_not_resolved() -> None:
    found = service(f"hosts: [a.test], {HTTPS}")
    assert (found.external, found.resolution) == (True, "passthrough")
    assert not service(f"hosts: [a.test], {HTTPS}, location: MESH_INTERNAL").external


def test_one_service_per_host() -> None:
    result = compiled(entry(f"hosts: [a.test, b.test, A.test], {HTTPS}, resolution: DNS"))
    assert [each.host for each in fragments(result, Service)] == ["a.test", "b.test"]


def test_addresses_networks_and_names_of_the_servers() -> None:
    found = service(
        f"hosts: [a.test], {TCP}, resolution: STATIC, addresses: [10.1.2.3, 10.2.0.9/24],"
        " subjectAltNames: [b, a], endpoints: [{address: 1.2.3.4}]",
        settings=MeshSettings(network="net1"),
    )
    assert found.addresses == (("net1", "10.1.2.3"), ("net1", "10.2.0.0/24"))
    assert found.peer_names == ("a", "b")


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("{number: 80, name: a, protocol: HTTP}", ServicePort(80, "a", "http", 80)),
        ("{number: 80, name: a, protocol: grpc}", ServicePort(80, "a", "grpc", 80)),
        ("{number: 443, name: a, protocol: TLS, targetPort: 8443}", ServicePort(443, "a", "tls", 8443)),
        ("{number: 80, name: http-web}", ServicePort(80, "http-web", "http", 80)),
        ("{number: 80, name: web}", ServicePort(80, "web", "detect", 80)),
        ("{number: 3306, name: db}", ServicePort(3306, "db", "tcp", 3306)),
    ],
)
def test_ports(port: str, expected: ServicePort) -> None:
    assert service(f"hosts: [a.test], ports: [{port}]").ports == (expected,)


def test_an_unknown_protocol_is_detected_and_pointed_out() -> None:
    result = compiled(entry("hosts: [a.test], ports: [{number: 80, name: a, protocol: THRIFT}]"))
    assert warned(result) == [("IST0133", "spec.ports[0].protocol")]
    assert fragments(result, Service)[0].ports[0].protocol == "detect"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("address: 1.2.3.4", StaticEndpoint("1.2.3.4")),
        ("address: 1.2.3.4, ports: {db: 15432}", StaticEndpoint("1.2.3.4", (("db", 15432),))),
        ("address: 1.2.3.4, weight: 5", StaticEndpoint("1.2.3.4", weight=5)),
        ("address: 1.2.3.4, labels: {b: '2', a: '1'}", StaticEndpoint("1.2.3.4", labels=(("a", "1"), ("b", "2")))),
        ("address: 1.2.3.4, network: n2", StaticEndpoint("1.2.3.4", network="n2")),
        ("address: 1.2.3.4, locality: eu/a/r1", StaticEndpoint("1.2.3.4", locality=("eu", "a", "r1"))),
        ("address: 1.2.3.4, locality: eu", StaticEndpoint("1.2.3.4", locality=("eu", "", ""))),
        (
            "address: 1.2.3.4, serviceAccount: db",
            StaticEndpoint("1.2.3.4", identity="spiffe://cluster.local/ns/shop/sa/db"),
        ),
        ("address: 'unix:///run/db.sock'", StaticEndpoint("unix:/run/db.sock")),
    ],
)
def test_endpoints(text: str, expected: StaticEndpoint) -> None:
    assert endpoint(text) == expected


def test_endpoints_are_in_the_mesh_s_network_unless_they_say_otherwise() -> None:
    assert endpoint("address: 1.2.3.4", MeshSettings(network="n1")).network == "n1"


def test_endpoints_that_dns_resolves_have_names_of_their_own() -> None:
    found = stated(f"hosts: ['*.a.test'], {HTTPS}, resolution: DNS, endpoints: [{{address: B.test}}]")
    assert found == (StaticEndpoint("b.test"),)


def test_a_selector_takes_workloads_of_the_own_namespace() -> None:
    found = service(f"hosts: [a.test], {TCP}, resolution: STATIC, workloadSelector: {{labels: {{app: db}}}}")
    assert found.members == Selector(namespaces=("shop",), labels=(("app", "in", ("db",)),))
    resolved = entry(f"hosts: [a.test], {TCP}, resolution: DNS, workloadSelector: {{labels: {{app: db}}}}")
    assert fragments(compiled(resolved), StatedEndpoints) == []


def test_a_pattern_may_stand_for_selected_workloads() -> None:
    found = service(f"hosts: ['*.a.test'], {TCP}, resolution: STATIC, workloadSelector: {{labels: {{app: db}}}}")
    assert found.members is not None


def test_who_sees_it() -> None:
    assert service(f"hosts: [a.test], {TCP}, exportTo: [., b]").visible_to == ("b", "shop")
    assert service(f"hosts: [a.test], {TCP}").visible_to is None
    default = MeshSettings(service_visible_to=(".",))
    assert service(f"hosts: [a.test], {TCP}", settings=default).visible_to == ("shop",)
    assert service(f"hosts: [a.test], {TCP}, exportTo: ['*']", settings=default).visible_to is None


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        (HTTPS, "spec.hosts"),
        (f"hosts: ['*'], {HTTPS}", "spec.hosts[0]"),
        (f"hosts: ['a b'], {HTTPS}", "spec.hosts[0]"),
        (f"hosts: ['*.a.test'], {HTTPS}, resolution: DNS", "spec.hosts[0]"),
        (f"hosts: [a.test], {HTTPS}, resolution: DYNAMIC_DNS", "spec.hosts[0]"),
        (f"hosts: [a.test, b.test], {TCP}, resolution: DNS", "spec.hosts"),
        (f"hosts: [a.test], {HTTPS}, addresses: [nowhere]", "spec.addresses[0]"),
        (f"hosts: [a.test], {HTTPS}, addresses: ['fe80::1%eth0']", "spec.addresses[0]"),
        (f"hosts: [a.test], {HTTPS}, resolution: DNS, addresses: [10.0.0.0/8]", "spec.addresses[0]"),
        (f"hosts: [a.test], {HTTPS}, exportTo: [A]", "spec.exportTo[0]"),
        ("hosts: [a.test], ports: [{number: 0, name: a}]", "spec.ports[0].number"),
        ("hosts: [a.test], ports: [{number: 80}]", "spec.ports[0].name"),
        ("hosts: [a.test], ports: [{number: 80, name: a, targetPort: 70000}]", "spec.ports[0].targetPort"),
        ("hosts: [a.test], ports: [{number: 80, name: a}, {number: 80, name: b}]", "spec.ports[1].number"),
        ("hosts: [a.test], ports: [{number: 80, name: a}, {number: 81, name: a}]", "spec.ports[1].name"),
        (f"hosts: [a.test], {TCP}, endpoints: [{{address: 1.2.3.4}}]", "spec.endpoints"),
        (
            (
                f"hosts: [a.test], {TCP}, resolution: STATIC, endpoints: [{{address: 1.2.3.4}}],"
                " workloadSelector: {labels: {app: a}}"
            ),
            "spec.endpoints",
        ),
        (
            f"hosts: [a.test], {TCP}, resolution: DNS_ROUND_ROBIN, endpoints: [{{address: a.x}}, {{address: b.x}}]",
            "spec.endpoints",
        ),
        (
            f"hosts: [a.test], {TCP}, resolution: STATIC, endpoints: [{{address: b.test}}]",
            "spec.endpoints[0].address",
        ),
        (f"hosts: [a.test], {TCP}, resolution: STATIC, endpoints: [{{}}]", "spec.endpoints[0].address"),
        (
            f"hosts: [a.test], {TCP}, resolution: STATIC, endpoints: [{{address: 'unix://x'}}]",
            "spec.endpoints[0].address",
        ),
        (
            f"hosts: [a.test], {TCP}, resolution: STATIC, endpoints: [{{address: 1.2.3.4, ports: {{x: 1}}}}]",
            "spec.endpoints[0].ports.x",
        ),
        (
            f"hosts: [a.test], {TCP}, resolution: STATIC, endpoints: [{{address: 1.2.3.4, ports: {{db: 0}}}}]",
            "spec.endpoints[0].ports.db",
        ),
        (
            f"hosts: [a.test], {TCP}, resolution: STATIC, endpoints: [{{address: 1.2.3.4, weight: -1}}]",
            "spec.endpoints[0].weight",
        ),
        (f"hosts: [a.test], {TCP}, resolution: STATIC, workloadSelector: {{}}", "spec.workloadSelector.labels"),
    ],
)
def test_an_entry_that_the_api_does_not_allow_is_refused(spec: str, path: str) -> None:
    assert [at for at, _ in refused(compiled(entry(spec)))] == [path]


# ---- workloads -------------------------------------------------------------------------------------------------------
def workload(spec: str, **settings: Any) -> Workload:
    return only(compiled(istio("WorkloadEntry", f"{{{spec}}}", name="vm-1"), **settings), Workload)


def test_a_machine_is_a_workload() -> None:
    found = workload(
        "address: 1.2.3.4, ports: {http: 8080}, labels: {app: legacy, version: v3}, locality: eu/a, weight: 3"
    )
    assert (found.uid, found.name, found.namespace) == (
        "Kubernetes/networking.istio.io/WorkloadEntry/shop/vm-1",
        "vm-1",
        "shop",
    )
    assert (found.addresses, found.port_map, found.ports) == (("1.2.3.4",), (("http", 8080),), ())
    assert (found.labels, found.weight) == ((("app", "legacy"), ("version", "v3")), 3)
    assert (found.locality, found.state, found.canonical) == (("eu", "a", ""), "ready", ("legacy", "v3"))


@pytest.mark.parametrize(
    ("spec", "mode", "identity"),
    [
        ("address: 1.2.3.4", "none", None),
        ("address: 1.2.3.4, serviceAccount: vm", "own_proxy", "spiffe://corp/ns/shop/sa/vm"),
        (
            "address: 1.2.3.4, serviceAccount: vm, labels: {security.istio.io/tlsMode: disabled}",
            "none",
            "spiffe://corp/ns/shop/sa/vm",
        ),
        ("address: 1.2.3.4, labels: {security.istio.io/tlsMode: istio}", "own_proxy", None),
    ],
)
def test_a_machine_speaks_mesh_tls_by_label_or_account(spec: str, mode: str, identity: str | None) -> None:
    settings = MeshSettings()
    domain = type(settings.trust_domain)("corp")
    found = workload(spec, settings=MeshSettings(trust_domain=domain))
    assert (found.mode, found.identity) == (mode, identity)


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("weight: 1", "spec.address"),
        ("address: 'a b'", "spec.address"),
        ("address: 'unix:///a', ports: {a: 1}", "spec.ports"),
        ("address: 1.2.3.4, labels: {a: '*'}", "spec.labels.a"),
    ],
)
def test_a_machine_that_the_api_does_not_allow_is_refused(spec: str, path: str) -> None:
    result = compiled(istio("WorkloadEntry", f"{{{spec}}}"))
    assert [at for at, _ in refused(result)] == [path]
    assert issue_at(result, path).severity == "error"


def test_a_machine_behind_another_network_s_gateway_needs_no_address() -> None:
    assert workload("network: n2").addresses == ()
