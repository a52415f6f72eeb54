"""DNS that sidecars answer (Istio, "DNS Proxying"): what is asked of any server on port 53 of a pod that wants it."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.e2e.mesh.harness.manifests import Manifest, account, client, mesh_config, service
from tests.e2e.mesh.harness.mesh import BASE, RunningMesh
from tests.e2e.mesh.harness.waiting import eventually
from tests.e2e.mesh.names.conftest import manifests
from tests.e2e.mesh.names.test_aliases import alias

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(180)]

HERE: Final = Path(__file__).parent
CAPTURE: Final = "proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true', ISTIO_META_DNS_AUTO_ALLOCATE: 'true'}"
ENTRY: Final = """\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: {name}, namespace: shop}}
spec:
  hosts: ["{host}"]
  {addresses}
  location: MESH_INTERNAL
  resolution: STATIC
  ports: [{{number: 80, name: http, protocol: HTTP, targetPort: 8080}}]
  endpoints: [{{address: {endpoint}, labels: {{security.istio.io/tlsMode: istio}}}}]
"""


def asker(name: str, *nameservers: str) -> Manifest:
    """A client whose sidecar answers DNS, and asks these servers for names that it does not know."""
    made = client("shop", name)
    template = made["spec"]["template"]
    template["metadata"]["annotations"] = {"proxy.istio.io/config": CAPTURE}
    if nameservers:
        template["spec"]["dnsConfig"] = {"nameservers": list(nameservers)}
    return made


@pytest.fixture(scope="module")
def asking(named: RunningMesh) -> Iterator[RunningMesh]:
    """The mesh with such a client, and hosts without and with a pattern."""
    endpoint = named.api.pods("shop", app="echo")[0].address
    hosts = ENTRY.format(name="api", host="api.example", addresses="", endpoint=endpoint)
    stated = "addresses: [240.240.200.9]"
    pattern = ENTRY.format(name="wild", host="*.wild.example", addresses=stated, endpoint=endpoint)
    text = [account("shop", "asker"), asker("asker")]
    with named.config(text, "80-asker.yaml"), named.config(f"{hosts}---\n{pattern}", "81-entries.yaml"):
        named.await_pods(1, "asker")
        eventually(lambda: check(ask(named, "db/A")[0]["code"] == "NOERROR"))
        yield named


def check(condition: bool) -> None:
    assert condition


def ask(mesh: RunningMesh, *wanted: str, app: str = "asker", server: str = "127.0.0.1", by: str = "udp") -> Any:
    """What a server says to questions `name/type` of a pod."""
    command = (sys.executable, "-S", str(HERE / "questions.py"), server, by, *wanted)
    return msgspec.json.decode(mesh.client(app).run(*command))


def answered(mesh: RunningMesh, *wanted: str, **where: str) -> list[Any]:
    """The addresses of each answer, or its code where it is not a good one."""
    found = ask(mesh, *wanted, **where)
    return [each["addresses"] if each["code"] == "NOERROR" else each["code"] for each in found]


def entries(mesh: RunningMesh) -> dict[str, str]:
    """The names of the hosts file of the mesh's pods."""
    lines = mesh.client("asker").run("cat", "/etc/hosts").splitlines()
    pairs = (line.split() for line in lines if line and not line.startswith("#"))
    return {name: address for address, *names in pairs for name in names}


def test_a_service_is_known_by_all_its_names(asking: RunningMesh) -> None:
    address = entries(asking)["echo"]
    names = ("echo", "echo.shop", "echo.shop.svc", "echo.shop.svc.cluster.local")
    assert answered(asking, *(f"{name}/A" for name in names)) == [[address]] * 4


def test_an_address_of_ipv4_is_told_as_ipv6_too(asking: RunningMesh) -> None:
    """Envoy's filter would say NXDOMAIN to AAAA, and musl would take that for the end of the name."""
    address = entries(asking)["echo"]
    assert answered(asking, "echo/AAAA") == [[f"::ffff:{address}"]]
    code = f"import socket; socket.create_connection(('::ffff:{address}', 80)).close(); print('well')"
    assert asking.client("asker").run(sys.executable, "-S", "-c", code) == "well\n"


def test_a_headless_service_has_all_its_addresses_and_its_pods_have_names(asking: RunningMesh) -> None:
    pods = {pod.name: pod.address for pod in asking.api.pods("shop", app="db")}
    assert answered(asking, "db/A", "db-0.db/A", "db-1.db.shop.svc.cluster.local/A") == [
        sorted(pods.values()),
        [pods["db-0"]],
        [pods["db-1"]],
    ]


