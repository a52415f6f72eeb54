"""A mesh in the namespaces of an ordinary user: what it can and can't do, and what survives which kill."""

import time
from pathlib import Path

import msgspec
import pytest
from tests.e2e.isolation.meshes import INSIDE, UserMesh
from tests.e2e.isolation.users import output
from tests.e2e.mesh.harness import processes
from tests.e2e.mesh.harness.waiting import eventually

from weft.node.limits import DESCRIPTIONS

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(120)]

ECHO = "http://echo/"


def test_traffic_is_captured_and_carries_identities(mesh: UserMesh) -> None:
    answer = mesh.call("client", ECHO)
    assert answer.status == 200, answer
    assert answer.caller == "cluster.local/ns/shop/sa/client"


def test_every_process_belongs_to_the_user(mesh: UserMesh) -> None:
    pods = mesh.api.pods()
    assert len(pods) == 4
    for pid in (pid for pod in pods for pid in pod.pids.values() if pid):
        status = Path(f"/proc/{pid}/status").read_text()
        assert f"Uid:\t{mesh.user.number}\t{mesh.user.number}" in status


def test_a_policy_refuses_and_its_log_says_why(mesh: UserMesh) -> None:
    policy = """
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {name: client-only, namespace: shop}
        spec:
          selector: {matchLabels: {app: echo}}
          rules:
          - from: [{source: {principals: ["cluster.local/ns/shop/sa/client"]}}]
        """
    with mesh.config(policy):
        eventually(lambda: _equal(mesh.call("visitor", ECHO).status, 403))
        assert mesh.call("client", ECHO).status == 200
        logs = mesh.weft("logs", "-n", "shop", "deploy/echo-v1", "-c", "istio-proxy")
        eventually(lambda: _contains(output(logs), "rbac_access_denied"))
    eventually(lambda: _equal(mesh.call("visitor", ECHO).status, 200))


def test_a_changed_file_takes_effect(mesh: UserMesh) -> None:
    fault = """
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {name: echo, namespace: shop}
        spec:
          hosts: [echo]
          http:
          - fault: {abort: {percentage: {value: 100}, httpStatus: 418}}
            route: [{destination: {host: echo}}]
        """
    with mesh.config(fault):
        eventually(lambda: _equal(mesh.call("client", ECHO).status, 418))
    eventually(lambda: _equal(mesh.call("client", ECHO).status, 200))


def test_a_gateway_is_reached_from_outside_by_the_port_that_is_said(mesh: UserMesh) -> None:
    port = mesh.outside_port(INSIDE)
    assert port == (INSIDE if port < 1024 else INSIDE + 8000)
    eventually(lambda: _equal(mesh.status(port), "200"))
    assert mesh.status(port, host="other.test") == "404"
    if port != INSIDE:
        assert f"port {INSIDE} of the mesh is port {port} outside" in output(mesh.weft("status"))


def test_a_large_body_passes_the_forwarder_whole(mesh: UserMesh) -> None:
    text = "0123456789" * 200_000
    mesh.folder.path.joinpath("body.txt").write_text(text)
    data = ("--data-binary", f"@{mesh.folder.path / 'body.txt'}")
    said = output(mesh.curl_command(mesh.outside_port(INSIDE), *data))
    assert msgspec.json.decode(said)["body"] == text


def test_the_command_line_works_from_outside(mesh: UserMesh) -> None:
    status = output(mesh.weft("status"))
    assert "isolation userns" in status
    assert all(limit in status for limit in DESCRIPTIONS["userns"].limits)
    assert len(output(mesh.weft("proxy-status")).splitlines()) == 1 + 4
    assert "echo.shop.svc.cluster.local" in output(mesh.weft("proxy-config", "clusters", "deploy/client", "-n", "shop"))
    assert output(
        mesh.weft("exec", "-n", "shop", "deploy/client", "--", "cat", "/proc/sys/kernel/hostname")
    ).startswith("client-")


def test_another_user_is_refused_with_the_reason(mesh: UserMesh) -> None:
    pod = """
        apiVersion: v1
        kind: Pod
        metadata: {name: other, namespace: shop}
        spec:
          containers:
          - {name: app, image: weft.dev/e2e/app:v1, command: [sleep, "60"], securityContext: {runAsUser: 1000}}
        """
    with mesh.config(pod):
        eventually(
            lambda: _contains(output(mesh.weft("describe", "pod", "other", "-n", "shop")), "can't name another one")
        )
    eventually(lambda: _equal(mesh.api.has("Pod", "shop", "other"), False))
    eventually(lambda: _equal(len(mesh.api.pods()), 4))


@pytest.mark.parametrize("name", ["controller", "node", "inside"])
def test_traffic_goes_on_when_one_of_its_processes_is_killed(mesh: UserMesh, name: str) -> None:
    before = {pod.name: pod.pids for pod in mesh.api.pods()}
    with mesh.load(ECHO) as load:
        killed = mesh.process(name)
        killed.kill()
        eventually(lambda: _another(mesh, name, killed), within=20)
        eventually(lambda: _equal(output(mesh.weft("status"))[:1], "✔"), within=20)
        load.check(f"when {name} was killed")
    assert {pod.name: pod.pids for pod in mesh.api.pods()} == before


@pytest.mark.parametrize("part", ["forwarder", "its child inside"])
def test_the_way_in_comes_back_when_the_forwarder_is_killed(mesh: UserMesh, part: str) -> None:
    port, killed = mesh.outside_port(INSIDE), mesh.process("forwarder")
    with mesh.load(ECHO) as load:
        (killed if part == "forwarder" else processes.children(killed.pid)[0]).kill()
        eventually(lambda: _another(mesh, "forwarder", killed), within=10)
        eventually(lambda: _equal(mesh.status(port), "200"), within=10)
        load.check(f"when {part} was killed")


def test_another_process_holds_the_namespaces_when_the_holder_is_killed(mesh: UserMesh) -> None:
    before = {pod.name: pod.pids for pod in mesh.api.pods()}
    with mesh.load(ECHO) as load:
        killed = mesh.holder
        killed.kill()
        eventually(lambda: _not(mesh, killed))
        time.sleep(1)
        load.check("when the holder was killed")
    assert {pod.name: pod.pids for pod in mesh.api.pods()} == before
    assert mesh.status(mesh.outside_port(INSIDE)) == "200"


def test_a_killed_supervisor_is_followed_by_one_that_adopts_everything(mesh: UserMesh) -> None:
    before = {pod.name: pod.pids for pod in mesh.api.pods()}
    port = mesh.outside_port(INSIDE)
    with mesh.load(ECHO) as load:
        mesh.process("up").kill()
        mesh.reap()
        time.sleep(1)
        assert mesh.status(port) == "200", "the forwarder goes on without a supervisor"
        mesh.start()
        load.check("when the supervisor was killed")
    assert {pod.name: pod.pids for pod in mesh.api.pods()} == before
    assert mesh.status(port) == "200"


def test_nothing_is_left_after_its_end(mesh: UserMesh) -> None:
    members = mesh.members()
    assert len(members) > 10
    mesh.process("up").kill()  # `weft down` does all by itself
    mesh.reap()
    assert "is gone" in mesh.down()
    eventually(lambda: _equal([each for each in members if each.alive], []), within=5)
    assert not mesh.places.state.exists()


def _equal(found: object, wanted: object) -> None:
    assert found == wanted


def _contains(text: str, part: str) -> None:
    assert part in text


def _another(mesh: UserMesh, name: str, killed: object) -> None:
    assert mesh.process(name) != killed


def _not(mesh: UserMesh, killed: object) -> None:
    assert mesh.holder != killed
