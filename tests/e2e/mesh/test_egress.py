"""The way out: what is known, what is not, and how far a client sees (Istio, ServiceEntry and Sidecar references)."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.e2e.mesh.conftest import SHARED_SETTINGS, shared_manifests
from tests.e2e.mesh.harness.client import APPLICATIONS, Call
from tests.e2e.mesh.harness.manifests import mesh_config
from tests.e2e.mesh.harness.mesh import BASE, RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(120)]

PORT = 8085


@pytest.fixture(scope="module")
def outside(shared: RunningMesh) -> Iterator[str]:
    """A server on the machine, which is no part of the mesh; its address."""
    command = shared.outer.inside(sys.executable, "-S", str(APPLICATIONS / "server.py"))
    process = subprocess.Popen(command, env={"HTTP_PORTS": str(PORT), "TCP_PORTS": "8086", "VERSION": "outside"})
    address = str(shared.network.host)
    try:
        eventually(lambda: check_status(shared, f"http://{address}:{PORT}/", 200))
        yield address
    finally:
        process.terminate()
        process.wait()


def entry(host: str, *endpoints: str, resolution: str = "STATIC") -> str:
    addresses = ", ".join(f"{{address: {address}, ports: {{http: {PORT}}}}}" for address in endpoints)
    return f"""\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: outside, namespace: shop}}
spec:
  hosts: [{host}]
  location: MESH_EXTERNAL
  resolution: {resolution}
  ports: [{{number: 80, name: http, protocol: HTTP}}]
  endpoints: [{addresses}]
"""


def sidecar(*hosts: str, policy: str = "ALLOW_ANY") -> str:
    listed = ", ".join(f"'{host}'" for host in hosts)
    return f"""\
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {{name: default, namespace: shop}}
spec:
  outboundTrafficPolicy: {{mode: {policy}}}
  egress: [{{hosts: [{listed}]}}]
"""


def check_status(mesh: RunningMesh, url: str, status: int) -> None:
    assert mesh.client("client").call(url).status == status


@pytest.mark.isolation("netns")
def test_a_static_service_entry_names_a_server_outside(mesh: RunningMesh, outside: str) -> None:
    with mesh.config(entry("legacy.example", outside)):
        answer = mesh.client("client").call("http://legacy.example/place")
    assert (answer.status, answer.version, answer.told["path"]) == (200, "outside", "/place")
    assert "x-envoy-upstream-service-time" in answer.headers, "it did not pass the sidecar"


@pytest.mark.isolation("netns")
@pytest.mark.parametrize("resolution", ["DNS", "DNS_ROUND_ROBIN"])
def test_a_service_entry_may_name_its_server_by_dns(mesh: RunningMesh, outside: str, resolution: str) -> None:
    """The name resolves by the pod's hosts file, which knows the services of the mesh: DNS without a network."""
    known = entry("anchor.example", outside).replace("name: outside", "name: anchor")
    text = entry("by-name.example", "old.plain.svc.cluster.local", resolution=resolution).replace(str(PORT), "80")
    with mesh.config(f"{known}---\n{text}"):
        answer = eventually(lambda: answered(mesh, "http://by-name.example/"))
    assert answer.startswith("old-v1")


def answered(mesh: RunningMesh, url: str) -> str:
    answer = mesh.client("client").call(url)
    assert answer.status == 200, answer
    return answer.pod


@pytest.mark.isolation("netns")
def test_what_is_unknown_passes_unless_only_the_registry_may_be_called(mesh: RunningMesh, outside: str) -> None:
    client = mesh.client("client")
    calls = {
        "address": Call(url=f"http://{outside}:{PORT}/"),
        "unknown host": Call(url="http://echo/", headers={"host": "unknown.example"}),
        "known": Call(url="http://echo/"),
    }
    assert client.results(calls)["address"] == 200
    assert client.call(f"tcp://{outside}:8086", body="hello\n").body.startswith("outside")
    with mesh.config(sidecar("*/*", policy="REGISTRY_ONLY")):
        assert client.results(calls) == {"address": 0, "unknown host": 502, "known": 200}
        lines = client.call(f"tcp://{outside}:8086", body="hello\n")
        assert lines.body == ""
        with mesh.config(entry("legacy.example", outside), "51-entry.yaml"):
            assert client.call("http://legacy.example/").version == "outside"


@pytest.mark.isolation("netns")
def test_the_mesh_can_say_for_all_that_only_the_registry_may_be_called(mesh: RunningMesh, outside: str) -> None:
    base = shared_manifests()
    settings = mesh_config(f"{SHARED_SETTINGS}outboundTrafficPolicy: {{mode: REGISTRY_ONLY}}\n")
    changed = [settings if each["kind"] == "ConfigMap" else each for each in base]
    url = f"http://{outside}:{PORT}/"
    mesh.folder.write(BASE, changed)
    try:
        eventually(lambda: check_status(mesh, url, 0))
        eventually(lambda: check_closed(mesh, url))
        assert mesh.client("client").call("http://echo/").status == 200
    finally:
        mesh.folder.write(BASE, base)
        eventually(lambda: check_status(mesh, url, 200))
        mesh.settle()


def check_closed(mesh: RunningMesh, url: str) -> None:
    assert mesh.client("visitor").call(url).status == 0


def test_a_sidecar_object_narrows_what_a_client_sees(mesh: RunningMesh) -> None:
    client, visitor = mesh.client("client"), mesh.client("visitor")
    calls = {name: Call(url=f"http://{name}/") for name in ("echo.shop", "other.shop", "old.plain")}
    with mesh.config(sidecar("./other.shop.svc.cluster.local", policy="REGISTRY_ONLY")):
        assert client.results(calls) == {"echo.shop": 502, "other.shop": 200, "old.plain": 502}
        assert visitor.results(calls) == dict.fromkeys(calls, 200), "it is of another namespace"
        names = mesh.admin(mesh.api.pod(app="client")).json("/clusters?format=json")["cluster_statuses"]
        outbound = {each["name"] for each in names if each["name"].startswith("outbound|")}
        assert outbound == {"outbound|80||other.shop.svc.cluster.local"}
    with mesh.config(sidecar("plain/*", policy="REGISTRY_ONLY")):
        assert client.results(calls) == {"echo.shop": 502, "other.shop": 502, "old.plain": 200}
