"""Headless services: clients choose a pod, by its address or name, and get it, by mutual TLS (Kubernetes, "Headless
Services"; every server here refuses plain connections)."""

import re

import pytest
from tests.e2e.mesh.harness.client import Call
from tests.e2e.mesh.harness.manifests import service
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually
from tests.e2e.mesh.names.conftest import PORTS, headless, member

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(120)]

MEMBERS = ("db-0", "db-1")
CLIENT = "cluster.local/ns/shop/sa/client"


def resolved(mesh: RunningMesh, name: str) -> set[str]:
    """The addresses that a program in a pod gets for a name."""
    code = f"import socket; print(*{{each[4][0] for each in socket.getaddrinfo({name!r}, 0, socket.AF_INET)}})"
    return set(mesh.client("client").run("python3", "-S", "-c", code).split())


def addresses(mesh: RunningMesh) -> dict[str, str]:
    """The addresses of the members by name."""
    return {pod.name: pod.address for pod in mesh.api.pods("shop", app="db") if pod.ready}


def test_the_name_of_a_headless_service_leads_to_all_its_pods(mesh: RunningMesh) -> None:
    for name in ("db", "db.shop", "db.shop.svc.cluster.local"):
        assert resolved(mesh, name) == set(addresses(mesh).values())


@pytest.mark.parametrize("name", ["{0}.db", "{0}.db.shop", "{0}.db.shop.svc", "{0}.db.shop.svc.cluster.local"])
def test_a_pod_with_a_host_name_has_a_name_of_its_own(mesh: RunningMesh, name: str) -> None:
    found = addresses(mesh)
    assert {resolved(mesh, name.format(each)).pop() for each in MEMBERS} == {found[each] for each in MEMBERS}


@pytest.mark.parametrize("port", [8080, 8082], ids=["declared", "detected"])
@pytest.mark.parametrize("member", MEMBERS)
def test_requests_to_the_name_of_a_pod_reach_that_pod(mesh: RunningMesh, member: str, port: int) -> None:
    answers = mesh.client("client").repeat(f"http://{member}.db:{port}/", 6, fresh=True)
    assert {(each.status, each.pod, each.caller) for each in answers} == {(200, member, CLIENT)}


@pytest.mark.parametrize("port", [8080, 8082], ids=["declared", "detected"])
def test_requests_to_the_address_of_a_pod_reach_that_pod(mesh: RunningMesh, port: int) -> None:
    for name, address in addresses(mesh).items():
        answers = mesh.client("client").repeat(f"http://{address}:{port}/", 4, fresh=True)
        assert {(each.status, each.pod, each.caller) for each in answers} == {(200, name, CLIENT)}


def test_requests_to_the_service_reach_all_pods(mesh: RunningMesh) -> None:
    answers = mesh.client("client").repeat("http://db:8080/", 40, fresh=True)
    assert {each.pod for each in answers} == set(MEMBERS)


@pytest.mark.parametrize("port", [9000, 9001], ids=["declared", "detected"])
def test_connections_of_bytes_reach_the_pod_that_was_called(mesh: RunningMesh, port: int) -> None:
    calls = [Call(url=f"tcp://{each}.db:{port}", body="hello\n", repeat=4) for each in MEMBERS]
    answers = mesh.client("client").call_all(calls)
    assert [{each.body for each in several} for several in answers] == [{f"v1 {each} hello"} for each in MEMBERS]


def test_connections_of_bytes_are_of_mutual_tls(mesh: RunningMesh) -> None:
    """The same server refuses a client without a sidecar; with one the client's identity is in the server's log."""
    stranger, address = mesh.client("stranger"), addresses(mesh)["db-0"]
    assert stranger.call(f"tcp://{address}:9000", body="hello\n").body == ""
    mesh.client("client").call("tcp://db-0.db:9000", body="hello\n")
    admin = mesh.admin(mesh.api.pod("shop", app="client"))
    clusters = admin.get("/clusters").decode()
    assert re.search(rf"outbound\|9000\|\|db\.shop[^\n]*{re.escape(address)}:9000::cx_total::[1-9]", clusters)


def test_a_pod_that_comes_or_goes_leaves_the_connections_to_others_alone(mesh: RunningMesh) -> None:
    with mesh.load("client", "http://db-0.db:8082/", 50) as load:
        with mesh.config([member("db-2")], "60-member.yaml"):
            mesh.await_pods(3, "db")
            mesh.settle()
            assert mesh.client("client").call("tcp://db-2.db:9000", body="hi\n").body == "v1 db-2 hi"
        mesh.await_pods(2, "db")
        load.check()


def test_pods_that_are_not_ready_are_published_only_if_that_is_asked_for(mesh: RunningMesh) -> None:
    unready = member("db-9")
    container = unready["spec"]["containers"][0]
    container["readinessProbe"] = {"exec": {"command": ["false"]}, "periodSeconds": 1}
    eager = headless(service("shop", "db-all", PORTS, app="db"), publishNotReadyAddresses=True)
    with mesh.config([unready, eager], "60-unready.yaml"):
        eventually(lambda: check_published(mesh))
        answer = mesh.client("client").call("tcp://db-9.db:9000", body="hi\n")
        assert answer.status == 0, "db-9 has no name in db before it is ready"


def check_published(mesh: RunningMesh) -> None:
    found = mesh.api.pods("shop", app="db")
    waiting = {pod.address for pod in found if pod.name == "db-9"}
    assert waiting
    assert resolved(mesh, "db-all") == {pod.address for pod in found}
    assert resolved(mesh, "db") == {pod.address for pod in found} - waiting
    (address,) = waiting
    assert mesh.client("client").call(f"tcp://{address}:9000", body="hi\n").body == "v1 db-9 hi"
