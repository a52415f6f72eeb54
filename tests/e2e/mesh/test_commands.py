"""The command line on a running mesh: what it shows is what is, and what it changes takes effect."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(120)]

TEAPOT = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: teapot, namespace: shop}
spec: {hosts: [teapot.example], http: [{directResponse: {status: 418}}]}
"""


@pytest.fixture
def teapot(mesh: RunningMesh, tmp_path: Path) -> Iterator[RunningMesh]:
    """The shared mesh with a VirtualService that was applied by command and is deleted by command."""
    file = tmp_path / "teapot.yaml"
    file.write_text(TEAPOT)
    assert "created" in mesh.weft("apply", "-f", str(file))
    eventually(lambda: check_teapot(mesh, 418))
    yield mesh
    assert "deleted" in mesh.weft("delete", "virtualservice", "teapot", "-n", "shop")
    # Without the route a request goes where its address leads, or where it has none but its host, nowhere.
    eventually(lambda: check_teapot(mesh, 503 if mesh.isolation == "loopback" else 200))


def check_teapot(mesh: RunningMesh, status: int) -> None:
    """The route for a name that only the applied object knows."""
    assert mesh.client("client").call("http://old.plain/", headers={"host": "teapot.example"}).status == status


def test_objects_are_applied_shown_labelled_and_deleted(teapot: RunningMesh) -> None:
    assert "teapot.example" in teapot.weft("get", "virtualservices", "-n", "shop")
    assert "labeled" in teapot.weft("label", "virtualservice", "teapot", "tier=front", "-n", "shop")
    assert "tier: front" in teapot.weft("get", "vs", "teapot", "-n", "shop", "-o", "yaml")
    assert "teapot" in teapot.weft("get", "vs", "-n", "shop", "-l", "tier=front")
    assert "teapot" not in teapot.weft("get", "vs", "-n", "shop", "-l", "tier=back")
    assert teapot.client("client").call("http://echo/").status == 200


def test_a_bad_object_is_refused_and_nothing_changes(teapot: RunningMesh, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(TEAPOT.replace("status: 418", "status: many"))
    teapot.weft("apply", "-f", str(file), code=1)
    check_teapot(teapot, 418)
    assert teapot.issues() == []


def test_pods_are_listed_described_entered_and_read(mesh: RunningMesh) -> None:
    pod = mesh.api.pod(app="other")
    [line] = [line for line in mesh.weft("get", "pods", "-A").splitlines() if pod.name in line]
    assert line.split()[:4] == ["shop", pod.name, "2/2", "Running"]
    described = mesh.weft("describe", "pod", pod.name, "-n", "shop")
    for expected in (pod.address, "app=other", "Status:"):
        assert expected in described, described
    assert mesh.weft("exec", "-n", "shop", "deploy/other-v1", "--", "printenv", "HOSTNAME").strip() == pod.name
    mesh.weft("exec", "-n", "shop", pod.name, "--", "false", code=1)
    assert mesh.client("client").call("http://other/logged-place").status == 200
    eventually(lambda: check_logged(mesh, pod.name))


def check_logged(mesh: RunningMesh, pod: str) -> None:
    assert "GET /logged-place" in mesh.weft("logs", pod, "-n", "shop", "-c", "istio-proxy")


def test_the_status_shows_a_whole_mesh(mesh: RunningMesh) -> None:
    status = mesh.weft("status")
    pods = mesh.api.pods()
    assert f"{len(pods)}/{len(pods)} ready" in status
    proxies = [pod for pod in pods if "istio-proxy" in pod.units]
    assert f"{len(proxies)}/{len(proxies)} in sync" in status
    table = mesh.weft("proxy-status").splitlines()[1:]
    assert {line.split()[0] for line in table} == {f"{pod.name}.{pod.namespace}" for pod in proxies}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("clusters", "echo.shop.svc.cluster.local"),
        ("listeners", "Route: {table}"),
        ("routes", "echo.shop.svc.cluster.local:80"),
        ("endpoints", "outbound|80||echo.shop.svc.cluster.local"),
        ("secrets", "Cert Chain"),
        ("bootstrap", "xds-grpc"),
        ("log", "active loggers"),
    ],
)
def test_the_configuration_of_an_envoy_is_shown(mesh: RunningMesh, part: str, expected: str) -> None:
    pod = mesh.api.pod(app="client")
    shown = mesh.weft("proxy-config", part, f"{pod.name}.shop")
    assert expected.format(table="http_proxy" if mesh.isolation == "loopback" else 80) in shown, shown
    assert "eyJ" not in shown, "a token is shown"
    assert "PRIVATE KEY" not in shown
