"""Mutual TLS at every level of PeerAuthentication, and what clients do about it (Istio, PeerAuthentication reference).

Each test looks at the same matrix: a client in the mesh and one without a sidecar, at two workloads, each at two ports.
"""

from typing import Final

import pytest
from tests.e2e.mesh.harness.client import Call
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("userns"), pytest.mark.timeout(120)]

STRICT_BUT_FOR_A_PORT: Final = (
    "selector: {matchLabels: {app: echo}}, mtls: {mode: STRICT}, portLevelMtls: {'8080': {mode: PERMISSIVE}}"
)
CALLS: Final = {
    "echo": Call(url="http://echo.shop/"),
    "echo:81": Call(url="http://echo.shop:81/"),
    "other": Call(url="http://other.shop/"),
}
OPEN: Final = {"echo": "plain", "echo:81": "plain", "other": "plain"}
ME: Final = "cluster.local/ns/shop/sa/client"


def peer_authentication(spec: str, namespace: str = "shop", name: str = "test") -> str:
    return (
        f"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n"
    )


def seen(mesh: RunningMesh, app: str) -> dict[str, str]:
    """How a client gets on: the identity it is known by, `plain` if by none, or `refused`."""
    answers = mesh.client(app).call_all(CALLS.values())
    found = {}
    for name, [answer] in zip(CALLS, answers, strict=True):
        found[name] = (answer.caller or "plain") if answer.status == 200 else "refused"
    return found


def closed(*names: str) -> dict[str, str]:
    """What a client without a sidecar sees when these refuse plaintext."""
    return {name: "refused" if name in names else "plain" for name in CALLS}


MUTUAL: Final = dict.fromkeys(CALLS, ME)


def test_by_default_both_are_accepted_and_the_mesh_uses_mutual_tls(mesh: RunningMesh) -> None:
    assert seen(mesh, "client") == MUTUAL
    assert seen(mesh, "stranger") == OPEN


@pytest.mark.parametrize(
    ("texts", "refusing"),
    [
        ([("mtls: {mode: STRICT}", "istio-system")], CALLS.keys()),
        ([("mtls: {mode: STRICT}", "shop")], CALLS.keys()),
        ([("mtls: {mode: STRICT}", "far")], ()),
        ([("selector: {matchLabels: {app: other}}, mtls: {mode: STRICT}", "shop")], ("other",)),
        (
            [
                (STRICT_BUT_FOR_A_PORT, "shop"),
            ],
            ("echo:81",),
        ),
        ([("selector: {matchLabels: {app: echo}}, portLevelMtls: {'8081': {mode: STRICT}}", "shop")], ("echo:81",)),
        ([("mtls: {mode: STRICT}", "istio-system"), ("mtls: {mode: PERMISSIVE}", "shop")], ()),
        (
            [
                ("mtls: {mode: STRICT}", "shop"),
                ("selector: {matchLabels: {app: other}}, mtls: {mode: PERMISSIVE}", "shop"),
            ],
            ("echo", "echo:81"),
        ),
        (
            [
                ("mtls: {mode: STRICT}", "shop"),
                ("selector: {matchLabels: {app: other}}, mtls: {mode: UNSET}", "shop"),
            ],
            CALLS.keys(),
        ),
    ],
    ids=[
        "mesh",
        "namespace",
        "another namespace",
        "workload",
        "strict but for a port",
        "a port alone",
        "namespace before mesh",
        "workload before namespace",
        "unset inherits",
    ],
)
def test_the_narrowest_policy_decides_who_may_speak_plaintext(
    mesh: RunningMesh, texts: list[tuple[str, str]], refusing: tuple[str, ...]
) -> None:
    policies = [peer_authentication(spec, namespace, f"test-{n}") for n, (spec, namespace) in enumerate(texts)]
    with mesh.config("---\n".join(policies)):
        assert seen(mesh, "stranger") == closed(*refusing)
        assert seen(mesh, "client") == MUTUAL


def test_disabled_mutual_tls_is_plaintext_for_all(mesh: RunningMesh) -> None:
    """Clients of the mesh know it without being told by a DestinationRule."""
    policy = peer_authentication("selector: {matchLabels: {app: other}}, mtls: {mode: DISABLE}")
    with mesh.config(policy):
        assert seen(mesh, "stranger") == OPEN
        eventually(lambda: check_seen(mesh, "client", {**MUTUAL, "other": "plain"}), within=12.0)


def test_a_client_that_is_told_to_speak_plaintext_is_refused_where_it_is_strict(mesh: RunningMesh) -> None:
    rule = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: other, namespace: shop}\n"
        "spec: {host: other, trafficPolicy: {tls: {mode: DISABLE}}}\n"
    )
    with mesh.config(rule):
        assert seen(mesh, "client") == {**MUTUAL, "other": "plain"}
        with mesh.config(peer_authentication("mtls: {mode: STRICT}"), "51-strict.yaml"):
            # A connection that is open drains first: for 5 s (`--drain-time-s`).
            eventually(lambda: check_seen(mesh, "client", {**MUTUAL, "other": "refused"}), within=12.0)


def check_seen(mesh: RunningMesh, app: str, expected: dict[str, str]) -> None:
    assert seen(mesh, app) == expected


def test_a_service_without_sidecars_is_called_in_plaintext(mesh: RunningMesh) -> None:
    answer = mesh.client("client").call("http://old.plain/")
    assert (answer.status, answer.caller) == (200, "")
    with mesh.config(peer_authentication("mtls: {mode: STRICT}", "istio-system")):
        assert mesh.client("client").call("http://old.plain/").status == 200


@pytest.mark.parametrize("app", ["client", "stranger"])
def test_the_protocol_of_an_unnamed_port_is_detected(mesh: RunningMesh, app: str) -> None:
    client = mesh.client(app)
    for host in ("echo.shop", "old.plain"):
        web = client.call(f"http://{host}:82/place")
        assert (web.status, web.told["path"]) == (200, "/place")
        known = app == "client" and host == "echo.shop"
        assert web.caller == (ME if known else "")
        assert client.call(f"tcp://{host}:9001", body="hello\n").body.endswith("hello")
        assert client.call(f"tcp://{host}:9000", body="hello\n").body.endswith("hello")
