"""Shares of traffic, and changes of routes and endpoints while requests flow: none may fail."""

import time
from collections.abc import Iterator

import pytest
from tests.e2e.mesh.harness.bounds import within_chance
from tests.e2e.mesh.harness.client import versions
from tests.e2e.mesh.harness.manifests import Manifest, account, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(180)]

SUBSETS = """
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {name: echo, namespace: shop}
    spec:
      host: echo
      subsets:
        - {name: v1, labels: {version: v1}}
        - {name: v2, labels: {version: v2}}
    """
FILE = "60-elastic.yaml"


def weights(first: int, second: int) -> str:
    return f"""{SUBSETS}
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {{name: echo, namespace: shop}}
    spec:
      hosts: [echo]
      http:
        - route:
            - {{destination: {{host: echo, subset: v1}}, weight: {first}}}
            - {{destination: {{host: echo, subset: v2}}, weight: {second}}}
    """


def elastic(replicas: int, version: str = "v1", app: str = "elastic") -> list[Manifest]:
    """A service of its own for changes of endpoints; its Deployment keeps its name, whatever the version."""
    deployment = server("shop", app, version=version, replicas=replicas)
    deployment["metadata"]["name"] = app
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return [account("shop", app), service("shop", app, ports), deployment]


@pytest.fixture
def grown(mesh: RunningMesh) -> Iterator[RunningMesh]:
    """The shared mesh with one pod of `elastic`."""
    mesh.apply(elastic(1), FILE)
    mesh.await_pods(1, "elastic")
    mesh.settle()
    yield mesh
    mesh.folder.delete(FILE)
    mesh.await_pods(0, "elastic")
    mesh.settle()


def test_a_90_10_split_stays_within_the_bounds_of_chance(mesh: RunningMesh) -> None:
    with mesh.config(weights(90, 10)):
        found = versions(mesh.client("client").repeat("http://echo/", 2_000))
    assert set(found) == {"v1", "v2"}
    assert within_chance(found["v2"], 2_000, 0.1), found


def test_weights_change_under_load_without_a_failed_request(mesh: RunningMesh) -> None:
    client = mesh.client("client")
    mesh.apply(weights(100, 0), FILE)
    with mesh.load("client", "http://echo/") as load:
        for first in (90, 50, 10, 0, 100, 30):
            mesh.apply(weights(first, 100 - first), FILE)
            time.sleep(0.5)
        found = versions(client.repeat("http://echo/", 500))
        mesh.withdraw(FILE)
        result = load.check()
    assert within_chance(found["v1"], 500, 0.3), found
    assert min(result.versions["v1"], result.versions["v2"]) > 200, result


def test_scaling_and_rolling_updates_under_load_lose_no_request(grown: RunningMesh) -> None:
    other = "stranger" if grown.isolation != "loopback" else "visitor"  # who has no sidecar knows no names there
    with grown.load("client", "http://elastic/") as load, grown.load(other, "http://elastic.shop/", 60.0) as plain:
        for replicas, version in ((3, "v1"), (1, "v1"), (2, "v1"), (2, "v2"), (1, "v2"), (1, "v3")):
            grown.folder.write(FILE, elastic(replicas, version))
            grown.await_pods(replicas, "elastic", version=version)
            time.sleep(1.0)
        plain.check(f"by {other}")
        result = load.check()
    assert {"v1", "v2", "v3"} <= result.versions.keys(), result
    assert len(result.pods) >= 7, result


def test_requests_that_take_long_survive_the_end_of_their_pod(grown: RunningMesh) -> None:
    url = "http://elastic/?delay=1.5"
    with grown.load("client", url, 20.0, kept=30, fresh=10) as load:
        for replicas, version in ((2, "v1"), (1, "v2"), (1, "v3")):
            grown.folder.write(FILE, elastic(replicas, version))
            grown.await_pods(replicas, "elastic", version=version)
        time.sleep(3.0)
        load.check()


def test_a_chain_of_services_that_are_all_replaced_loses_no_request(grown: RunningMesh) -> None:
    """A pod that is ending still has requests to finish, for which it needs to know its own servers' new pods."""
    grown.apply(elastic(1, app="front"), "61-front.yaml")
    grown.await_pods(1, "front")
    grown.settle()
    with grown.load("client", "http://front/?via=elastic&delay=3", 10.0, kept=30, fresh=20) as load:
        for version in ("v2", "v3"):
            grown.folder.write("61-front.yaml", elastic(1, version, app="front"))
            grown.folder.write(FILE, elastic(1, version))
            grown.await_pods(1, "front", version=version)
            grown.await_pods(1, "elastic", version=version)
        time.sleep(3.0)
        load.check()
    grown.folder.delete("61-front.yaml")
    grown.await_pods(0, "front")
