"""Services of Kubernetes."""

from typing import Any

import pytest
from tests.unit.dialects.compiling import compiled, fragments, issue_at, only, read, refused, warned

from weft.dialects.compiled import Compiled
from weft.ir.inventory import Service, ServicePort, StatedEndpoints, StaticEndpoint
from weft.ir.settings import MeshSettings
from weft.ir.values import Selector


def written(spec: str, annotations: str = "{}", name: str = "web") -> Any:
    return read(
        f"""
        apiVersion: v1
        kind: Service
        metadata: {{name: {name}, namespace: shop, annotations: {annotations}}}
        spec: {{{spec}}}
        """
    )


def service(spec: str, *others: Any, annotations: str = "{}", settings: MeshSettings | None = None) -> Service:
    return only(compiled(written(spec, annotations), *others, settings=settings), Service)


def stated(result: Compiled) -> tuple[StaticEndpoint, ...]:
    return only(result, StatedEndpoints).endpoints


def test_a_service_with_an_address() -> None:
    found = service(
        "clusterIP: 10.96.0.7, selector: {app: web, tier: front}, ports: [{port: 80}]",
        settings=MeshSettings(network="n1"),
    )
    assert (found.host, found.namespace, found.resolution) == ("web.shop.svc.cluster.local", "shop", "endpoints")
    assert found.addresses == (("n1", "10.96.0.7"),)
    assert found.members == Selector(("shop",), labels=(("app", "in", ("web",)), ("tier", "in", ("front",))))
    assert (found.external, found.headless, found.registry, found.visible_to) == (False, False, "cluster", None)


def test_both_addresses_of_a_service_of_two_families() -> None:
    found = service("clusterIP: 10.96.0.7, clusterIPs: [10.96.0.7, 'fd00::7'], ports: [{port: 80}]")
    assert [address for _, address in found.addresses] == ["10.96.0.7", "fd00::7"]


@pytest.mark.parametrize(
    ("spec", "families"),
    [
        ("clusterIP: 10.96.0.7", ("IPv4",)),
        ("clusterIP: 'fd00::7', clusterIPs: ['fd00::7', 10.96.0.7]", ("IPv6", "IPv4")),
        ("clusterIP: None, ipFamilies: [IPv6]", ("IPv6",)),
        ("selector: {app: web}", ()),
    ],
)
def test_families_are_stated_or_those_of_the_addresses(spec: str, families: tuple[str, ...]) -> None:
    assert service(f"{spec}, ports: [{{port: 80}}]").families == families


def test_a_headless_service_has_no_address() -> None:
    found = service("clusterIP: None, clusterIPs: [None], selector: {app: db}, ports: [{port: 80}]")
    assert (found.addresses, found.headless) == ((), True)


def test_a_service_that_has_no_address_yet_is_not_headless() -> None:
    found = service("selector: {app: db}, ports: [{port: 80}]")
    assert (found.addresses, found.headless) == ((), False)


def test_an_external_name_is_resolved_by_dns() -> None:
    result = compiled(
        written("type: ExternalName, externalName: API.test., clusterIP: '', ports: [{port: 443, name: https}]")
    )
    found = only(result, Service)
    assert (found.resolution, found.external, found.members) == ("dns", True, None)
    assert stated(result) == (StaticEndpoint("api.test"),)


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("{port: 80}", ServicePort(80, "", "detect", 80)),
        ("{port: 80, name: http, targetPort: 8080}", ServicePort(80, "http", "http", 8080)),
        ("{port: 80, name: http, targetPort: web}", ServicePort(80, "http", "http", "web")),
        ("{port: 80, name: x, appProtocol: grpc}", ServicePort(80, "x", "grpc", 80)),
        ("{port: 53, name: dns, protocol: UDP}", ServicePort(53, "dns", "udp", 53)),
        ("{port: 3306}", ServicePort(3306, "", "tcp", 3306)),
    ],
)
def test_ports(port: str, expected: ServicePort) -> None:
    assert service(f"ports: [{port}]").ports == (expected,)


@pytest.mark.parametrize(
    ("annotations", "default", "expected"),
    [
        ("{}", None, None),
        ("{networking.istio.io/exportTo: '.'}", None, ("shop",)),
        ("{networking.istio.io/exportTo: 'a, b'}", None, ("a", "b")),
        ("{networking.istio.io/exportTo: '*'}", (".",), None),
        ("{networking.istio.io/exportTo: '~'}", None, ()),
        ("{}", (".",), ("shop",)),
    ],
)
def test_who_sees_it(annotations: str, default: tuple[str, ...] | None, expected: tuple[str, ...] | None) -> None:
    settings = MeshSettings(service_visible_to=default)
    assert service("ports: [{port: 80}]", annotations=annotations, settings=settings).visible_to == expected


def slice_of(service_name: str, endpoints: str, name: str = "web-1") -> Any:
    return read(
        f"""
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {{name: {name}, namespace: shop, labels: {{kubernetes.io/service-name: {service_name}}}}}
        addressType: IPv4
        ports: [{{name: http, port: 8080}}]
        endpoints: [{endpoints}]
        """
    )


