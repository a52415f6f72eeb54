"""Virtual hosts come and go one by one in a mesh of a thousand services, and no request fails meanwhile."""

from collections.abc import Iterator

import pytest
from tests.e2e.mesh.harness.manifests import account, client, images, namespace, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh, running_mesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(300)]

MANY = 1_000
PORT = {"name": "http", "port": 80, "targetPort": 8080}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    many = [service("many", f"s{number:04}", [PORT]) for number in range(MANY)]
    manifests = [
        images(),
        namespace("shop"),
        namespace("many"),
        account("shop", "client"),
        account("shop", "echo"),
        client("shop", "client"),
        service("shop", "echo", [PORT]),
        server("shop", "echo", replicas=1),
        *many,
    ]
    with running_mesh("large", tmp_path_factory.mktemp("large"), manifests) as mesh:
        yield mesh


def virtual_service(name: str, hosts: str, mark: str, to: str = "echo.shop.svc.cluster.local") -> str:
    """Requests for hosts go to `to`, and answers bear a mark."""
    return f"""
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {{name: {name}, namespace: shop}}
    spec:
      hosts: {hosts}
      http: [{{headers: {{response: {{set: {{x-mark: {mark}}}}}}}, route: [{{destination: {{host: {to}}}}}]}}]
    """


def mark(mesh: RunningMesh, host: str) -> str:
    """The mark on an answer to a request for a host; empty where it has none."""
    return mesh.client("client").call("http://echo/", headers={"host": host}).headers.get("x-mark", "")


def test_routes_change_and_nothing_else_is_sent(large: RunningMesh) -> None:
    state = large.weft("proxy-status", "-v", "1")
    assert "VHDS" in state
    with large.load("client", "http://echo/") as load:
        for number in range(8):
            large.apply(virtual_service("echo", "[echo]", f"number-{number}"), "60-echo.yaml")
            assert mark(large, "echo") == f"number-{number}"
        large.withdraw("60-echo.yaml")
        assert mark(large, "echo") == ""
        load.check()


def test_a_host_that_is_removed_is_answered_no_more(large: RunningMesh) -> None:
    """By a request: an Envoy answers that it removed what it did not know, too."""
    with large.load("client", "http://echo/") as load:
        large.apply(virtual_service("gone", "[gone.example]", "there"), "60-gone.yaml")
        assert mark(large, "gone.example") == "there"
        large.withdraw("60-gone.yaml")
        assert mark(large, "gone.example") == ""
        load.check()


def test_a_domain_moves_from_one_object_to_another(large: RunningMesh) -> None:
    """Asked for all the time, it is answered by the one or by the other."""
    both = ("first", "second")
    texts = [virtual_service(name, "[moving.example]", name) for name in both]
    large.apply(texts[0], "60-moving.yaml")
    assert mark(large, "moving.example") == "first"
    with large.load("client", "http://moving.example/", to="echo:80") as load:
        for number in range(1, 7):
            large.apply(texts[number % 2], "60-moving.yaml")
            assert mark(large, "moving.example") == both[number % 2]
        load.check()
    large.withdraw("60-moving.yaml")


def test_a_killed_controller_sends_only_what_changed_meanwhile(large: RunningMesh) -> None:
    large.apply(virtual_service("echo", "[echo]", "before"), "60-echo.yaml")
    with large.load("client", "http://echo/") as load:
        large.process("controller").kill()
        large.folder.write("60-echo.yaml", virtual_service("echo", "[echo]", "after"))
        eventually(lambda: _check(mark(large, "echo") == "after"), within=60.0)
        large.settle()
        load.check()
    large.folder.delete("60-echo.yaml")


def test_a_proxy_shows_the_hosts_in_their_table(large: RunningMesh) -> None:
    pod = large.api.pod(app="client")
    rows = [
        line.split() for line in large.weft("proxy-config", "routes", f"{pod.name}.shop", "--name", "80").splitlines()
    ]
    names = {row[1] for row in rows}
    assert {
        "echo.shop.svc.cluster.local:80",
        "s0000.many.svc.cluster.local:80",
        "s0999.many.svc.cluster.local:80",
    } <= names


def _check(true: bool) -> None:
    assert true
