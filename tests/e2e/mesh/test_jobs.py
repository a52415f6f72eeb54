"""Jobs end: their pods call through the mesh, their sidecars end with them, and what failed is counted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.e2e.mesh.harness.manifests import IMAGE, Manifest, account
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(120)]

FILE: Final = "50-job.yaml"
STRICT: Final[Manifest] = {
    "apiVersion": "security.istio.io/v1",
    "kind": "PeerAuthentication",
    "metadata": {"name": "default", "namespace": "shop"},
    "spec": {"mtls": {"mode": "STRICT"}},
}
ASK: Final = """
import json, os, urllib.request
with urllib.request.urlopen("http://echo/", timeout=10) as answer:
    told = json.load(answer)
print("index", os.environ.get("JOB_COMPLETION_INDEX"))
print("certificate", told["headers"]["x-forwarded-client-cert"])
"""
FAIL: Final = "print('this try fails'); raise SystemExit(3)"


def job(name: str, code: str, **spec: Any) -> Manifest:
    """A Job of namespace `shop` whose pods run Python code, with a service account of its name."""
    container = {"name": "app", "image": IMAGE, "command": ["python3", "-S", "-c", code]}
    pod = {"serviceAccountName": name, "restartPolicy": "Never", "containers": [container]}
    template = {"metadata": {"labels": {"app": name}}, "spec": pod}
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template, **spec}}


@pytest.fixture
def cleaned(mesh: RunningMesh) -> Iterator[RunningMesh]:
    """The shared mesh, from which the test's file is taken away again, and everything that came of it."""
    yield mesh
    mesh.folder.delete(FILE)
    eventually(lambda: check_gone(mesh), within=20)
    mesh.settle()


def check_gone(mesh: RunningMesh) -> None:
    assert mesh.api.get("/v1/objects/jobs")["items"] == []
    names = [item["metadata"]["name"] for item in mesh.api.get("/v1/objects/pods")["items"]]
    assert [name for name in names if name.startswith("work")] == []


def await_result(mesh: RunningMesh, name: str, result: str, *, within: float = 30) -> dict[str, Any]:
    """The status of a Job once it is over, which must be so."""

    def check() -> dict[str, Any]:
        status: dict[str, Any] = mesh.api.get(f"/v1/objects/jobs/{name}?namespace=shop")["status"]
        assert [each["type"] for each in status["conditions"]] == [result], status
        return status

    return eventually(check, within=within)


def test_a_job_calls_by_mutual_tls_and_completes_and_its_sidecars_end(cleaned: RunningMesh) -> None:
    mesh = cleaned
    spec = {"completions": 2, "parallelism": 2, "completionMode": "Indexed"}
    mesh.folder.write(FILE, [STRICT, account("shop", "work"), job("work", ASK, **spec)])
    status = await_result(mesh, "work", "Complete")
    assert (status["succeeded"], status["failed"], status["completedIndexes"]) == (2, 0, "0-1")
    eventually(lambda: check_all_processes_ended(mesh))
    for index, pod in enumerate(sorted(mesh.api.pods(app="work"), key=lambda each: each.name)):
        output = mesh.weft("logs", pod.name, "-n", "shop")
        assert f"index {index}" in output
        assert "URI=spiffe://cluster.local/ns/shop/sa/work" in output, "its caller is known by its certificate"
    assert "certificate" in mesh.weft("logs", "job/work", "-n", "shop")
    [line] = mesh.weft("get", "jobs", "-n", "shop", "--no-headers").splitlines()
    assert line.split()[:3] == ["work", "Complete", "2/2"]
    lines = mesh.weft("get", "pods", "-n", "shop", "-l", "app=work", "--no-headers").splitlines()
    assert [line.split()[1:3] for line in lines] == [["0/2", "Completed"]] * 2
    pods = mesh.api.pods()
    waited_for = len(pods) - 2
    assert f"{waited_for}/{waited_for} ready" in mesh.weft("status")
    assert "Completed" in mesh.weft("describe", "job", "work", "-n", "shop")
    assert mesh.issues() == []


def check_all_processes_ended(mesh: RunningMesh) -> None:
    pods = mesh.api.pods(app="work")
    assert len(pods) == 2
    assert [unit for pod in pods for unit in pod.pids.values() if unit is not None] == []
    assert all(set(pod.pids) == {"app", "istio-proxy"} for pod in pods)


def test_a_job_that_fails_is_tried_again_until_its_limit(cleaned: RunningMesh) -> None:
    mesh = cleaned
    mesh.folder.write(FILE, [account("shop", "work"), job("work", FAIL, backoffLimit=1)])
    status = await_result(mesh, "work", "Failed", within=40)
    assert (status["active"], status["failed"]) == (0, 2)
    assert status["conditions"][0]["reason"] == "BackoffLimitExceeded"
    first, second = mesh.api.pods(app="work")
    assert "this try fails" in mesh.weft("logs", first.name, "-n", "shop")
    assert "this try fails" in mesh.weft("logs", second.name, "-n", "shop")
    assert "BackoffLimitExceeded" in mesh.weft("get", "events", "-n", "shop")


def test_a_job_that_restarts_its_containers_fails_at_its_deadline(cleaned: RunningMesh) -> None:
    mesh = cleaned
    made = job("work", FAIL, activeDeadlineSeconds=12)
    made["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure"
    mesh.folder.write(FILE, [account("shop", "work"), made])
    pod = eventually(lambda: only(mesh), within=20)
    eventually(lambda: check_last_end(mesh, pod), within=12)
    status = await_result(mesh, "work", "Failed")
    assert status["conditions"][0]["reason"] == "DeadlineExceeded"
    eventually(lambda: check_no_pods(mesh), within=20)


def only(mesh: RunningMesh) -> str:
    return mesh.api.pod(app="work").name


def check_last_end(mesh: RunningMesh, pod: str) -> None:
    """A container that waits for its next try tells how the last one ended."""
    statuses = mesh.api.get(f"/v1/objects/pods/{pod}?namespace=shop")["status"]["containerStatuses"]
    ends = {each["name"]: (each["lastState"].get("terminated") or {}).get("exitCode") for each in statuses}
    assert ends.get("app") == 3, statuses


def check_no_pods(mesh: RunningMesh) -> None:
    assert mesh.api.pods(app="work") == []


def test_a_template_can_t_be_changed_by_command(cleaned: RunningMesh, tmp_path: Path) -> None:
    mesh = cleaned
    mesh.folder.write(FILE, [account("shop", "work"), job("work", "print('one')")])
    await_result(mesh, "work", "Complete")
    changed = tmp_path / "job.yaml"
    changed.write_text(mesh.weft("get", "job", "work", "-n", "shop", "-o", "yaml").replace("'one'", "'two'"))
    mesh.weft("apply", "-f", str(changed), code=1)
    assert "deleted" in mesh.weft("delete", "job", "work", "-n", "shop")
    eventually(lambda: check_no_pods(mesh), within=20)
    assert "created" in mesh.weft("apply", "-f", str(changed))
    await_result(mesh, "work", "Complete")
    eventually(lambda: check_output(mesh, "two\n"))
    assert "deleted" in mesh.weft("delete", "job", "work", "-n", "shop")
    mesh.folder.write(FILE, [account("shop", "work")])


def check_output(mesh: RunningMesh, output: str) -> None:
    assert mesh.weft("logs", "job/work", "-n", "shop") == output
