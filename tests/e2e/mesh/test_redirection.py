"""How traffic gets to sidecars in a running mesh: what is shown of it, what is found wrong, and other ways of it."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.mesh.harness.api import Pod
from tests.e2e.mesh.harness.manifests import Manifest, account, client, images, namespace, server, service
from tests.e2e.mesh.harness.mesh import RunningMesh, running_mesh

from weft.node.state import pod_id
from weft.redirect import iptables, nft
from weft.redirect.plan import Ruleset
from weft.redirect.sidecar import sidecar_plan
from weft.sources.local.redirects import redirect_order

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(120)]

PORTS = ({"name": "http", "port": 80, "targetPort": 8080}, {"name": "tcp-lines", "port": 9000, "targetPort": 9000})
TRAFFIC = "traffic.sidecar.istio.io"
INTERCEPTION = "sidecar.istio.io/interceptionMode"


def annotated(manifest: Manifest, **annotations: str) -> Manifest:
    manifest["spec"]["template"]["metadata"]["annotations"] = annotations
    return manifest


TRANSPARENT = pytest.mark.isolation("netns")  # TPROXY takes a capability over the machine
OF_USERS = pytest.mark.isolation("netns")  # elsewhere Envoy's traffic is told by a mark
OTHER_TOOLS = pytest.mark.isolation("netns")  # the test's own tools must get into the networks of pods


def manifests(*, tproxy: bool) -> list[Manifest]:
    """Servers behind sidecars of each kind, and a client."""
    found = [images(), namespace("shop"), client("shop", "client")]
    found += [account("shop", name) for name in ("client", "echo", "clear", "open", "bare")]
    found += [service("shop", name, PORTS) for name in ("echo", "clear", "open", "bare")]
    found += [server("shop", "echo", tcp=(9000,))]
    if tproxy:
        found += [annotated(server("shop", "clear", tcp=(9000,)), **{INTERCEPTION: "TPROXY"})]
    found += [annotated(server("shop", "bare", tcp=(9000,)), **{INTERCEPTION: "NONE"})]
    found += [annotated(server("shop", "open", tcp=(9000,)), **{f"{TRAFFIC}/excludeInboundPorts": "8080"})]
    return found


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory, isolation: str) -> Iterator[RunningMesh]:
    objects = manifests(tproxy=isolation == "netns")
    with running_mesh("redirect", tmp_path_factory.mktemp("redirect"), objects) as made:
        yield made


def inside(mesh: RunningMesh, pod: Pod, *command: str, stdin: str = "") -> None:
    """Runs a command in the network of a pod."""
    pin = Path("/run/netns") / f"weft-{mesh.name}-{pod_id(pod.uid)}"
    subprocess.run(["nsenter", f"--net={pin}", *command], input=stdin.encode(), check=True)


def test_every_rule_is_shown_with_what_it_counted(mesh: RunningMesh) -> None:
    assert mesh.client("client").call("http://echo/").status == 200
    pod = mesh.api.pod("shop", app="echo")
    shown = json.loads(mesh.weft("redirect", "show", f"shop/{pod.name}", "-o", "json"))
    assert shown["backEnd"] == "iptables (nf_tables)"
    chains = {(chain["table"], chain["name"]): chain["rules"] for chain in shown["chains"]}
    [last] = chains["nat", "ISTIO_IN_REDIRECT"]
    assert last["explanation"] == "TCP: goes to Envoy's inbound listener (15006)"
    assert last["packets"] >= 1
    assert last["bytes"] >= 60
    for text in ("table nat, chain ISTIO_OUTPUT", "TCP to port 15021: is left alone here"):
        assert text in mesh.weft("redirect", "show", "deploy/echo-v1", "-n", "shop")


@pytest.mark.parametrize(
    ("app", "packet", "result", "port"),
    [
        ("echo", "in tcp :8080", "redirected", 15006),
        ("echo", "in tcp :15021", "passes", None),
        ("echo", "out tcp 10.96.0.1:80 uid 0", "redirected", 15001),
        pytest.param("echo", "out tcp 10.96.0.1:80 uid 1337", "passes", None, marks=OF_USERS),
        ("open", "in tcp :8080", "passes", None),
        pytest.param("clear", "in tcp :8080", "handed", 15006, marks=TRANSPARENT),
        pytest.param("clear", "out tcp 10.96.0.1:80 uid 0", "redirected", 15001, marks=TRANSPARENT),
    ],
)
def test_packets_are_followed_through_the_live_rules(
    mesh: RunningMesh, app: str, packet: str, result: str, port: int | None
) -> None:
    pod = mesh.api.pod("shop", app=app)
    shown = json.loads(mesh.weft("redirect", "show", f"shop/{pod.name}", "--packet", packet, "-o", "json"))
    [journey] = shown["journeys"]
    assert (journey["result"], journey["port"], journey["certain"]) == (result, port, True)


@pytest.mark.parametrize("app", ["client", "echo", pytest.param("clear", marks=TRANSPARENT), "open"])
def test_rules_that_are_as_ordered_pass_the_check(mesh: RunningMesh, app: str) -> None:
    pod = mesh.api.pod("shop", app=app)
    assert "as it should be (rules of iptables (nf_tables))" in mesh.weft("redirect", "check", f"shop/{pod.name}")


@OTHER_TOOLS
def test_what_is_wrong_with_rules_is_found(mesh: RunningMesh) -> None:
    pod = mesh.api.pod("shop", app="open")
    rule = ("PREROUTING", "-p", "tcp", "-j", "ISTIO_INBOUND")
    foreign = ("INPUT", "-m", "addrtype", "--dst-type", "MULTICAST", "-j", "DROP")
    inside(mesh, pod, "iptables", "-t", "nat", "-D", *rule)
    inside(mesh, pod, "iptables", "-A", *foreign)
    inside(mesh, pod, "nft", "add", "table", "ip", "somebody")
    try:
        report = json.loads(mesh.weft("redirect", "check", f"shop/{pod.name}", "-o", "json", code=1))
        found = [(fault["fault"], fault.get("table"), fault["explanation"]) for fault in report["faults"]]
        assert sorted(found, key=str) == [
            ("foreign", "filter", "everything where `-m addrtype --dst-type MULTICAST`: is dropped"),
            ("foreign", None, "there is a table of nftables that is not ours: ip somebody"),
            ("missing", "nat", "TCP: goes on in ISTIO_INBOUND"),
        ]
    finally:
        inside(mesh, pod, "iptables", "-t", "nat", "-A", *rule)
        inside(mesh, pod, "iptables", "-D", *foreign)
        inside(mesh, pod, "nft", "delete", "table", "ip", "somebody")
    mesh.weft("redirect", "check", f"shop/{pod.name}")


@OTHER_TOOLS
@pytest.mark.parametrize(
    ("loader", "name"), [("nft", "nftables"), ("iptables-legacy-restore", "iptables (legacy)")], ids=["nft", "legacy"]
)
def test_rules_that_another_tool_has_loaded_are_read_too(mesh: RunningMesh, loader: str, name: str) -> None:
    pod = mesh.api.pod("shop", app="open")
    wanted = sidecar_plan(redirect_order({f"{TRAFFIC}/excludeInboundPorts": "8080"})).ruleset("ip")
    nothing = Ruleset("ip")
    inside(mesh, pod, "iptables-nft-restore", stdin=iptables.render(nothing, clear=["nat"]))
    try:
        mesh.weft("redirect", "check", f"shop/{pod.name}", code=1)
        load(mesh, pod, loader, wanted)
        assert f"as it should be (rules of {name})" in mesh.weft("redirect", "check", f"shop/{pod.name}")
        shown = mesh.weft("redirect", "show", f"shop/{pod.name}", "--packet", "in tcp :9000")
        assert "redirected to Envoy's inbound listener (15006)" in shown
    finally:
        load(mesh, pod, loader, nothing)
        inside(mesh, pod, "iptables-nft-restore", stdin=iptables.render(wanted))
    mesh.weft("redirect", "check", f"shop/{pod.name}")


def load(mesh: RunningMesh, pod: Pod, loader: str, rules: Ruleset) -> None:
    if loader == "nft":
        inside(mesh, pod, "nft", "-f", "-", stdin=nft.render([rules]))
    else:
        inside(mesh, pod, loader, stdin=iptables.render(rules, clear=["nat"]))


@TRANSPARENT
def test_with_tproxy_the_application_sees_the_callers_own_address(mesh: RunningMesh) -> None:
    caller = mesh.api.pod("shop", app="client").address
    answer = mesh.client("client").call("http://clear/")
    assert answer.status == 200
    assert answer.caller == "cluster.local/ns/shop/sa/client"
    assert answer.told["peer"] == caller
    assert mesh.client("client").call("http://echo/").told["peer"] == "127.0.0.6"


@TRANSPARENT
def test_with_tproxy_callers_from_outside_of_the_mesh_are_seen_too(mesh: RunningMesh) -> None:
    answer = mesh.machine().call(f"http://{mesh.api.pod('shop', app='clear').address}:8080/")
    assert (answer.status, answer.caller) == (200, "")
    assert answer.told["peer"] not in ("127.0.0.6", "127.0.0.1")


def test_without_interception_there_are_no_rules(mesh: RunningMesh) -> None:
    pod = mesh.api.pod("shop", app="bare")
    assert "nothing is redirected" in mesh.weft("redirect", "check", f"shop/{pod.name}")
    assert list(pod.units) == ["app"]
    answer = mesh.client("client").call("http://bare/")
    assert (answer.status, answer.caller) == (200, "")
    assert answer.told["peer"] == mesh.api.pod("shop", app="client").address


@TRANSPARENT
def test_with_tproxy_a_pod_calls_itself_by_its_service(mesh: RunningMesh) -> None:
    answer = mesh.client("clear").call("http://clear/")
    assert answer.status == 200
    assert answer.caller == "cluster.local/ns/shop/sa/clear"


@TRANSPARENT
def test_with_tproxy_others_are_called_as_ever(mesh: RunningMesh) -> None:
    answer = mesh.client("clear").call("http://echo/")
    assert (answer.status, answer.caller) == (200, "cluster.local/ns/shop/sa/clear")


def test_a_port_that_is_left_out_is_reached_without_the_sidecar(mesh: RunningMesh) -> None:
    answer = mesh.client("bare").call(f"http://{mesh.api.pod('shop', app='open').address}:8080/")
    assert answer.status == 200
    assert answer.told["peer"] != "127.0.0.6"
