"""Meshes with IPv6: pods that have nothing else, and pods with addresses of both families."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from tests.e2e.mesh.harness.client import Call
from tests.e2e.mesh.harness.manifests import Manifest, account, client, gateway, images, namespace, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh, running_mesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = pytest.mark.isolation("userns")

PORTS = (
    {"name": "http", "port": 80, "targetPort": 8080},
    {"name": "tcp-lines", "port": 9000, "targetPort": 9000},
    {"name": "unnamed", "port": 82, "targetPort": 8080},
    {"name": "echo", "port": 9100, "protocol": "UDP"},
)
BOTH = {"ipFamilyPolicy": "RequireDualStack"}
FOUR, SIX = {"ipFamilies": ["IPv4"]}, {"ipFamilies": ["IPv6"]}
IDENTITY = "cluster.local/ns/shop/sa/client"
GATEWAY = """
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata: {name: door, namespace: ingress}
    spec:
      selector: {istio: gateway}
      servers: [{port: {number: 8088, name: http, protocol: HTTP}, hosts: ["*"]}]
    ---
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {name: door, namespace: ingress}
    spec:
      hosts: ["*"]
      gateways: [door]
      http: [{route: [{destination: {host: echo.shop.svc.cluster.local, port: {number: 80}}}]}]
"""


def with_spec(manifest: Manifest, spec: dict[str, Any], name: str = "") -> Manifest:
    changed = {**manifest, "spec": manifest["spec"] | spec}
    return changed | {"metadata": manifest["metadata"] | {"name": name}} if name else changed


def manifests(bind: str) -> list[Manifest]:
    """A sidecar's client and server in `shop`, the same without sidecars in `plain`, and a gateway."""
    numbers = {"http": (8080,), "tcp": (9000,), "UDP_PORTS": "9100", "BIND": bind}
    found = [images(), namespace("shop"), namespace("plain", sidecars=False), namespace("ingress")]
    found += [account("shop", "client"), account("shop", "echo"), account("plain", "stranger"), account("plain", "old")]
    found += [account("ingress", "gateway"), gateway("ingress", "gateway")]
    found += [client("shop", "client"), client("plain", "stranger")]
    found += [server("shop", "echo", **numbers), server("plain", "old", **numbers)]  # type: ignore[arg-type]
    return found


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh of IPv6 alone."""
    services = [service("shop", "echo", PORTS), service("plain", "old", PORTS)]
    options = ("--ip-families", "IPv6")
    root = tmp_path_factory.mktemp("six")
    with running_mesh("six", root, [*manifests("::"), *services], options) as mesh:
        yield mesh


@pytest.fixture(scope="module")
def dual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh of both families, with services of both and of one."""
    echo, old = service("shop", "echo", PORTS), service("plain", "old", PORTS)
    services = [with_spec(echo, BOTH), with_spec(old, BOTH)]
    services += [with_spec(echo, FOUR, "echo-four"), with_spec(echo, SIX, "echo-six")]
    options = ("--ip-families", "IPv4,IPv6")
    root = tmp_path_factory.mktemp("dual")
    with running_mesh("dual", root, [*manifests("0.0.0.0,::"), *services], options) as mesh:
        yield mesh


def addresses(mesh: RunningMesh, namespace: str, name: str) -> list[str]:
    found: list[str] = mesh.api.get(f"/v1/objects/services/{name}?namespace={namespace}")["spec"]["clusterIPs"]
    return found


def host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def reached(mesh: RunningMesh, app: str, *urls: str) -> dict[str, str]:
    """What each URL is answered with: by the version of the server, or why there is no answer."""
    calls = [Call(url=url, body="hello\n", timeout=5.0) for url in urls]
    found = [each[0] for each in mesh.client(app).call_all(calls)]
    return {url: r.version or r.body.partition(" ")[0] or r.error for url, r in zip(urls, found, strict=True)}


def everything(hosts: list[str]) -> list[str]:
    kinds = ("http://{}", "http://{}:82", "tcp://{}:9000", "udp://{}:9100")
    return [kind.format(host(each)) for each in hosts for kind in kinds]


