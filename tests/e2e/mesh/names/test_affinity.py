"""Session affinity: a client stays at one endpoint (Kubernetes, "Session affinity")."""

from collections.abc import Iterator
from functools import partial

import pytest
from tests.e2e.mesh.harness.client import Client
from tests.e2e.mesh.harness.manifests import account, client, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(180)]

PORTS = [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "tcp", "port": 9000}]
RANDOM = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: sticky, namespace: shop}
spec: {host: sticky, trafficPolicy: {loadBalancer: {simple: RANDOM}}}
"""


@pytest.fixture(scope="module")
def sticky(named: RunningMesh) -> Iterator[RunningMesh]:
    """Four servers behind a service that keeps its clients, called from three pods with sidecars and from one
    without."""
    made = service("shop", "sticky", PORTS)
    made["spec"]["sessionAffinity"] = "ClientIP"
    made["spec"]["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 600}}
    crowd = client("shop", "crowd")
    crowd["spec"]["replicas"] = 3
    plain = server("plain", "bare", replicas=4, tcp=(9000,))
    bare = {
        **made,
        "metadata": {"name": "bare", "namespace": "plain"},
        "spec": {**made["spec"], "selector": {"app": "bare"}},
    }
    accounts = [account("shop", "sticky"), account("shop", "crowd"), account("plain", "bare")]
    contents = [*accounts, made, server("shop", "sticky", replicas=4, tcp=(9000,)), crowd, plain, bare]
    with named.config(contents, "70-sticky.yaml"):
        for count, app in ((4, "sticky"), (3, "crowd"), (4, "bare")):
            named.await_pods(count, app)
        named.settle()
        yield named


def pods_seen(mesh: RunningMesh, app: str, host: str) -> list[tuple[set[str], set[str]]]:
    """The pods that answered each client of an application, by HTTP and by bytes."""
    found = []
    for pod in mesh.api.pods(app=app):
        caller = Client(partial(mesh.enter, pod))
        web = {answer.pod for answer in caller.repeat(f"http://{host}/", 12, fresh=True)}
        lines = {answer.body.split()[1] for answer in caller.repeat(f"tcp://{host}:9000", 12, body="hello\n")}
        found.append((web, lines))
    return found


def test_each_client_stays_at_one_endpoint(sticky: RunningMesh) -> None:
    found = pods_seen(sticky, "crowd", "sticky")
    assert [(len(web), len(lines)) for web, lines in found] == [(1, 1)] * 3


def test_what_a_destination_rule_says_of_balancing_comes_first(sticky: RunningMesh) -> None:
    with sticky.config(RANDOM):
        found = pods_seen(sticky, "crowd", "sticky")
    assert all(len(web) > 1 and len(lines) > 1 for web, lines in found)


def test_a_client_without_a_sidecar_stays_too_also_when_other_services_change(sticky: RunningMesh) -> None:
    ((web, lines),) = pods_seen(sticky, "stranger", "bare.plain")
    assert (len(web), len(lines)) == (1, 1)
    with sticky.config([service("plain", "other", PORTS)]):
        eventually(lambda: sticky.client("stranger").run("getent", "hosts", "other"))
        assert pods_seen(sticky, "stranger", "bare.plain") == [(web, lines)]
