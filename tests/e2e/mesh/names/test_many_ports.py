"""Services with many ports, ports by name, several services on one port, and one number for TCP and UDP."""

from collections.abc import Iterator

import pytest
from tests.e2e.mesh.harness.client import Call
from tests.e2e.mesh.harness.manifests import account, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(180)]

WEB = range(7000, 7040)
LINES = range(7100, 7130)
OFFSET = 1000
"""Port 7000 of the service is 8000 of the pods, and so on."""

MEMORY = 60_000_000
"""Bytes that an Envoy may have allocated with all of these ports; about twice what it has."""


@pytest.fixture(scope="module")
def crowded(named: RunningMesh) -> Iterator[RunningMesh]:
    """A pod that serves 70 ports, half of them by name, with services that share its ports."""
    made = server("shop", "many", http=[n + OFFSET for n in WEB], tcp=[n + OFFSET for n in LINES], UDP_PORTS="8053")
    container = made["spec"]["template"]["spec"]["containers"][0]
    container["ports"] = [{"name": f"web-{n}", "containerPort": n + OFFSET} for n in WEB]
    container["ports"] += [{"name": "dns", "containerPort": 8053, "protocol": "UDP"}]
    container["ports"] += [{"name": "dns", "containerPort": LINES[0] + OFFSET, "protocol": "TCP"}]
    web = [{"name": f"http-{n}", "port": n, "targetPort": f"web-{n}"} for n in WEB]
    lines = [{"name": f"tcp-{n}", "port": n, "targetPort": n + OFFSET} for n in LINES]
    both = [
        {"name": "udp-dns", "port": 53, "protocol": "UDP", "targetPort": "dns"},
        {"name": "tcp-dns", "port": 53, "targetPort": LINES[0] + OFFSET},
    ]
    services = [
        service("shop", "many", [*web, *lines, *both]),
        service("shop", "same", web[:1], app="many"),
        service("shop", "other-number", [{**web[0], "port": 80}], app="many"),
    ]
    with named.config([account("shop", "many"), *services, made], "95-many.yaml"):
        named.await_pods(1, "many")
        named.settle()
        yield named


def test_every_port_is_served(crowded: RunningMesh) -> None:
    web = [Call(url=f"http://many:{port}/") for port in WEB]
    lines = [Call(url=f"tcp://many:{port}", body="hello\n") for port in LINES]
    answers = [each for (each,) in crowded.client("client").call_all([*web, *lines])]
    assert [each.told["port"] for each in answers[: len(WEB)]] == [port + OFFSET for port in WEB]
    assert {each.body.split()[-1] for each in answers[len(WEB) :]} == {"hello"}


def test_several_services_lead_to_one_port(crowded: RunningMesh) -> None:
    calls = [Call(url=f"http://{place}/") for place in ("many:7000", "same:7000", "other-number:80")]
    answers = [each for (each,) in crowded.client("client").call_all(calls)]
    assert [(each.status, each.told["port"]) for each in answers] == [(200, 8000)] * 3


def test_tcp_and_udp_of_one_number_lead_to_their_own_ports(crowded: RunningMesh) -> None:
    assert crowded.client("client").call("tcp://many:53", body="hello\n").body.endswith("hello")
    assert crowded.client("client").call("udp://many:53", body="hello").body.endswith("hello")


def test_memory_stays_small(crowded: RunningMesh) -> None:
    for app in ("client", "many"):
        used = crowded.admin(crowded.api.pod("shop", app=app)).json("/memory")["allocated"]
        assert int(used) < MEMORY, f"{app}: {used}"
