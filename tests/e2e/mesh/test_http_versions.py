"""HTTP/1.1 of applications travels as HTTP/2 between sidecars, and they do not notice."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import pytest
from tests.e2e.mesh.harness.manifests import IMAGE, Manifest, account, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(180)]

FILE: Final = "70-versions.yaml"
PORTS: Final = ({"name": "http", "port": 80, "targetPort": 8080},)
STREAMS: Final = "streams.shop.svc.cluster.local"

UPGRADED: Final = """
import socket
with socket.create_connection(("streams", 80), timeout=10) as connection:
    lines = ("GET /chat HTTP/1.1", "Host: streams", "Connection: Upgrade", "Upgrade: websocket",
             "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    connection.sendall("".join(line + "\\r\\n" for line in (*lines, "")).encode())
    head = b""
    while b"\\r\\n\\r\\n" not in head:
        head += connection.recv(4096)
    print(head.splitlines()[0].decode())
    for text in (b"to and fro", b"again"):
        connection.sendall(text)
        print(connection.recv(4096).decode())
"""
STALLED: Final = """
import socket, time, urllib.request
stalled = []
for _ in range(64):
    connection = socket.create_connection(("streams", 80), timeout=10)
    connection.sendall(b"GET /large HTTP/1.1\\r\\nHost: streams\\r\\n\\r\\n")
    assert b" 200 " in connection.recv(64)
    stalled.append(connection)
time.sleep(4)
for _ in range(20):
    with urllib.request.urlopen("http://streams/", timeout=5) as answer:
        print(answer.status)
"""
LIMITED: Final = """
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {name: streams, namespace: shop}
    spec:
      host: streams
      trafficPolicy: {connectionPool: {http: {http1MaxPendingRequests: 100}}}
    """


def streams() -> list[Manifest]:
    """The service `streams`, in one pod."""
    deployment = server("shop", "streams")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    container |= {"image": IMAGE, "command": ["python3", "-S", "streams.py"]}
    return [account("shop", "streams"), service("shop", "streams", PORTS), deployment]


def without_sidecar(app: str) -> Manifest:
    """One more pod of an application, which no sidecar stands before."""
    deployment = server("shop", app, version="plain")
    deployment["spec"]["template"]["metadata"]["labels"]["sidecar.istio.io/inject"] = "false"
    return deployment


@pytest.fixture
def streaming(mesh: RunningMesh) -> Iterator[RunningMesh]:
    """The shared mesh with the service `streams`."""
    mesh.apply(streams(), FILE)
    mesh.await_pods(1, "streams")
    mesh.settle()
    yield mesh
    mesh.folder.delete(FILE)
    mesh.await_pods(0, "streams")
    mesh.settle()


def connections(mesh: RunningMesh, version: str) -> int:
    """Connections from the client's sidecar to `streams` so far, of a version of HTTP."""
    envoy = mesh.admin(mesh.api.pod("shop", app="client"))
    return sum(envoy.counters(rf"outbound\|80\|\|{STREAMS}.*upstream_cx_{version}_total").values())


def test_requests_of_http_1_share_a_connection_of_http_2_between_sidecars(streaming: RunningMesh) -> None:
    client = streaming.client("client")
    assert client.call("http://streams/").status == 200
    answers = client.repeat("http://streams/", 20, parallel=True)
    assert [answer.status for answer in answers] == [200] * 20
    assert (connections(streaming, "http2"), connections(streaming, "http1")) == (1, 0)


def test_limits_that_count_connections_keep_http_1(streaming: RunningMesh) -> None:
    with streaming.config(LIMITED):
        assert streaming.client("client").call("http://streams/").status == 200
        assert connections(streaming, "http1") == 1


def test_a_connection_that_is_upgraded_passes_both_sidecars(streaming: RunningMesh) -> None:
    said = streaming.client("client").run(sys.executable, "-S", "-c", UPGRADED)
    assert said.splitlines() == ["HTTP/1.1 101 Switching Protocols", "to and fro", "again"]
    assert connections(streaming, "http1") == 0


def test_readers_that_stop_hold_up_nobody_and_cost_sidecars_little(streaming: RunningMesh) -> None:
    envoys = [streaming.admin(streaming.api.pod("shop", app=app)) for app in ("client", "streams")]
    most = 0
    with ThreadPoolExecutor(1) as pool:
        calls = pool.submit(streaming.client("client").run, sys.executable, "-S", "-c", STALLED)
        while not calls.done():
            most = max(most, *(int(envoy.json("/memory")["allocated"]) for envoy in envoys))
            time.sleep(0.1)
    assert calls.result().splitlines() == ["200"] * 20
    assert connections(streaming, "http1") == 0
    assert most < 64 * 2.5 * 2**20, "each has a window of 1 MiB, and there are buffers"


def test_a_pod_without_a_sidecar_comes_and_goes_under_load_without_a_failed_request(mesh: RunningMesh) -> None:
    """It is called in plain HTTP/1.1, and so are all of its service then."""
    mixed = [account("shop", "mixed"), service("shop", "mixed", PORTS), server("shop", "mixed")]
    mesh.apply(mixed, FILE)
    mesh.await_pods(1, "mixed")
    mesh.settle()
    with mesh.load("client", "http://mixed/") as load:
        for _ in range(2):
            mesh.folder.write(FILE, [*mixed, without_sidecar("mixed")])
            pods = mesh.await_pods(2, "mixed")
            eventually(partial(check_answer, mesh, {pod.name for pod in pods}))
            mesh.folder.write(FILE, mixed)
            mesh.await_pods(1, "mixed")
        result = load.check()
    assert result.versions.keys() == {"v1", "plain"}, result
    mesh.folder.delete(FILE)
    mesh.await_pods(0, "mixed")
    mesh.settle()


def check_answer(mesh: RunningMesh, pods: set[str]) -> None:
    """All these pods answer the client."""
    answers = mesh.client("client").repeat("http://mixed/", 20, fresh=True)
    assert {answer.pod for answer in answers} == pods
