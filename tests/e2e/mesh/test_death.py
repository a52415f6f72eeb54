"""Whatever process of a mesh is killed: requests go on, nothing that serves is restarted, and nothing is left."""

import time
from collections.abc import Iterator

import pytest
from tests.e2e.mesh.harness.manifests import account, client, gateway, images, namespace, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh, running_mesh
from tests.e2e.mesh.harness.processes import Process, find
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(150)]

NEW_ROUTE = """
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {name: echo, namespace: shop}
    spec:
      hosts: [echo]
      http: [{headers: {response: {set: {x-mark: changed}}}, route: [{destination: {host: echo}}]}]
    """
BACK = 30.0
"""Seconds in which the supervisor must have brought back a child."""


def manifests() -> list[dict[str, object]]:
    return [
        images(),
        namespace("shop"),
        namespace("plain", sidecars=False),
        account("shop", "client"),
        account("shop", "echo"),
        account("shop", "gateway"),
        client("shop", "client"),
        client("plain", "stranger"),
        service("shop", "echo", [{"name": "http", "port": 80, "targetPort": 8080}]),
        server("shop", "echo", replicas=2),
        gateway("shop", "gateway"),
    ]


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh for tests that kill parts of it and leave it whole."""
    with running_mesh("mortal", tmp_path_factory.mktemp("mortal"), manifests()) as mesh:
        yield mesh


@pytest.mark.parametrize("names", [("controller",), ("node",), ("controller", "node")], ids="+".join)
def test_requests_go_on_when_a_part_is_killed(mortal: RunningMesh, names: tuple[str, ...]) -> None:
    before = pids(mortal)
    with mortal.load("client", "http://echo/") as load, mortal.load("stranger", "http://echo.shop/", 50.0) as plain:
        time.sleep(0.5)
        killed = {name: mortal.process(name) for name in names}
        for process in killed.values():
            process.kill()
        for name, process in killed.items():
            await_successor(mortal, name, process)
        await_connected(mortal)
        mortal.apply(NEW_ROUTE, "60-new.yaml")
        assert mortal.client("client").call("http://echo/").headers["x-mark"] == "changed"
        mortal.withdraw("60-new.yaml")
        plain.check("by a client without a sidecar")
        load.check()
    assert pids(mortal) == before, "a pod or an Envoy was restarted"


def test_a_new_supervisor_takes_over_what_a_killed_one_left(mortal: RunningMesh) -> None:
    before = pids(mortal)
    with mortal.load("client", "http://echo/") as load:
        children = [mortal.process("controller"), mortal.process("node")]
        mortal.process("up").kill()
        mortal.reap()
        eventually(lambda: check_ended(children))
        time.sleep(1.0)
        mortal.start()
        await_connected(mortal)
        assert pids(mortal) == before, "a pod or an Envoy was restarted"
        mortal.apply(NEW_ROUTE, "60-new.yaml")
        assert mortal.client("client").call("http://echo/").headers["x-mark"] == "changed"
        mortal.withdraw("60-new.yaml")
        load.check()


def test_what_changed_while_everything_was_dead_is_made_up_for(mortal: RunningMesh) -> None:
    before = pids(mortal)
    mortal.process("up").kill()
    mortal.reap()
    mortal.folder.write("60-new.yaml", [account("shop", "late"), client("shop", "late")])
    mortal.start()
    mortal.await_pods(1, "late")
    mortal.folder.delete("60-new.yaml")
    mortal.await_pods(0, "late")
    assert pids(mortal) == before


@pytest.mark.parametrize("unit", ["istio-proxy", "app"])
def test_a_killed_process_of_a_pod_comes_back(mortal: RunningMesh, unit: str) -> None:
    pod = mortal.api.pods(app="echo")[0]
    others = {name: numbers for name, numbers in pids(mortal).items() if name != pod.name}
    process = running(pod.pids[unit])
    process.kill()

    def check_back() -> None:
        [again] = [each for each in mortal.api.pods(app="echo") if each.name == pod.name]
        assert again.ready
        assert again.pids[unit] not in (None, process.pid)
        assert again.units[unit].restarts == pod.units[unit].restarts + 1

    eventually(check_back, within=20.0)
    await_connected(mortal)
    answers = mortal.client("client").repeat("http://echo/", 20)
    assert {answer.status for answer in answers} == {200}
    assert pod.name in {answer.pod for answer in answers}
    assert others.items() <= pids(mortal).items(), "another pod was restarted"


@pytest.mark.parametrize("victims", [("up",), ("up", "controller", "node")], ids="+".join)
def test_down_cleans_up_after_a_killed_supervisor(
    tmp_path_factory: pytest.TempPathFactory, victims: tuple[str, ...]
) -> None:
    with running_mesh("killed", tmp_path_factory.mktemp("killed"), manifests()) as mesh:
        processes = [mesh.process(name) for name in reversed(victims)]
        for process in processes:
            process.kill()
        mesh.reap()
        # What must not be left is checked by the harness, after `weft down`.


def test_a_start_after_kill_9_of_everything_makes_the_mesh_whole(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running_mesh("whole", tmp_path_factory.mktemp("whole"), manifests()) as mesh:
        before = pids(mesh)
        for process in (mesh.process("controller"), mesh.process("node"), mesh.process("up")):
            process.kill()
        for number in (number for numbers in before.values() for number in numbers.values()):
            running(number).kill()
        mesh.reap()
        mesh.start()
        assert pids(mesh).keys() == before.keys(), "pods were made anew where their processes alone were missing"
        await_connected(mesh)
        assert mesh.client("client").call("http://echo/").status == 200


def pids(mesh: RunningMesh) -> dict[str, dict[str, int | None]]:
    """The processes of all pods."""
    return {pod.name: pod.pids for pod in mesh.api.pods()}


def running(pid: int | None) -> Process:
    found = find(pid) if pid is not None else None
    assert found is not None, f"process {pid} does not run"
    return found


def await_successor(mesh: RunningMesh, name: str, former: Process) -> None:
    """Waits until the supervisor has started a child again, and the controller answers."""

    def check() -> None:
        assert mesh.process(name) != former
        mesh.api.get("/v1/status")

    eventually(check, within=BACK)


def await_connected(mesh: RunningMesh) -> None:
    """Waits until all Envoys have found the controller again."""

    def check() -> None:
        pods = {pod.name for pod in mesh.api.pods() if "istio-proxy" in pod.units}
        assert {proxy.pod for proxy in mesh.api.proxies()} == pods

    eventually(check, within=BACK)
    mesh.settle()


def check_ended(processes: list[Process]) -> None:
    assert not any(process.alive for process in processes), "children outlive their supervisor"