def test_hosts_of_entries_have_the_addresses_that_were_given_to_them(asking: RunningMesh) -> None:
    address = entries(asking)["api.example"]
    assert address.startswith("240.240.")
    assert answered(asking, "api.example/A", "some.wild.example/A", "a.b.wild.example/A") == [
        [address],
        ["240.240.200.9"],
        ["240.240.200.9"],
    ]


def test_programs_find_hosts_that_only_dns_can_name(asking: RunningMesh) -> None:
    """A hosts file has no patterns, so this goes by the C library to the sidecar and then to the service."""
    answer = asking.client("asker").call("http://some.wild.example/")
    assert (answer.status, answer.told["host"]) == (200, "some.wild.example")


def test_another_name_for_a_service_is_known(asking: RunningMesh) -> None:
    with asking.config([alias("echo.shop.svc.cluster.local")]):
        assert answered(asking, "friend/A") == [[entries(asking)["echo"]]]


def test_what_nobody_knows_is_said_at_once(asking: RunningMesh) -> None:
    assert answered(asking, "unknown.example/A", "unknown.example/AAAA", "echo/TXT") == [
        "NXDOMAIN",
        "NXDOMAIN",
        "NOTIMP",
    ]
    assert answered(asking, "echo/A", by="tcp")[0] in ("closed", "ConnectionResetError")


@pytest.mark.isolation("netns")  # else only the server of resolv.conf: Envoy has no user of its own there
def test_whatever_server_is_asked_the_sidecar_answers(asking: RunningMesh) -> None:
    address = entries(asking)["echo"]
    assert answered(asking, "echo/A", server="198.51.100.53") == [[address]]


def test_without_capture_nobody_answers(asking: RunningMesh) -> None:
    assert answered(asking, "echo/A", app="client") == ["ConnectionRefusedError"]


def test_a_new_host_is_known_and_a_gone_one_is_not(asking: RunningMesh) -> None:
    with asking.config([service("shop", "fresh", [{"name": "http", "port": 80}])]):
        assert answered(asking, "fresh/A") == [[entries(asking)["fresh"]]]
    assert answered(asking, "fresh/A") == ["NXDOMAIN"]


def test_no_question_is_lost_while_hosts_change(asking: RunningMesh) -> None:
    address = entries(asking)["echo"]
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(lambda: answered(asking, *["echo/A"] * 4_000))
        changes = 0
        while not answers.done() or not changes:
            with asking.config([service("shop", f"change-{changes}", [{"name": "http", "port": 80}])]):
                changes += 1
        assert answers.result() == [[address]] * 4_000


@pytest.fixture
def resolver(named: RunningMesh) -> Iterator[str]:
    """A resolver on the machine that says 192.0.2.7 to every question for A; its address."""
    address = str(named.network.host)
    command = named.outer.inside(sys.executable, "-S", str(HERE / "resolver.py"), address)
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield address
        finally:
            process.terminate()


@pytest.mark.isolation("netns")  # the machine must be in the network of the pods
def test_resolvers_of_the_pod_are_asked_for_other_names(asking: RunningMesh, resolver: str) -> None:
    with asking.config([account("shop", "curious"), asker("curious", resolver)]):
        asking.await_pods(1, "curious")
        known = entries(asking)["echo"]
        expected = [["192.0.2.7"], [known]]
        eventually(lambda: check(answered(asking, "www.example/A", "echo/A", app="curious") == expected))
        assert answered(asking, "www.example/A", app="curious", by="tcp") == [["192.0.2.7"]]


def test_the_mesh_can_say_it_for_all_pods_that_run(asking: RunningMesh) -> None:
    settings = mesh_config(f"accessLogFile: /dev/stdout\ndefaultConfig: {{{CAPTURE}}}\n")
    changed = [settings if each["kind"] == "ConfigMap" else each for each in manifests()]
    asking.folder.write(BASE, changed)
    try:
        eventually(lambda: check(answered(asking, "echo/A", app="client") == [[entries(asking)["echo"]]]))
    finally:
        asking.folder.write(BASE, manifests())
    eventually(lambda: check(answered(asking, "echo/A", app="client") == ["ConnectionRefusedError"]))


def test_what_answers_is_shown_among_the_listeners(asking: RunningMesh) -> None:
    pod = asking.api.pod(app="asker")
    shown = asking.weft("proxy-config", "listeners", f"{pod.name}.shop")
    assert "15053" in shown
