"""Pods of the machine's network (`hostNetwork: true`): its address, no sidecar, served like others."""

from collections.abc import Iterator

import pytest
from tests.e2e.mesh.harness.manifests import Manifest, account, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.names.conftest import headless

pytestmark = [pytest.mark.isolation("netns"), pytest.mark.timeout(120)]

PORTS = [{"name": "http", "port": 80, "targetPort": 8180}, {"name": "tcp", "port": 9180}]


def hosted(name: str = "hosted") -> Manifest:
    """A server in the machine's network; its ports are the machine's."""
    made = server("shop", name, http=(8180,), tcp=(9180,))
    spec = made["spec"]["template"]["spec"]
    spec["hostNetwork"] = True
    spec["containers"][0]["ports"] = [{"containerPort": 8180}, {"containerPort": 9180}]
    return made


@pytest.fixture(scope="module")
def hosting(named: RunningMesh) -> Iterator[RunningMesh]:
    """The mesh with such a pod, a service for it, and a headless one."""
    services = [service("shop", "hosted", PORTS), headless(service("shop", "direct", PORTS, app="hosted"))]
    with named.config([account("shop", "hosted"), *services, hosted()], "90-hosted.yaml"):
        named.await_pods(1, "hosted")
        named.settle()
        yield named


def test_it_has_the_machines_address_and_no_sidecar(hosting: RunningMesh) -> None:
    (pod,) = hosting.api.pods("shop", app="hosted")
    assert (pod.address, list(pod.units)) == (str(hosting.network.host), ["app"])


@pytest.mark.parametrize("app", ["client", "stranger"], ids=["sidecar", "no sidecar"])
def test_its_service_is_called_from_pods(hosting: RunningMesh, app: str) -> None:
    caller = hosting.client(app)
    answer = caller.call("http://hosted.shop/")
    assert (answer.status, answer.version) == (200, "v1")
    assert caller.call("tcp://hosted.shop:9180", body="hello\n").body.endswith("hello")


def test_its_own_address_is_known_by_name(hosting: RunningMesh) -> None:
    assert hosting.client("client").call("tcp://direct:9180", body="hello\n").body.endswith("hello")


def test_the_machine_calls_it_as_any_process_of_its_own(hosting: RunningMesh) -> None:
    assert hosting.machine().call("http://127.0.0.1:8180/").status == 200


def test_two_that_ask_for_one_port_are_told(hosting: RunningMesh) -> None:
    second = hosted("second")
    second["spec"]["template"]["spec"]["containers"][0]["command"] = ["python3", "-S", "idle.py"]
    with hosting.config([account("shop", "second"), second], "91-second.yaml"):
        found = [each.issue for each in hosting.api.issues() if each.issue.code == "WEFT0407"]
    assert [(each.ref and each.ref.name, each.message.split(" of the machine")[0][-8:]) for each in found] == [
        ("second-v1", "port 8180"[-8:]),
        ("second-v1", "port 9180"[-8:]),
    ]