# ---- IPv6 alone ------------------------------------------------------------------------------------------------------
def test_every_protocol_gets_to_services_of_ipv6_by_name_and_by_address(six: RunningMesh) -> None:
    for target in ("echo.shop", "old.plain"):
        name, space = target.split(".")
        urls = everything([target, *addresses(six, space, name)])
        for app in ("client", "stranger"):
            assert reached(six, app, *urls) == dict.fromkeys(urls, "v1"), f"{app} to {target}"


def test_an_address_of_a_service_refuses_ports_that_it_does_not_have(six: RunningMesh) -> None:
    url = f"tcp://[{addresses(six, 'plain', 'old')[0]}]:4444"
    assert "ConnectionRefused" in reached(six, "stranger", url)[url]


def test_pods_have_one_address_of_ipv6_and_none_of_link_local_scope(six: RunningMesh) -> None:
    found = six.client("client").run("ip", "-o", "address", "show", "dev", "eth0").splitlines()
    assert len(found) == 1
    assert f"inet6 {six.api.pod('shop', app='client').address}/64" in found[0]


def test_callers_are_known_by_certificate_over_ipv6(six: RunningMesh) -> None:
    answer = six.client("client").call("http://echo.shop")
    assert answer.caller == IDENTITY
    assert ip_address(answer.told["peer"]) == ip_address("::6")


def test_strict_servers_refuse_plain_callers_of_ipv6(six: RunningMesh) -> None:
    strict = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: s, namespace: shop}\n"
    address = six.api.pod("shop", app="echo").address
    with six.config(f"{strict}spec: {{mtls: {{mode: STRICT}}}}"):
        assert reached(six, "client", "http://echo.shop") == {"http://echo.shop": "v1"}
        assert six.client("stranger").call("http://echo.shop").status == 0
        assert six.client("stranger").call(f"http://[{address}]:8080").status == 0


def test_a_policy_denies_by_addresses_of_ipv6(six: RunningMesh) -> None:
    mine = six.api.pod("shop", app="client").address
    with six.config(deny(f"{mine}/128")):
        assert six.client("client").call("http://echo.shop").status == 403
        assert six.client("stranger").call("http://echo.shop").status == 200
    with six.config(deny("fd00:10:244::/64")):
        assert six.client("stranger").call("http://echo.shop").status == 403
    with six.config(deny("10.244.0.0/16")):
        assert six.client("client").call("http://echo.shop").status == 200


def test_a_gateway_listens_on_loopback_and_reaches_pods_of_ipv6(six: RunningMesh) -> None:
    with six.config(GATEWAY):
        six.await_machine("http://127.0.0.1:8088/", 200)
        assert six.machine().call("http://127.0.0.1:8088/").version == "v1"


@pytest.mark.isolation("netns")
def test_a_gateway_listens_on_the_loopback_address_of_ipv6_too(six: RunningMesh) -> None:
    with six.config(GATEWAY):
        assert six.machine().call("http://[::1]:8088/").version == "v1"


