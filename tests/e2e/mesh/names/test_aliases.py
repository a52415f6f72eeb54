"""Services of type ExternalName: other names for services of the mesh, and names for hosts outside (Kubernetes,
"ExternalName"; Istio, ENABLE_EXTERNAL_NAME_ALIAS)."""

import pytest
from tests.e2e.mesh.harness.client import Response
from tests.e2e.mesh.harness.manifests import Manifest, account, service
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually
from tests.e2e.mesh.names.conftest import PORTS, headless, member

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(120)]

CLIENT = "cluster.local/ns/shop/sa/client"
NAMES = ("friend", "friend.shop", "friend.shop.svc.cluster.local")


def alias(target: str, *, name: str = "friend", ports: tuple[Manifest, ...] = ()) -> Manifest:
    """A service that is another name for a host."""
    spec = {"type": "ExternalName", "externalName": target, **({"ports": list(ports)} if ports else {})}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


ROUTES = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: echo, namespace: shop}
spec:
  hosts: [echo]
  http: [{route: [{destination: {host: echo}}], headers: {response: {set: {x-routed: "yes"}}}}]
"""


def test_another_name_for_a_service_is_served_like_it(mesh: RunningMesh) -> None:
    """By mutual TLS (the server refuses all else), with its routes; it needs no ports of its own."""
    with mesh.config([alias("echo.shop.svc.cluster.local")]), mesh.config(ROUTES, "51-routes.yaml"):
        for name in NAMES:
            answer = mesh.client("client").call(f"http://{name}/")
            assert (answer.status, answer.caller, answer.headers.get("x-routed")) == (200, CLIENT, "yes")
        assert mesh.client("client").call("tcp://friend:9000", body="hello\n").body.endswith("hello")


def test_a_route_may_lead_to_another_name(mesh: RunningMesh) -> None:
    routes = ROUTES.replace("hosts: [echo]", "hosts: [gone.example]").replace("host: echo}", "host: friend}")
    with mesh.config([alias("echo.shop.svc.cluster.local")]), mesh.config(routes, "51-routes.yaml"):
        answer = mesh.client("client").call("http://echo/", headers={"host": "gone.example"})
    assert (answer.status, answer.caller) == (200, CLIENT)


def test_names_of_names_lead_to_the_service(mesh: RunningMesh) -> None:
    chain = [alias("friend.shop.svc.cluster.local", name="foe"), alias("echo.shop.svc.cluster.local")]
    with mesh.config(chain):
        assert mesh.client("client").call("http://foe/").caller == CLIENT


def test_another_name_for_a_headless_service_has_its_pods(mesh: RunningMesh) -> None:
    with mesh.config([alias("db.shop.svc.cluster.local")]):
        answers = mesh.client("client").repeat("http://friend:8080/", 30, fresh=True)
        line = mesh.client("client").call("tcp://friend:9000", body="hello\n").body
    assert {answer.pod for answer in answers} == {"db-0", "db-1"}
    assert line.startswith("v1 db-")


def test_another_name_for_a_host_of_a_service_entry(mesh: RunningMesh) -> None:
    """The entry says how the host is reached."""
    address = mesh.api.pods("shop", app="echo")[0].address
    entry = f"""\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: partner, namespace: shop}}
spec:
  hosts: [partner.example]
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{{number: 80, name: http, protocol: HTTP, targetPort: 8080}}]
  endpoints: [{{address: {address}, labels: {{security.istio.io/tlsMode: istio}}}}]
"""
    with mesh.config(entry), mesh.config([alias("partner.example")], "51-alias.yaml"):
        assert mesh.client("client").call("http://friend/").caller == CLIENT


def test_a_name_for_a_host_that_dns_resolves(mesh: RunningMesh) -> None:
    """It has an address of its own, by which the sidecar knows it, so bytes find their way too. DNS is the hosts file
    of the pod here: it knows a pod that is no service of the mesh."""
    outside = [
        account("plain", "old"),
        headless(service("plain", "old", PORTS)),
        member("old-0", of="old", inside="plain"),
    ]
    ports = ({"name": "http", "port": 8080}, {"name": "tcp", "port": 9000})
    named = alias("old-0.old.plain.svc.cluster.local", ports=ports)
    with mesh.config(outside):
        mesh.await_pods(1, "old")  # before DNS is asked for it: the pauses between attempts grow
        client = mesh.client("client")
        eventually(lambda: client.run("getent", "hosts", "old-0.old.plain.svc.cluster.local"))
        with mesh.config([named], "51-alias.yaml"):
            eventually(lambda: check_answer(client.call("http://friend:8080/")))
            assert client.call("tcp://friend:9000", body="hello\n").body == "v1 old-0 hello"


def check_answer(answer: Response) -> None:
    assert (answer.status, answer.pod) == (200, "old-0")
    assert "x-envoy-upstream-service-time" in answer.headers, "it did not pass the sidecar"
