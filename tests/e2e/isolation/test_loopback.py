"""A mesh without any privilege: what holds, what is said not to, and what survives which kill."""

import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from tests.e2e.isolation.loopback_meshes import GATEWAY_PORT, LoopbackMesh, bare_user
from tests.e2e.isolation.users import User, output
from tests.e2e.mesh.harness import processes
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(120)]

_CLIENT = "cluster.local/ns/shop/sa/client"


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    with bare_user() as found:
        yield found


@pytest.fixture(scope="module")
def mesh(user: User) -> Iterator[LoopbackMesh]:
    found = LoopbackMesh(user)
    user.own(user.home)
    try:
        found.start()
        yield found
    finally:
        found.abandon()


def hold(condition: Callable[[], bool], *, within: float = 10.0) -> None:
    def check() -> None:
        assert condition()

    eventually(check, within=within)


def test_requests_go_through_both_envoys_by_mutual_tls(mesh: LoopbackMesh) -> None:
    answer = mesh.ask("client", "http://echo/")
    assert answer.status == 200
    assert f"URI=spiffe://{_CLIENT}" in answer.body
    log = output(mesh.weft("logs", "-n", "shop", "deploy/client", "-c", "istio-proxy"))
    assert "outbound|80||echo.shop.svc.cluster.local" in log


@pytest.mark.parametrize("host", ["echo:80", "echo.shop", "echo.shop.svc.cluster.local", "echo:8081", "echo.shop:8081"])
def test_hosts_are_known_by_the_same_names_as_where_they_are_captured(mesh: LoopbackMesh, host: str) -> None:
    assert mesh.ask("client", f"http://{host}/").status == 200


def test_a_port_that_no_service_has_is_not_another_one(mesh: LoopbackMesh) -> None:
    assert mesh.ask("client", "http://echo:81/").status in (502, 503)


def test_bytes_go_through_a_tunnel_with_the_same_identity(mesh: LoopbackMesh) -> None:
    lines = ("curl", "-s", "-p", "-m", "5", "-x", f"http://{mesh.proxy_address('client')}:15001", "telnet://echo:9000")
    vector = mesh.weft("exec", "-i", "-n", "shop", "deploy/client", "--", *lines)
    done = subprocess.run(vector, input="hello\n", capture_output=True, text=True, timeout=30)
    assert "hello" in done.stdout
    hold(lambda: re.search(rf'inbound\|9000\|\|.*"spiffe://{_CLIENT}"', mesh.logs_of_echo()) is not None)


def test_routes_by_header_and_weight_are_in_force(mesh: LoopbackMesh) -> None:
    routes = """
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {name: echo, namespace: shop}
        spec:
          hosts: [echo]
          http:
          - match: [{headers: {x-group: {exact: beta}}}]
            route: [{destination: {host: echo, subset: v2}}]
          - route:
            - {destination: {host: echo, subset: v1}, weight: 75}
            - {destination: {host: echo, subset: v2}, weight: 25}
        ---
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {name: echo, namespace: shop}
        spec:
          host: echo
          subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
        """
    with mesh.config(routes):
        beta = ("http://echo/", "-H", "x-group: beta")
        hold(lambda: {mesh.ask("client", *beta).told["version"] for _ in range(3)} == {"v2"})
        url = "http://echo/[1-200]"
        bodies = output(mesh.inside("client", "curl", "-s", "-m", "20", "-w", "\n", url)).splitlines()
        versions = Counter(re.findall(r'"version": ?"(v[12])"', "".join(bodies)))
        assert versions.total() == 200
        assert 20 <= versions["v2"] <= 80, versions


def test_a_policy_refuses_and_its_log_names_it(mesh: LoopbackMesh) -> None:
    policy = """
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {name: no-visitors, namespace: shop}
        spec:
          action: DENY
          selector: {matchLabels: {app: echo}}
          rules: [{from: [{source: {principals: ["cluster.local/ns/shop/sa/visitor"]}}]}]
        """
    with mesh.config(policy):
        hold(lambda: mesh.ask("visitor", "http://echo/").status == 403)
        assert mesh.ask("client", "http://echo/").status == 200
        hold(lambda: "policy[no-visitors]" in mesh.logs_of_echo())
    hold(lambda: mesh.ask("visitor", "http://echo/").status == 200)


def test_strict_holds_at_envoys_and_is_said_not_to_hold_past_them(mesh: LoopbackMesh) -> None:
    pod = next(pod for pod in mesh.api.pods() if pod.labels["app"] == "echo")
    assert mesh.ask("visitor", f"http://{mesh.proxy_address('echo')}:8080/").status == 0
    assert mesh.ask("visitor", f"http://{pod.address}:8080/").status == 200
    said = {(issue.issue.code, issue.issue.severity) for issue in mesh.api.issues()}
    assert said == {("WEFT0306", "warning"), ("WEFT0503", "info")}
    assert "STRICT mutual TLS can't be enforced" in output(mesh.weft("status"))