def test_hosts_of_service_entries_get_to_endpoints_of_ipv6(six: RunningMesh) -> None:
    address = six.api.pod("plain", app="old").address
    entry = f"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {{name: outside, namespace: shop}}
        spec:
          hosts: [outside.example]
          ports: [{{number: 80, name: http, protocol: HTTP}}, {{number: 9000, name: tcp, protocol: TCP}}]
          resolution: STATIC
          endpoints: [{{address: "{address}", ports: {{http: 8080}}}}]
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {{name: range, namespace: shop}}
        spec:
          hosts: [range.example]
          addresses: ["fd99::/64"]
          ports: [{{number: 9000, name: tcp, protocol: TCP}}]
          resolution: STATIC
          endpoints: [{{address: "{address}"}}]
    """
    with six.config(entry):
        urls = ("http://outside.example", "tcp://outside.example:9000", "tcp://[fd99::7]:9000")
        assert reached(six, "client", *urls) == dict.fromkeys(urls, "v1")


# ---- both families ---------------------------------------------------------------------------------------------------
def test_every_protocol_gets_to_services_of_both_families(dual: RunningMesh) -> None:
    for target in ("echo.shop", "old.plain"):
        name, space = target.split(".")
        found = addresses(dual, space, name)
        assert [ip_address(each).version for each in found] == [4, 6]
        urls = everything([target, *found])
        for app in ("client", "stranger"):
            assert reached(dual, app, *urls) == dict.fromkeys(urls, "v1"), f"{app} to {target}"


def test_pods_have_an_address_of_each_family_at_the_same_place(dual: RunningMesh) -> None:
    for pod in dual.api.get("/v1/objects/pods")["items"]:
        four, other = (ip_address(each["ip"]) for each in pod["status"]["podIPs"])
        assert pod["status"]["podIP"] == str(four)
        assert four in ip_network("10.244.0.0/16")
        assert other in ip_network("fd00:10:244::/64")
        assert int(four) & 0xFFFF == int(other) & 0xFFFF


def test_a_service_is_served_at_the_addresses_of_its_family(dual: RunningMesh) -> None:
    for name, family in (("echo-four", 4), ("echo-six", 6)):
        assert [ip_address(each).version for each in addresses(dual, "shop", name)] == [family]
        answer = dual.client("client").call(f"http://{name}.shop")
        assert answer.caller == IDENTITY
        peer = ip_address(answer.told["peer"])
        assert peer == ip_address("127.0.0.6" if family == 4 else "::6"), name
        echoed = dual.client("client").call(f"udp://{name}.shop:9100", body="x").body.split(" ")
        assert ip_address(echoed[2]).version == family


def test_a_server_of_one_family_is_found_by_callers_of_a_service_of_both(dual: RunningMesh) -> None:
    """Without a sidecar in front a refused address shows, and the other one is tried."""
    lonely = with_spec(service("plain", "lonely", PORTS[:1]), BOTH | {"ipFamilies": ["IPv6", "IPv4"]})
    with dual.config([lonely, server("plain", "lonely")], "51-lonely.yaml"):
        dual.await_pods(1, "lonely")
        assert dual.client("client").call("http://lonely.plain").status == 200


@pytest.mark.parametrize("family", [4, 6])
def test_a_policy_denies_by_addresses_of_each_family(dual: RunningMesh, family: int) -> None:
    blocks = {4: "10.244.0.0/16", 6: "fd00:10:244::/64"}
    with dual.config(deny(blocks[family])):
        got = {n: dual.client("client").call(f"http://{n}.shop").status for n in ("echo-four", "echo-six")}
        assert got == {"echo-four": 403 if family == 4 else 200, "echo-six": 403 if family == 6 else 200}


def test_a_family_can_t_be_passed_by(dual: RunningMesh) -> None:
    """Calls of a pod's own addresses come from its sidecar, whatever the family."""
    pod = next(p for p in dual.api.get("/v1/objects/pods")["items"] if p["metadata"]["labels"].get("app") == "echo")
    for address in (each["ip"] for each in pod["status"]["podIPs"]):
        answer = dual.client("client").call(f"http://{host(address)}:8080")
        assert answer.told["peer"] == {4: "127.0.0.6", 6: "::6"}[ip_address(address).version]


def test_a_start_with_other_families_is_refused_and_leaves_the_pods_alone(dual: RunningMesh) -> None:
    before = {pod.name: pod.pids for pod in dual.api.pods()}
    dual.process("up").kill()
    dual.reap()
    dual.weft("up", "--ip-families", "IPv4", str(dual.folder.path), code=1)
    dual.start()
    eventually(lambda: check_same({pod.name: pod.pids for pod in dual.api.pods()}, before))
    dual.settle()
    assert dual.client("client").call("http://echo-six.shop").status == 200


def check_same(found: object, expected: object) -> None:
    assert found == expected


def deny(block: str) -> str:
    return f"""
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {{name: blocked, namespace: shop}}
        spec:
          selector: {{matchLabels: {{app: echo}}}}
          action: DENY
          rules: [{{from: [{{source: {{ipBlocks: ["{block}"]}}}}]}}]
    """
