"""What is said where nothing is redirected to proxies."""

from typing import Any

import pytest
from tests.unit.mesh.world import World, service, source, workload

from weft.analyze.analyzer import Analysis
from weft.ir.access import Authentication, MutualMode
from weft.ir.edge import Listener
from weft.ir.inventory import ServicePort
from weft.ir.settings import MeshSettings
from weft.ir.values import Interception, Protocol, Target


def world(interception: Interception = "none", protocol: Protocol = "http", target: int = 8080) -> World:
    made = World()
    own: dict[str, Any] = {"interception": interception}
    if interception == "none":
        own |= {"addresses": ("127.244.0.7",), "proxy_address": "127.245.0.7"}
    made.put(workload("web-1", {"app": "web"}, **own), name="pod")
    made.put(service("web", ports=(ServicePort(80, protocol, protocol, target),)), name="service")
    return made


def codes(made: World) -> list[str]:
    return [
        issue.code for issue in Analysis(made.fragments, made.mesh).issues() if issue.code in ("WEFT0306", "WEFT0503")
    ]


@pytest.mark.parametrize(
    ("interception", "mutual", "namespace", "expected"),
    [
        ("none", "require", "default", ["WEFT0306"]),
        ("none", "accept", "default", []),
        ("none", "require", "other", []),
        ("redirect", "require", "default", []),
        ("tproxy", "require", "default", []),
    ],
)
def test_strict_mutual_tls_that_can_be_passed_by_is_told(
    interception: Interception, mutual: MutualMode, namespace: str, expected: list[str]
) -> None:
    made = world(interception)
    made.put(Authentication(source("strict"), Target("namespace", namespace), mutual=mutual))
    assert codes(made) == expected


@pytest.mark.parametrize(
    ("protocol", "target", "message"),
    [
        ("tcp", 8080, "port 80 does not serve HTTP"),
        ("udp", 8080, "port 80 serves UDP"),
        ("http", 15021, "on port 15021, which is one of Envoy's own"),
    ],
)
def test_ports_that_requests_do_not_lead_to_are_told(protocol: Protocol, target: int, message: str) -> None:
    made = world("none", protocol, target)
    (issue,) = (issue for issue in Analysis(made.fragments, made.mesh).issues() if issue.code == "WEFT0503")
    assert message in issue.message
    assert issue.severity == "info"
    assert codes(world("redirect", protocol, target)) == []


@pytest.mark.parametrize("protocol", ["http", "grpc", "detect"])
def test_ports_of_http_are_as_good_as_captured_ones(protocol: Protocol) -> None:
    assert codes(world("none", protocol)) == []


def test_ports_that_a_gateway_may_not_open_are_told_with_those_that_it_opens() -> None:
    made = World(MeshSettings(first_gateway_port=1024))
    gateway = Target("gateway", "default", "front")
    for port in (443, 8080):
        made.put(Listener(source("front"), gateway, f"port-{port}", port, "http", ("*/*",)), name=f"gateway-{port}")
    (issue,) = (issue for issue in Analysis(made.fragments, made.mesh).issues() if issue.code == "WEFT0504")
    assert (issue.ref and issue.ref.name, issue.effect) == ("gateway-443", "the gateway listens on port 8443 instead")
