"""Which network an endpoint is in, as MeshNetworks says."""

from textwrap import dedent

import pytest
from tests.unit.dialects.compiling import World, fragments, read

from weft.base.issues import Issue, Ref
from weft.dialects.istio.networking.mesh_networks import with_networks
from weft.dialects.kubernetes.pod import compile_pod
from weft.dialects.names import network_of
from weft.ir.inventory import Workload
from weft.ir.settings import MeshSettings
from weft.model.istio_mesh_networks import decode_mesh_networks

REF = Ref("ConfigMap", "istio-system", "istio")


def settings(text: str) -> tuple[MeshSettings, tuple[Issue, ...]]:
    """What the text of a `meshNetworks` key says, and all that is wrong with it."""
    decoded = decode_mesh_networks(dedent(text), REF)
    found, issues = with_networks(decoded.networks, REF, MeshSettings())
    return found, (*decoded.issues, *issues)


def said(text: str) -> list[tuple[str, str]]:
    return [(issue.severity, issue.path) for issue in settings(text)[1]]


RANGES = """
networks:
  west: {endpoints: [{fromCidr: 10.1.0.0/16}, {fromCidr: fd00:1::/64}]}
  lab: {endpoints: [{fromCidr: 10.1.9.0/24}]}
"""


@pytest.mark.parametrize(
    ("address", "network"),
    [("10.1.2.3", "west"), ("10.1.9.3", "lab"), ("fd00:1::7", "west"), ("10.2.0.1", ""), ("", ""), ("a.test", "")],
)
def test_the_narrowest_range_with_the_address_counts(address: str, network: str) -> None:
    found, issues = settings(RANGES)
    assert issues == ()
    assert network_of(address, found) == network


def test_the_network_of_the_registry_is_that_of_all_endpoints() -> None:
    found, issues = settings("networks: {west: {endpoints: [{fromRegistry: Kubernetes}]}, lab: {}}\n")
    assert issues == ()
    assert found.network == "west"
    assert network_of("10.1.2.3", found) == "west"


def test_a_pod_is_in_the_network_of_its_label_first_and_then_of_its_address() -> None:
    found, _ = settings(RANGES)
    pod = """
    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop, labels: LABELS}
    spec: {containers: [{name: app}]}
    status: {podIP: 10.1.2.3}
    """
    for labels, network in (("{}", "west"), ("{topology.istio.io/network: far}", "far")):
        compiled = compile_pod(read(pod.replace("LABELS", labels)), World(settings=found))
        assert [each.network for each in fragments(compiled, Workload)] == [network]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("networks: [west]", [("error", "data.meshNetworks.networks")]),
        ("a: b: c", [("error", "data.meshNetworks")]),
        ("network: {west: {}}", [("warning", "data.meshNetworks.network")]),
        ("networks: {west: {endpoint: []}}", [("error", "data.meshNetworks.networks.west.endpoint")]),
        ("networks: {west: {endpoints: [{}]}}", [("error", "data.meshNetworks.networks.west.endpoints[0]")]),
        (
            "networks: {west: {endpoints: [{fromCidr: 10.1.0.0/16, fromRegistry: Kubernetes}]}}",
            [("error", "data.meshNetworks.networks.west.endpoints[0]")],
        ),
        (
            "networks: {west: {endpoints: [{fromCidr: 10.1.0.0/99}]}}",
            [("error", "data.meshNetworks.networks.west.endpoints[0].fromCidr")],
        ),
        (
            "networks: {west: {endpoints: [{fromRegistry: other}]}}",
            [("warning", "data.meshNetworks.networks.west.endpoints[0].fromRegistry")],
        ),
        (
            "networks: {a: {endpoints: [{fromCidr: 10.1.0.0/16}]}, b: {endpoints: [{fromCidr: 10.1.0.0/16}]}}",
            [("error", "data.meshNetworks.networks.b.endpoints[0].fromCidr")],
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, found: list[tuple[str, str]]) -> None:
    assert said(text) == found


def test_a_network_that_is_wrong_leaves_the_others_in_force() -> None:
    found, issues = settings("networks: {a: 7, west: {endpoints: [{fromCidr: 10.1.0.0/16}]}}")
    assert len(issues) == 1
    assert network_of("10.1.2.3", found) == "west"


def test_gateways_of_networks_are_not_used_yet_and_told() -> None:
    text = "networks: {west: {endpoints: [{fromCidr: 10.1.0.0/16}], gateways: [{address: 1.2.3.4, port: 15443}]}}"
    assert said(text) == [("warning", "data.meshNetworks.networks.west.gateways")]
