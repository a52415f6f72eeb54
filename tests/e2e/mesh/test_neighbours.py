"""Who else is on the machine: another mesh of the same name, and others on the ports of a gateway."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

from weft.model import codes

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(120)]

HOLD = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])), reuse_port=True)
print("ready", flush=True)
sys.stdin.read()
"""
ENVOYS_USER = ("setpriv", "--reuid", "1337", "--regid", "1337", "--clear-groups")
"""Only sockets of one user can share a port (socket(7), SO_REUSEPORT)."""
GATEWAY_PORT = 8087
GATEWAY = f"""
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata: {{name: neighbours, namespace: ingress}}
    spec:
      selector: {{istio: gateway}}
      servers: [{{port: {{number: {GATEWAY_PORT}, name: http, protocol: HTTP}}, hosts: [neighbours.example]}}]
    """


@pytest.mark.isolation("netns")
@pytest.mark.parametrize("command", ["up", "down"])
def test_a_mesh_of_the_same_name_is_left_alone(mesh: RunningMesh, tmp_path: Path, command: str) -> None:
    """The networks of both would be one: elsewhere each mesh has namespaces, or addresses, of its own."""
    before = {pod.name: pod.pids for pod in mesh.api.pods()}
    other = ("--mesh", mesh.name, "--state-dir", str(tmp_path / "state"))
    folder = (str(tmp_path),) if command == "up" else ()
    vector = mesh.outer.inside(sys.executable, "-m", "weft.apps.main", command, *other, *folder)
    done = subprocess.run(vector, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert f"there is a mesh named {mesh.name} that keeps its state in {mesh.places.state}" in done.stderr
    assert "--state-dir" in done.stderr
    assert not (tmp_path / "state").exists()
    assert {pod.name: pod.pids for pod in mesh.api.pods()} == before
    assert mesh.client("client").call("http://echo/").status == 200


@pytest.mark.isolation("netns")
@pytest.mark.parametrize("port", [15021, GATEWAY_PORT])
def test_who_shares_a_port_of_a_gateway_is_named(mesh: RunningMesh, port: int) -> None:
    with mesh.config(GATEWAY):
        with listening(mesh, port) as holder:
            eventually(lambda: check_named(mesh, port, holder))
        eventually(lambda: check_nobody(mesh))


def check_named(mesh: RunningMesh, port: int, holder: int) -> None:
    found = [each.issue for each in mesh.issues()]
    assert [issue.code for issue in found] == [codes.PORT_TAKEN]
    [issue] = found
    assert issue.message.startswith(f"process {holder} (")
    assert f"127.0.0.1:{port}" in issue.message
    assert issue.ref is not None
    assert issue.ref.name == mesh.api.pod(app="gateway").name
    assert "PortTaken" in mesh.weft("get", "events", "-n", "ingress")


def check_nobody(mesh: RunningMesh) -> None:
    assert mesh.issues() == []


@contextmanager
def listening(mesh: RunningMesh, port: int) -> Iterator[int]:
    """A process on the machine that shares a port, as another mesh's Envoy would; its id."""
    vector = mesh.outer.inside(*ENVOYS_USER, sys.executable, "-S", "-c", HOLD, str(port))
    with subprocess.Popen(vector, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.communicate()


def test_starting_pods_is_nothing_to_warn_of(mesh: RunningMesh) -> None:
    lines = mesh.weft("get", "events", "-A", "--no-headers").splitlines()
    warnings = [line for line in lines if " Warning " in line and "PortTaken" not in line]
    assert [line for line in warnings if "ContainerCreating" in line] == []
    assert any("Started" in line for line in lines)
