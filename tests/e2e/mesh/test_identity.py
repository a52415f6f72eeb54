"""Who is let in: no plaintext, no foreign certificate, no wrong account; and no configuration for a wrong token."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec import Struct
from tests.e2e.mesh.harness import xds
from tests.e2e.mesh.harness.api import Pod
from tests.e2e.mesh.harness.client import APPLICATIONS, Call
from tests.e2e.mesh.harness.commands import run
from tests.e2e.mesh.harness.manifests import account, client
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

from weft.apps.bootstraps import XDS_PORT
from weft.identity.issue import KeyPair, issue_workload
from weft.identity.profiles import ANONYMOUS
from weft.identity.signer import Signer, self_signed
from weft.identity.spiffe import workload_id
from weft.serve.ca.live import utc_now
from weft.serve.ca.store import load_authority, load_or_create_key
from weft.serve.callers import Pod as TokenPod
from weft.serve.tokens.issuer import TokenIssuer

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(120)]

STRICT: Final = """
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: default, namespace: shop}
    spec: {mtls: {mode: STRICT}}
    """
ONLY_VISITORS: Final = """
    apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata: {name: only-visitors, namespace: shop}
    spec:
      selector: {matchLabels: {app: echo}}
      rules: [{from: [{source: {principals: [cluster.local/ns/far/sa/visitor]}}]}]
    """


class Stream(Struct, frozen=True):
    """What became of a discovery stream."""

    code: str
    detail: str
    resources: list[str]


# ---- requests ------------------------------------------------------------------------------------------------------


@pytest.mark.isolation("userns")
def test_strict_refuses_plaintext_by_name_and_by_address(mesh: RunningMesh) -> None:
    pods = mesh.api.pods(app="echo")
    calls = {"name": Call(url="http://echo.shop/"), "unnamed port": Call(url="http://echo.shop:82/")}
    calls |= {pod.name: Call(url=f"http://{pod.address}:8080/") for pod in pods}
    stranger = mesh.client("stranger")
    assert set(stranger.results(calls).values()) == {200}, "without the policy all are answered"
    with mesh.config(STRICT):
        assert set(stranger.results(calls).values()) == {0}
        lines = stranger.call("tcp://echo.shop:9000", body="hello\n")
        assert (lines.body, lines.error) == ("", "closed without an answer") or "reset" in lines.error, lines
        inside = mesh.client("client").call("http://echo/")
        assert (inside.status, inside.caller) == (200, "cluster.local/ns/shop/sa/client")


def test_a_certificate_of_another_trust_domain_is_refused(mesh: RunningMesh) -> None:
    own = mesh_signer(mesh)
    stranger = self_signed("cluster.local", utc_now())
    certificates = {
        "good": issued(own, "cluster.local"),
        "other domain, other root": issued(self_signed("evil.example", utc_now()), "evil.example"),
        "other domain, own root": issued(own, "evil.example"),
        "own domain, other root": issued(stranger, "cluster.local"),
    }
    with mesh.config(STRICT):
        address = mesh.api.pods(app="echo")[0].proxy
        answers = {name: answer_to(mesh, address, pair) for name, pair in certificates.items()}
    assert answers == {name: "HTTP/1.1 200 OK" if name == "good" else "" for name in certificates}


def test_a_wrong_account_is_refused_and_named_in_the_log(mesh: RunningMesh) -> None:
    with mesh.config(ONLY_VISITORS):
        refused = mesh.client("client").call("http://echo/secret-place")
        allowed = mesh.client("visitor").call("http://echo.shop/secret-place")
        assert (refused.status, refused.body) == (403, "RBAC: access denied")
        assert (allowed.status, allowed.caller) == (200, "cluster.local/ns/far/sa/visitor")
        lines = logged(mesh, "/secret-place")
    assert len(lines) == 1, lines
    for expected in ("spiffe://cluster.local/ns/shop/sa/client", "ns[shop]-policy[only-visitors]", '"echo"'):
        assert expected in lines[0], lines[0]


def test_a_refusal_by_a_deny_rule_names_the_rule(mesh: RunningMesh) -> None:
    policy = """
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {name: no-shoppers, namespace: shop}
        spec:
          action: DENY
          selector: {matchLabels: {app: echo}}
          rules: [{from: [{source: {namespaces: [shop]}}], to: [{operation: {paths: [/denied-place]}}]}]
        """
    with mesh.config(policy):
        assert mesh.client("client").call("http://echo/denied-place").status == 403
        assert mesh.client("client").call("http://echo/").status == 200
        lines = logged(mesh, "/denied-place")
    assert "rbac_access_denied_matched_policy[ns[shop]-policy[no-shoppers]-rule[0]]" in lines[0]
    assert "spiffe://cluster.local/ns/shop/sa/client" in lines[0]


# ---- configuration -------------------------------------------------------------------------------------------------


def test_a_stream_gets_nothing_without_the_right_token(mesh: RunningMesh) -> None:
    pod, other = mesh.api.pod(app="client"), mesh.api.pod(app="visitor")
    good = token_of(mesh, pod)
    node, other_node = node_of(mesh, pod), node_of(mesh, other)
    controller = mesh.places.state / "controller"
    issuer = TokenIssuer(load_or_create_key(controller / "token.key"), mesh.name)
    known = TokenPod(pod.uid, pod.namespace, pod.name, "client", ANONYMOUS)
    forged = TokenIssuer(load_or_create_key(controller.parent / "forged.key"), mesh.name)
    (controller.parent / "forged.key").unlink()

    tokens: dict[str, tuple[str | None, str]] = {
        "good": (good, node),
        "made like the good one": (issuer.issue(known), node),
        "none": (None, node),
        "empty": ("", node),
        "no token at all": ("nonsense", node),
        "expired": (issuer.issue(known, lifetime=-1.0), node),
        "signed by another key": (forged.issue(known), node),
        "of another pod": (good, other_node),
        "of no pod": (issuer.issue(TokenPod("no-uid", "shop", "ghost", "client", ANONYMOUS)), node),
    }
    streams = dict(zip(tokens, ask(mesh, *tokens.values()), strict=True))
    for name in ("good", "made like the good one"):
        stream = streams.pop(name)
        assert stream.code == "OK", stream
        assert "outbound|80||echo.shop.svc.cluster.local" in stream.resources
    assert {name: stream.resources for name, stream in streams.items()} == {name: [] for name in streams}
    assert streams.pop("of another pod").code == "PERMISSION_DENIED"
    assert {stream.code for stream in streams.values()} <= {"UNAUTHENTICATED", "PERMISSION_DENIED"}, streams


def test_a_deleted_pod_loses_its_stream_and_its_token(mesh: RunningMesh) -> None:
    with mesh.config([account("shop", "passing"), client("shop", "passing")]):
        [pod] = mesh.await_pods(1, "passing")
        mesh.settle()
        token, node = token_of(mesh, pod), node_of(mesh, pod)
        with held_stream(mesh, token, node) as stream:
            assert mesh.api.ask(f"/v1/objects/pods/{pod.name}?namespace=shop", "DELETE").status == 200
            ended = stream()
        assert ended.code == "PERMISSION_DENIED", ended
        assert "deleted" in ended.detail
        [again] = ask(mesh, (token, node))
        assert (again.code, again.resources) == ("PERMISSION_DENIED", []), again
        assert mesh.api.credentials(pod.uid) is None
        mesh.await_pods(1, "passing")
    mesh.await_pods(0, "passing")


# ---- helpers -------------------------------------------------------------------------------------------------------


def mesh_signer(mesh: RunningMesh) -> Signer:
    authority = load_authority(mesh.places.state / "controller" / "authority.json", utc_now())
    assert authority is not None
    return authority.signer


def issued(signer: Signer, trust_domain: str) -> KeyPair:
    """A certificate of the client, as this signer would make it for this trust domain."""
    return issue_workload(signer, workload_id(trust_domain, "shop", "client"), utc_now())


def answer_to(mesh: RunningMesh, address: str, pair: KeyPair) -> str:
    """The first line that a client without a sidecar gets from the echo server by this certificate."""
    call = {
        "host": address,
        "port": 8080,
        "protocol": "istio-http/1.1",
        "certificates": pair.certificates.decode(),
        "key": pair.key.decode(),
    }
    command = mesh.enter(mesh.api.pod(app="stranger"), (sys.executable, str(APPLICATIONS / "tls.py")))
    said: dict[str, str] = json.loads(run(command, stdin=json.dumps(call)))
    assert said["answer"] or said["error"], said
    return said["answer"]


def logged(mesh: RunningMesh, path: str) -> list[str]:
    """The lines of the echo servers' access logs about requests for a path that were refused; Envoy writes every 10 s
    (its --file-flush-interval-msec)."""

    def check() -> list[str]:
        text = "".join(mesh.log(pod) for pod in mesh.api.pods(app="echo"))
        found = [line for line in text.splitlines() if f"GET {path} " in line and '" 403 ' in line]
        assert found, f"no line about {path}"
        return found

    return eventually(check, within=25.0)


def token_of(mesh: RunningMesh, pod: Pod) -> str:
    credentials = mesh.api.credentials(pod.uid)
    assert credentials is not None
    return credentials.token


def node_of(mesh: RunningMesh, pod: Pod) -> str:
    def check() -> str:
        found = [proxy.node_id for proxy in mesh.api.proxies() if proxy.pod_uid == pod.uid]
        assert found, f"{pod.name} is not connected"
        return found[0]

    return eventually(check)


def question(mesh: RunningMesh, token: str | None, node: str, hold: float = 0.0) -> dict[str, Any]:
    credentials = mesh.api.credentials(mesh.api.pod(app="client").uid)
    assert credentials is not None
    address = f"{mesh.network.gateway}:{XDS_PORT}"
    return {"address": address, "root": credentials.root, "token": token, "node": node, "hold": hold}


def command(mesh: RunningMesh) -> list[str]:
    """Runs in a pod: everywhere pods reach the controller."""
    return mesh.enter(mesh.api.pod(app="stranger"), (sys.executable, str(Path(xds.__file__))))


def ask(mesh: RunningMesh, *asked: tuple[str | None, str]) -> list[Stream]:
    """What discovery streams with these tokens and node ids bring."""
    questions = [question(mesh, token, node) for token, node in asked]
    return msgspec.json.decode(run(command(mesh), stdin=json.dumps(questions), timeout=60.0), type=list[Stream])


@contextlib.contextmanager
def held_stream(mesh: RunningMesh, token: str, node: str) -> Iterator[Any]:
    """An open stream; what is yielded waits for its end, and says how it ended."""
    process = subprocess.Popen(command(mesh), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps([question(mesh, token, node, hold=30.0)]))
        process.stdin.close()
        started = time.monotonic()
        assert process.stdout.readline() == "open\n", f"no stream after {time.monotonic() - started:.0f} s"
        output = process.stdout
        yield lambda: msgspec.json.decode(output.read().replace("open\n", ""), type=list[Stream])[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
