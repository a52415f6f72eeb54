"""Sidecars that get clusters when requests ask for them: no request fails, and what nobody calls is not there."""

from collections.abc import Iterator

import pytest
from tests.e2e.mesh.harness.manifests import (
    account,
    client,
    images,
    mesh_config,
    namespace,
    server,
    service,
)
from tests.e2e.mesh.harness.mesh import RunningMesh, running_mesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(300)]

MANY = 200
PORT = {"name": "http", "port": 80, "targetPort": 8080}
LINES = {"name": "tcp-lines", "port": 9000, "targetPort": 9000}
FILE = "60-echo.yaml"


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    manifests = [
        images(),
        namespace("istio-system"),
        mesh_config("defaultConfig: {proxyMetadata: {WEFT_ON_DEMAND_CLUSTERS: 'true'}}\n"),
        namespace("shop"),
        namespace("many"),
        *(account("shop", name) for name in ("client", "echo", "copied")),
        client("shop", "client"),
        service("shop", "echo", [PORT, LINES]),
        server("shop", "echo", tcp=(9000,)),
        server("shop", "echo", version="v2", tcp=(9000,)),
        service("shop", "copied", [PORT]),
        server("shop", "copied"),
        *(service("many", f"s{number:03}", [PORT], app="nobody") for number in range(MANY)),
    ]
    with running_mesh("waiting", tmp_path_factory.mktemp("waiting"), manifests) as mesh:
        yield mesh


def clusters(mesh: RunningMesh) -> set[str]:
    """Names of the outbound clusters that the client's Envoy has."""
    found = mesh.admin(mesh.api.pod(app="client")).json("/clusters?format=json")["cluster_statuses"]
    return {each["name"] for each in found if each["name"].startswith("outbound|")}


def split(first: int) -> str:
    """Shares of the two versions of `echo`; answers bear them."""
    mark = f"{{response: {{set: {{x-mark: '{first}'}}}}}}"
    return f"""
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {{name: echo, namespace: shop}}
    spec: {{host: echo, subsets: [{{name: v1, labels: {{version: v1}}}}, {{name: v2, labels: {{version: v2}}}}]}}
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {{name: echo, namespace: shop}}
    spec:
      hosts: [echo]
      http:
        - headers: {mark}
          route:
            - {{destination: {{host: echo, port: {{number: 80}}, subset: v1}}, weight: {first}}}
            - {{destination: {{host: echo, port: {{number: 80}}, subset: v2}}, weight: {100 - first}}}
    """


COPIES = """
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {name: echo, namespace: shop}
    spec:
      hosts: [echo]
      http: [{route: [{destination: {host: echo, port: {number: 80}}}], mirror: {host: copied}}]
    """


def test_the_first_request_waits_and_bytes_do_not(waiting: RunningMesh) -> None:
    host = "echo.shop.svc.cluster.local"
    assert clusters(waiting) == {f"outbound|9000||{host}"}, "only what bytes go to is there"
    assert waiting.client("client").call("http://echo/").status == 200
    assert clusters(waiting) == {f"outbound|9000||{host}", f"outbound|80||{host}"}


def test_routes_lead_to_new_clusters_under_load(waiting: RunningMesh) -> None:
    with waiting.load("client", "http://echo/") as load:
        for first in (90, 0, 100, 50):
            waiting.apply(split(first), FILE)
            assert waiting.client("client").call("http://echo/").headers["x-mark"] == str(first)
        waiting.withdraw(FILE)
        load.check()


def test_a_killed_controller_goes_on_with_what_was_asked_for(waiting: RunningMesh) -> None:
    with waiting.load("client", "http://echo/") as load:
        former = waiting.process("controller")
        former.kill()
        waiting.folder.write(FILE, split(30))
        eventually(lambda: _check_mark(waiting, "30"), within=60.0)
        waiting.settle()
        load.check()
    waiting.folder.delete(FILE)
    eventually(lambda: _check_mark(waiting, ""), within=20.0)


def test_copies_of_requests_find_their_cluster(waiting: RunningMesh) -> None:
    """Nothing waits for those: without the cluster they would be lost."""
    waiting.apply(COPIES, FILE)
    assert "outbound|80||copied.shop.svc.cluster.local" in clusters(waiting)
    assert waiting.client("client").call("http://echo/copied").status == 200
    eventually(lambda: _check_copied(waiting))
    waiting.withdraw(FILE)


def _check_mark(mesh: RunningMesh, mark: str) -> None:
    assert mesh.client("client").call("http://echo/").headers.get("x-mark", "") == mark


def _check_copied(mesh: RunningMesh) -> None:
    seen = mesh.client("client").call("http://copied/requests").told["requests"]
    assert "/copied" in {each["path"] for each in seen}