def test_unknown_hosts_are_refused_where_the_mesh_says_so(mesh: LoopbackMesh) -> None:
    sidecar = """
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: {name: default, namespace: shop}
        spec: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}
        """
    with mesh.config(sidecar):
        hold(lambda: mesh.ask("client", "http://nowhere.test/").status == 502)
        assert mesh.ask("client", "http://echo/").status == 200


def test_an_envoy_is_not_led_to_itself(mesh: LoopbackMesh) -> None:
    own = mesh.proxy_address("client")
    assert mesh.ask("client", f"http://{own}:15001/", "--noproxy", "", "-x", f"http://{own}:15001").status == 502


def test_the_gateway_listens_on_the_machine(mesh: LoopbackMesh) -> None:
    hold(lambda: mesh.status(GATEWAY_PORT) == "200")
    assert mesh.status(GATEWAY_PORT, host="other.test") == "404"


def test_a_port_that_only_root_may_open_stands_8000_higher_and_is_told(mesh: LoopbackMesh) -> None:
    low = """
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: {name: low, namespace: ingress}
        spec:
          selector: {istio: gateway}
          servers: [{port: {number: 89, name: http, protocol: HTTP}, hosts: [echo.test]}]
        ---
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {name: low, namespace: shop}
        spec:
          hosts: [echo.test]
          gateways: [ingress/low]
          http: [{route: [{destination: {host: echo, port: {number: 80}}}]}]
        """
    with mesh.config(low):
        hold(lambda: mesh.status(8089) == "200")
        assert "WEFT0504" in {issue.issue.code for issue in mesh.api.issues()}


def test_the_command_line_works(mesh: LoopbackMesh) -> None:
    assert "isolation loopback" in output(mesh.weft("status"))
    listeners = output(mesh.weft("proxy-config", "listeners", "deploy/client", "-n", "shop"))
    assert "15001" in listeners
    variables = dict(line.split("=", 1) for line in output(mesh.inside("client", "env")).splitlines())
    assert variables["http_proxy"] == f"http://{mesh.proxy_address('client')}:15001"
    assert variables["no_proxy"] == "localhost,127.0.0.0/8"


def test_another_mesh_takes_another_range(mesh: LoopbackMesh, user: User) -> None:
    other = ("--mesh", "other", "--state-dir", str(user.home / "other"))
    folder = user.home / "empty"
    folder.mkdir()
    (folder / "namespace.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n")
    output(user.weft("up", *other, "--isolation", "loopback", "-d", str(folder)), limit=60)
    try:
        network = (user.home / "other" / "node" / "network.json").read_text()
        own = (mesh.places.node / "network.json").read_text()
        assert "127." in network
        assert network != own
    finally:
        output(user.weft("down", *other), limit=60)
    assert mesh.ask("client", "http://echo/").status == 200


@pytest.mark.parametrize("name", ["controller", "node"])
def test_traffic_goes_on_when_one_of_its_processes_is_killed(mesh: LoopbackMesh, name: str) -> None:
    before = {pod.name: pod.pids for pod in mesh.api.pods()}
    with mesh.load("http://echo/") as load:
        killed = mesh.process(name)
        killed.kill()
        hold(lambda: mesh.process(name) != killed, within=20)
        hold(lambda: output(mesh.weft("status")).startswith("✔"), within=20)
        load.check(f"when {name} was killed")
    assert {pod.name: pod.pids for pod in mesh.api.pods()} == before


def test_a_killed_supervisor_is_followed_by_one_that_adopts_everything(mesh: LoopbackMesh) -> None:
    before = {pod.name: pod.pids for pod in mesh.api.pods()}
    with mesh.load("http://echo/") as load:
        mesh.process("up").kill()
        mesh.reap()
        mesh.start()
        load.check("when the supervisor was killed")
    assert {pod.name: pod.pids for pod in mesh.api.pods()} == before


def test_a_killed_application_and_a_killed_envoy_come_back(mesh: LoopbackMesh) -> None:
    pod = next(pod for pod in mesh.api.pods() if pod.labels["app"] == "visitor")
    for unit in ("app", "istio-proxy"):
        pid = pod.pids[unit]
        assert pid is not None
        output(mesh.user.command("kill", "-9", str(pid)))
    hold(lambda: mesh.api.pod(app="visitor").pids != pod.pids and mesh.api.pod(app="visitor").ready, within=30)
    hold(lambda: mesh.ask("visitor", "http://echo/").status == 200)


def test_the_demo_ends_well_and_tells_what_it_can_not_show(user: User) -> None:
    said = output(user.weft("demo", "--check", "--isolation", "loopback", "--port", "18084"), limit=100)
    assert "nothing can prevent that" in said
    assert "Nothing is left of it." in said


def test_nothing_is_left_after_its_end(mesh: LoopbackMesh) -> None:
    members = mesh.members()
    assert len(members) > 10
    mesh.process("up").kill()  # `weft down` does all by itself
    mesh.reap()
    assert "is gone" in mesh.down()
    assert not [processes.command(each.pid)[:6] for each in members if each.alive]
    assert not mesh.places.state.exists()
