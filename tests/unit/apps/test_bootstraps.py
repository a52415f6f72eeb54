"""What Envoys start with: who they are, and where and how they find the control plane."""

import json

from weft.apps.bootstraps import ProxyBootstraps
from weft.dialects.kubernetes.injection import Template
from weft.ir.settings import MeshSettings
from weft.model.kubernetes import PodSpec
from weft.model.local import ADMIN_SOCKET, ROOT_SECRET_FILE, TOKEN_SECRET_FILE
from weft.model.objects import Metadata, Object
from weft.model.proxy_node import parse_node_id

POD = Object(
    "Pod",
    Metadata(name="web-1", namespace="shop", labels={"app": "web"}),
    PodSpec(service_account_name="seller"),
)


def text(template: Template = "sidecar", *addresses: str) -> str:
    return ProxyBootstraps(MeshSettings(), "10.244.0.1", 15012).bootstrap(POD, addresses or ("10.244.0.5",), template)


def places(text: str) -> dict[str, list[str]]:
    """The addresses of an Envoy's own listeners."""
    found = {}
    for listener in json.loads(text)["staticResources"]["listeners"]:
        more = (each["address"] for each in listener.get("additionalAddresses", ()))
        found[listener["name"]] = [each["socketAddress"]["address"] for each in (listener["address"], *more)]
    return found


def test_a_proxy_names_itself_as_its_pod() -> None:
    found = json.loads(text())
    node = parse_node_id(found["node"]["id"])
    assert (node.role, node.address, node.pod, node.namespace) == ("sidecar", "10.244.0.5", "web-1", "shop")
    assert parse_node_id(json.loads(text("gateway"))["node"]["id"]).role == "router"


def test_it_listens_in_each_family_of_its_pod() -> None:
    dual = ("fd00::5", "10.244.0.5")
    everywhere, loopback = ["::", "0.0.0.0"], ["::1", "127.0.0.1"]
    assert places(text("sidecar", *dual)) == {"admin": loopback, "readiness": everywhere, "metrics": everywhere}
    machine = ["127.0.0.1"]
    assert places(text("gateway", *dual)) == {"admin": machine, "readiness": machine, "metrics": machine}
    assert places(text())["readiness"] == ["0.0.0.0"]


def test_it_finds_the_control_plane_and_proves_itself_by_files() -> None:
    found = text()
    assert '"10.244.0.1"' in found
    assert "15012" in found
    for name in (ADMIN_SOCKET, ROOT_SECRET_FILE, TOKEN_SECRET_FILE):
        assert name in found
    assert "istiod.istio-system.svc" in found


def test_the_same_pod_always_gets_the_same_text() -> None:
    assert text() == text()


def test_without_a_redirect_it_listens_at_its_own_address_and_calls_from_the_pods() -> None:
    made = ProxyBootstraps(MeshSettings(), "127.244.0.1", 15012)
    found = json.loads(made.bootstrap(POD, ("127.244.0.10",), "sidecar", proxy_address="127.245.0.10"))
    listeners = found["staticResources"]["listeners"]
    assert {each["address"]["socketAddress"]["address"] for each in listeners} == {"127.245.0.10"}
    source = found["clusterManager"]["upstreamBindConfig"]["sourceAddress"]
    assert source == {"address": "127.244.0.10", "portValue": 0}
    assert found["node"]["metadata"]["INTERCEPTION_MODE"] == "NONE"
