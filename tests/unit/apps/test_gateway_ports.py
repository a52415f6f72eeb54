"""Ports of gateways that somebody else has are told: who it is, once it is sure."""

from collections.abc import Collection, Iterable

import pytest
from tests.unit.apps.controller import NAMESPACE, Controller, reported

from weft.apps.gateway_ports import GatewayPorts
from weft.base.issues import Issue
from weft.model import codes
from weft.node.port_holders import Bind, Holder

GATEWAY = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: shop}
spec:
  selector: {matchLabels: {istio: edge}}
  template:
    metadata: {labels: {istio: edge}, annotations: {inject.istio.io/templates: gateway}}
    spec: {containers: [{name: istio-proxy, image: auto}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: edge}
  servers: [{port: {number: 8088, name: http, protocol: HTTP}, hosts: [shop.example]}]
"""
STRANGER = Holder(Bind("127.0.0.1", 15021), 77, "nginx")


class Machine:
    """Who listens where, as the test says it."""

    def __init__(self) -> None:
        self.holders: list[Holder] = []
        self.asked: set[Bind] = set()
        self.own: set[int] = set()

    def __call__(self, wanted: Collection[Bind], own: Iterable[int]) -> list[Holder]:
        self.asked, self.own = set(wanted), set(own)
        return [each for each in self.holders if any(each.bind.meets(bind) for bind in wanted)]


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def ports(controller: Controller, machine: Machine) -> GatewayPorts:
    controller.write("a.yaml", f"{NAMESPACE}---{GATEWAY}")
    (record,) = controller.live()
    controller.state.report([reported(record, containers=())])
    return GatewayPorts(controller.pipeline, controller.cluster, "netns", machine)


async def found(ports: GatewayPorts) -> list[Issue]:
    await ports.look()
    return list(ports.issues())


async def test_envoys_own_ports_and_those_of_servers_are_looked_at(ports: GatewayPorts, machine: Machine) -> None:
    assert await found(ports) == []
    assert {bind.port for bind in machine.asked} == {8088, 15000, 15021, 15090}
    assert machine.own == {8}, "the gateway's own Envoy"


async def test_who_is_met_twice_is_an_issue_of_the_gateway_and_an_event(
    ports: GatewayPorts, machine: Machine, controller: Controller
) -> None:
    machine.holders = [STRANGER]
    assert await found(ports) == [], "it may be an Envoy of ours that was just started"
    (issue,) = await found(ports)
    (record,) = controller.live()
    assert (issue.code, issue.ref) == (codes.PORT_TAKEN, record.ref)
    assert issue.message.startswith("process 77 (nginx) listens on 127.0.0.1:15021")
    await ports.look()
    events = [each for each in controller.state.events(None) if each.reason == "PortTaken"]
    assert [each.count for each in events] == [1]


async def test_an_issue_ends_with_its_cause(ports: GatewayPorts, machine: Machine) -> None:
    machine.holders = [STRANGER]
    await ports.look()
    assert await found(ports)
    machine.holders = []
    assert await found(ports) == []


async def test_other_ports_are_nobodys_concern(ports: GatewayPorts, machine: Machine) -> None:
    machine.holders = [Holder(Bind("0.0.0.0", 9999), 77, "nginx")]
    await ports.look()
    assert await found(ports) == []
