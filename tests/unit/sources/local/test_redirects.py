"""What annotations say of redirection, and which of them mean nothing."""

import pytest
from tests.unit.sources.local.world import World, namespace, ref

from weft.model import codes
from weft.model.local import RedirectOrder
from weft.sources.local.redirects import bad_annotations, redirect_order


def test_annotations_say_what_is_redirected() -> None:
    prefix = "traffic.sidecar.istio.io/"
    found = redirect_order(
        {
            f"{prefix}includeOutboundIPRanges": "10.0.0.0/8, 192.0.2.0/24",
            f"{prefix}excludeOutboundPorts": "25",
            f"{prefix}includeInboundPorts": "",
            f"{prefix}excludeInboundPorts": "22,15021",
        }
    )
    assert found.include_outbound_cidrs == ("10.0.0.0/8", "192.0.2.0/24")
    assert found.exclude_outbound_ports == ("25",)
    assert found.include_inbound_ports == ()
    assert found.exclude_inbound_ports == ("15090", "15021", "15020", "22")
    assert redirect_order({}) == RedirectOrder()


def test_annotations_say_by_which_interfaces_and_how() -> None:
    found = redirect_order(
        {
            "traffic.sidecar.istio.io/excludeInterfaces": "eth1,net1",
            "istio.io/reroute-virtual-interfaces": "k6t0",
            "sidecar.istio.io/interceptionMode": "TPROXY",
        }
    )
    assert (found.exclude_interfaces, found.virtual_interfaces) == (("eth1", "net1"), ("k6t0",))
    assert found.interception == "tproxy"
    assert redirect_order({"sidecar.istio.io/interceptionMode": "NONE"}).interception == "none"
    assert redirect_order({"traffic.sidecar.istio.io/kubevirtInterfaces": "k6t1"}).virtual_interfaces == ("k6t1",)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("traffic.sidecar.istio.io/includeInboundPorts", "80,http", "'http' is no port"),
        ("traffic.sidecar.istio.io/excludeInboundPorts", "0", "0 is not between 1 and 65535"),
        ("traffic.sidecar.istio.io/includeOutboundIPRanges", "*,10.0.0.0/8", "'*' stands for everything"),
        ("traffic.sidecar.istio.io/excludeOutboundIPRanges", "10.0.0/99", "'10.0.0/99' is no address range"),
        ("traffic.sidecar.istio.io/excludeInterfaces", "eth0 eth1", "'eth0 eth1' is no interface"),
        ("sidecar.istio.io/interceptionMode", "BOTH", "'BOTH' is no way of interception"),
    ],
)
def test_what_means_nothing_is_named(name: str, value: str, reason: str) -> None:
    [bad] = bad_annotations({name: value, "other": "thing"})
    assert bad.name == name
    assert reason in bad.reason


def test_what_means_something_is_fine() -> None:
    assert list(bad_annotations({"traffic.sidecar.istio.io/includeInboundPorts": "*"})) == []


DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {ANNOTATION}
    spec: {containers: [{name: app, command: [serve]}]}
"""


def test_a_deployment_with_a_bad_annotation_is_refused_as_istios_injection_does() -> None:
    world = World()
    world.write(DEPLOYMENT.replace("ANNOTATION", "traffic.sidecar.istio.io/includeInboundPorts: http"))
    [issue] = world.issues(ref("Deployment", "web"))
    assert (issue.code, issue.severity) == (codes.INVALID_ANNOTATION, "error")
    assert issue.path == 'spec.template.metadata.annotations["traffic.sidecar.istio.io/includeInboundPorts"]'


def test_without_interception_there_is_no_sidecar_and_that_is_said() -> None:
    world, injected = World(), namespace(labels="{istio-injection: enabled}")
    for mode, sidecar in (("REDIRECT", True), ("NONE", False)):
        text = DEPLOYMENT.replace("ANNOTATION", f"sidecar.istio.io/interceptionMode: {mode}")
        world.write(f"{injected}\n---\n{text.replace('web', mode.lower())}")
        [pod] = [pod for pod in world.orders().pods if pod.name.startswith(mode.lower())]
        assert (pod.proxy is not None) == sidecar
    [issue] = world.issues(ref("Deployment", "none"))
    assert (issue.code, issue.severity) == (codes.UNSUPPORTED, "warning")
    assert issue.effect == "the pod runs without a sidecar"