def test_without_a_selector_the_ready_endpoints_of_its_slices_count() -> None:
    result = compiled(
        written("clusterIP: 10.96.0.7, ports: [{port: 80, name: http}]"),
        slice_of(
            "web",
            "{addresses: [1.1.1.1], conditions: {ready: true}, zone: a},"
            " {addresses: [1.1.1.2], conditions: {ready: false}}, {addresses: [1.1.1.3]}",
        ),
        slice_of("web", "{addresses: [1.1.1.4]}", name="web-2"),
        slice_of("other", "{addresses: [1.1.1.5]}", name="other-1"),
    )
    ports = (("http", 8080),)
    assert only(result, Service).members is None
    assert stated(result) == (
        StaticEndpoint("1.1.1.1", ports, locality=("", "a", "")),
        StaticEndpoint("1.1.1.3", ports),
        StaticEndpoint("1.1.1.4", ports),
    )


def test_endpoints_that_are_names_are_not_used_and_said_so() -> None:
    named = read(
        """
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
        addressType: FQDN
        endpoints: [{addresses: [a.test]}]
        """
    )
    result = compiled(written("ports: [{port: 80}]"), named)
    assert warned(result) == [("WEFT0101", "spec")]
    assert fragments(result, StatedEndpoints) == []


def test_with_a_selector_slices_are_there_besides() -> None:
    result = compiled(written("selector: {app: web}, ports: [{port: 80}]"), slice_of("web", "{addresses: [1.1.1.1]}"))
    assert only(result, Service).members is not None
    assert [each.address for each in stated(result)] == ["1.1.1.1"]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("externalIPs: [1.2.3.4]", "spec.externalIPs"),
    ],
)
def test_what_can_t_be_done_yet_is_said(spec: str, path: str) -> None:
    result = compiled(written(f"ports: [{{port: 80}}], {spec}"))
    assert warned(result) == [("WEFT0101", path)]
    assert issue_at(result, path).effect


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("", None),
        ("sessionAffinity: None, sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}", None),
        ("sessionAffinity: ClientIP", 10_800_000),
        ("sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}", 5_000),
    ],
)
def test_session_affinity_has_a_time(spec: str, expected: int | None) -> None:
    assert service(f"ports: [{{port: 80}}], {spec}").sticky == expected


@pytest.mark.parametrize("seconds", [0, -1, 86_401])
def test_a_time_that_the_api_does_not_allow_is_refused(seconds: int) -> None:
    config = f"{{clientIP: {{timeoutSeconds: {seconds}}}}}"
    result = compiled(written(f"ports: [{{port: 80}}], sessionAffinity: ClientIP, sessionAffinityConfig: {config}"))
    assert [path for path, _ in refused(result)] == ["spec.sessionAffinityConfig.clientIP.timeoutSeconds"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("trafficDistribution: PreferClose", "zone"),
        ("trafficDistribution: PreferSameZone", "zone"),
        ("trafficDistribution: PreferSameNode", "node"),
        ("internalTrafficPolicy: Local", "node"),
        ("internalTrafficPolicy: Cluster", "any"),
    ],
)
def test_endpoints_that_are_near_may_come_first(spec: str, expected: str) -> None:
    result = compiled(written(f"ports: [{{port: 80}}], {spec}"))
    assert (only(result, Service).near, warned(result)) == (expected, [])


def test_an_unknown_distribution_is_told() -> None:
    result = compiled(written("ports: [{port: 80}], trafficDistribution: PreferMoon"))
    assert warned(result) == [("IST0133", "spec.trafficDistribution")]


def test_endpoints_that_are_not_ready_are_published_on_demand() -> None:
    slices = slice_of("web", "{addresses: [1.1.1.1], hostname: one, conditions: {ready: false}}")
    assert fragments(compiled(written("ports: [{port: 80}]"), slices), StatedEndpoints) == []
    result = compiled(written("ports: [{port: 80}], publishNotReadyAddresses: true"), slices)
    assert only(result, Service).unready
    assert [(each.address, each.host) for each in stated(result)] == [("1.1.1.1", "one.web.shop.svc.cluster.local")]


def test_an_external_name_is_another_name_for_its_target() -> None:
    found = service("type: ExternalName, externalName: Echo.far.svc.cluster.local.")
    assert (found.alias_of, found.ports, found.addresses) == ("echo.far.svc.cluster.local", (), ())
    given = service("type: ExternalName, externalName: api.test, clusterIP: 10.96.0.9, ports: [{port: 80}]")
    assert given.addresses == (("", "10.96.0.9"),)


def test_a_port_of_sctp_is_left_out() -> None:
    result = compiled(written("ports: [{port: 80, name: a}, {port: 81, name: b, protocol: SCTP}]"))
    assert warned(result) == [("WEFT0101", "spec.ports[1].protocol")]
    assert [port.number for port in fragments(result, Service)[0].ports] == [80]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ("ports: [{port: 0}]", "spec.ports[0].port"),
        ("ports: [{port: 80, targetPort: 70000}]", "spec.ports[0].targetPort"),
        ("ports: [{port: 80, name: a}, {port: 80, name: b}]", "spec.ports[1].port"),
        ("ports: [{port: 80, name: a}, {port: 81}]", "spec.ports[1].name"),
        ("type: ExternalName", "spec.externalName"),
    ],
)
def test_a_service_that_kubernetes_would_refuse_is_refused(spec: str, path: str) -> None:
    assert [at for at, _ in refused(compiled(written(spec)))] == [path]


def test_one_number_may_serve_tcp_and_udp() -> None:
    found = service("ports: [{port: 53, name: a}, {port: 53, name: b, protocol: UDP}]")
    assert [port.protocol for port in found.ports] == ["tcp", "udp"]
