"""What a DestinationRule says happens to real connections (Istio, DestinationRule reference)."""

from collections import Counter
from collections.abc import Iterator

import pytest
from tests.e2e.mesh.harness.client import Call
from tests.e2e.mesh.harness.manifests import Manifest, account, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(120)]

URL = "http://echo/"
FILE = "60-mixed.yaml"


def rule(policy: str, host: str = "echo") -> str:
    return (
        f"apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: {host}, namespace: shop}}\n"
        f"spec: {{host: {host}, trafficPolicy: {{{policy}}}}}\n"
    )


def mixed() -> list[Manifest]:
    """A service of one pod that works and one that fails every request though it is ready."""
    return [
        account("shop", "mixed"),
        service("shop", "mixed", [{"name": "http", "port": 80, "targetPort": 8080}]),
        server("shop", "mixed"),
        server("shop", "mixed", version="v2", FAILING="1"),
    ]


@pytest.fixture
def half_broken(mesh: RunningMesh) -> Iterator[RunningMesh]:
    """The shared mesh with the service `mixed`."""
    mesh.apply(mixed(), FILE)
    mesh.await_pods(2, "mixed")
    mesh.settle()
    yield mesh
    mesh.withdraw(FILE)
    mesh.await_pods(0, "mixed")


def test_round_robin_takes_turns(mesh: RunningMesh) -> None:
    with mesh.config(rule("loadBalancer: {simple: ROUND_ROBIN}")):
        found = Counter(answer.pod for answer in mesh.client("client").repeat(URL, 100))
    assert set(found.values()) == {50}, found


def test_consistent_hash_by_header_sticks(mesh: RunningMesh) -> None:
    users = [f"user-{number}" for number in range(12)]
    calls = [Call(url=URL, headers={"user": user}, repeat=5, fresh=True) for user in users]
    with mesh.config(rule("loadBalancer: {consistentHash: {httpHeaderName: user}}")):
        answers = mesh.client("client").call_all(calls)
    homes = [{answer.pod for answer in found} for found in answers]
    assert all(len(pods) == 1 for pods in homes), homes
    assert len(set.union(*homes)) == 2, "all users have one home"


def test_consistent_hash_by_cookie_gives_one(mesh: RunningMesh) -> None:
    with mesh.config(rule("loadBalancer: {consistentHash: {httpCookie: {name: home, ttl: 60s}}}")):
        client = mesh.client("client")
        first = client.call(URL)
        cookie = first.headers["set-cookie"].partition(";")[0]
        again = client.repeat(URL, 10, headers={"cookie": cookie}, fresh=True)
    assert cookie.startswith("home=")
    assert {answer.pod for answer in again} == {first.pod}


def test_outlier_detection_ejects_an_endpoint_that_fails(half_broken: RunningMesh) -> None:
    url, client = "http://mixed/", half_broken.client("client")
    policy = "consecutive5xxErrors: 3, interval: 500ms, baseEjectionTime: 60s, maxEjectionPercent: 100"
    before = Counter(answer.status for answer in client.repeat(url, 40))
    assert before[503] > 5, before
    with half_broken.config(rule(f"outlierDetection: {{{policy}}}", "mixed")):
        client.repeat(url, 20)

        def check() -> None:
            assert Counter(answer.status for answer in client.repeat(url, 20)) == {200: 20}

        eventually(check)


def test_a_full_connection_pool_refuses_what_is_too_much(mesh: RunningMesh) -> None:
    limits = (
        "connectionPool: {tcp: {maxConnections: 1}, http: {http1MaxPendingRequests: 1, maxRequestsPerConnection: 1}}"
    )
    call = Call(url="http://other/?delay=0.5", repeat=10, parallel=True)
    client = mesh.client("client")
    assert {answer.status for answer in client.call_all([call])[0]} == {200}
    with mesh.config(rule(limits, "other")):
        answers = client.call_all([call])[0]
        refused = [answer for answer in answers if answer.status == 503]
        assert 1 <= len([answer for answer in answers if answer.status == 200]) <= 4, answers
        assert len(refused) >= 6, answers
        assert {answer.headers.get("x-envoy-overloaded") for answer in refused} == {"true"}
        assert client.call("http://other/").status == 200, "one at a time is not too much"


def test_a_request_that_no_server_has_seen_is_tried_elsewhere(mesh: RunningMesh) -> None:
    """Istio, MeshConfig.defaultHttpRetryPolicy: connect-failure. One of the two endpoints listens nowhere."""
    old = mesh.api.pod(app="old").address
    entry = f"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {{name: half-dead, namespace: shop}}
        spec:
          hosts: [half-dead.example]
          resolution: STATIC
          ports: [{{number: 80, name: http, protocol: HTTP}}]
          endpoints:
            - {{address: {old}, ports: {{http: 8080}}}}
            - {{address: {old}, ports: {{http: 1}}}}
        """
    with mesh.config(entry):
        answers = mesh.client("client").repeat("http://half-dead.example/", 30)
    assert Counter(answer.status for answer in answers) == {200: 30}
    attempts = Counter(answer.told["headers"]["x-envoy-attempt-count"] for answer in answers)
    assert attempts["2"] > 0, f"the dead endpoint was never tried: {attempts}"
