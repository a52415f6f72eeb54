"""Who may do what, by real requests: AuthorizationPolicy with each of its sources, operations and conditions.

A case says which of the calls below are refused by its policies; all others must be answered. Where nothing is captured
only clients with sidecars make them: others can't call by name, and by address they are not asked.
"""

from collections.abc import Iterable
from typing import Final

import pytest
from tests.e2e.mesh.harness.client import Call
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(120)]

CALLS: Final = {
    "get": Call(url="http://echo.shop/a/b"),
    "post": Call(url="http://echo.shop/a/b", method="POST", body="x"),
    "root": Call(url="http://echo.shop/"),
    "header": Call(url="http://echo.shop/", headers={"x-team": "red"}),
    "port": Call(url="http://echo.shop:81/"),
    "other": Call(url="http://other.shop/"),
}
CLIENTS: Final = ("client", "visitor", "stranger")
HTTP: Final = tuple(name for name in CALLS if name != "other")
EVERYTHING: Final = {f"{app} {name}" for app in CLIENTS for name in CALLS}
ALL_OF_ECHO: Final = {f"{app} {name}" for app in CLIENTS for name in HTTP}


def policy(
    rules: str, action: str = "ALLOW", *, selector: str = "app: echo", name: str = "test", where: str = "shop"
) -> str:
    where_to = f"  selector: {{matchLabels: {{{selector}}}}}\n" if selector else ""
    return (
        f"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
        f"metadata: {{name: {name}, namespace: {where}}}\n"
        f"spec:\n  action: {action}\n{where_to}{rules}"
    )


def rule(text: str) -> str:
    return f"  rules: [{{{text}}}]\n"


def of(app: str, *names: str) -> set[str]:
    """Calls by one client: these, or all to echo."""
    return {f"{app} {name}" for name in names or HTTP}


def by_all(*names: str) -> set[str]:
    """These calls by all clients."""
    return {f"{app} {name}" for app in CLIENTS for name in names}


def check_refused(mesh: RunningMesh, expected: set[str]) -> None:
    """Exactly these calls are answered with 403, of those that this mesh's clients can make; all others well."""
    clients = [app for app in CLIENTS if app != "stranger" or mesh.isolation != "loopback"]
    assert refused(mesh, clients) == {each for each in expected if each.partition(" ")[0] in clients}


def refused(mesh: RunningMesh, clients: Iterable[str]) -> set[str]:
    """The calls that are answered with 403; all others must be answered well."""
    found = set()
    for app in clients:
        for name, status in mesh.client(app).results(CALLS).items():
            assert status in (200, 403), f"{app} {name}: {status}"
            found |= {f"{app} {name}"} if status == 403 else set()
    return found


SOURCES = {
    "principal": ("from: [{source: {principals: [cluster.local/ns/shop/sa/client]}}]", of("client")),
    "principal by suffix": ("from: [{source: {principals: ['*/sa/visitor']}}]", of("visitor")),
    "any principal": ("from: [{source: {principals: ['*']}}]", of("client") | of("visitor")),
    "not principal": (
        "from: [{source: {notPrincipals: [cluster.local/ns/shop/sa/client]}}]",
        of("visitor") | of("stranger"),
    ),
    "namespace": ("from: [{source: {namespaces: [far]}}]", of("visitor")),
    "not namespace": ("from: [{source: {notNamespaces: [far]}}]", of("client") | of("stranger")),
    "service account": ("from: [{source: {serviceAccounts: [far/visitor]}}]", of("visitor")),
    "method": ("to: [{operation: {methods: [POST]}}]", by_all("post")),
    "not method": ("to: [{operation: {notMethods: [POST]}}]", by_all("get", "root", "header", "port")),
    "path": ("to: [{operation: {paths: [/a/*]}}]", by_all("get", "post")),
    "path with a variable": ("to: [{operation: {paths: ['/{*}/b']}}]", by_all("get", "post")),
    "not path": ("to: [{operation: {notPaths: [/]}}]", by_all("get", "post")),
    "port": ("to: [{operation: {ports: ['8081']}}]", by_all("port")),
    "not port": ("to: [{operation: {notPorts: ['8081']}}]", by_all("get", "post", "root", "header")),
    "host": ("to: [{operation: {hosts: ['echo.shop:81', 'nobody']}}]", by_all("port")),
    "header": ("when: [{key: 'request.headers[x-team]', values: [red]}]", by_all("header")),
    "not header": (
        "when: [{key: 'request.headers[x-team]', notValues: [red]}]",
        by_all("get", "post", "root", "port"),
    ),
    "condition on the port": ("when: [{key: destination.port, values: ['8081']}]", by_all("port")),
    "condition on the namespace": ("when: [{key: source.namespace, values: [far]}]", of("visitor")),
    "all parts of a rule": (
        "from: [{source: {namespaces: [far]}}], to: [{operation: {methods: [POST]}}]",
        of("visitor", "post"),
    ),
    "two operations": (
        "to: [{operation: {methods: [POST]}}, {operation: {ports: ['8081']}}]",
        by_all("post", "port"),
    ),
    "no condition": ("", ALL_OF_ECHO),
}
"""Rules, and the calls that they match."""


@pytest.mark.parametrize(("text", "matched"), SOURCES.values(), ids=list(SOURCES))
def test_a_rule_matches_what_it_says(mesh: RunningMesh, text: str, matched: set[str]) -> None:
    with mesh.config(policy(rule(text), "DENY")):
        check_refused(mesh, matched)
    with mesh.config(policy(rule(text))):
        check_refused(mesh, ALL_OF_ECHO - matched)


@pytest.mark.isolation("userns")  # addresses of loopback tell nobody from another
def test_a_source_may_be_given_by_address(mesh: RunningMesh) -> None:
    address = mesh.api.pod(app="visitor").address
    with mesh.config(policy(rule(f"from: [{{source: {{ipBlocks: [{address}/32]}}}}]"), "DENY")):
        check_refused(mesh, of("visitor"))
    with mesh.config(policy(rule(f"from: [{{source: {{notIpBlocks: [{mesh.network.cidr}]}}}}]"), "DENY")):
        check_refused(mesh, set())


COMBINED = {
    "no rule allows nothing": ([policy("")], ALL_OF_ECHO),
    "deny without rules denies nothing": ([policy("", "DENY")], set[str]()),
    "one of two may allow": (
        [
            policy(rule("from: [{source: {namespaces: [far]}}]"), name="one"),
            policy(rule("to: [{operation: {methods: [POST]}}]"), name="two"),
        ],
        ALL_OF_ECHO - of("visitor") - by_all("post"),
    ),
    "deny comes before allow": (
        [
            policy(rule("from: [{source: {namespaces: [far]}}]"), name="one"),
            policy(rule("to: [{operation: {methods: [POST]}}]"), "DENY", name="two"),
        ],
        (ALL_OF_ECHO - of("visitor")) | by_all("post"),
    ),
    "audit decides nothing": ([policy(rule(""), "AUDIT")], set[str]()),
    "without a selector it is for the namespace": (
        [policy(rule("from: [{source: {namespaces: [far]}}]"), "DENY", selector="")],
        of("visitor", *CALLS),
    ),
    "in the root namespace it is for the mesh": (
        [policy(rule("from: [{source: {namespaces: [far]}}]"), "DENY", selector="", where="istio-system")],
        of("visitor", *CALLS),
    ),
    "in another namespace it is not for this one": (
        [policy(rule("from: [{source: {namespaces: [far]}}]"), "DENY", selector="", where="far")],
        set[str](),
    ),
}


@pytest.mark.parametrize(("policies", "expected"), COMBINED.values(), ids=list(COMBINED))
def test_policies_work_together(mesh: RunningMesh, policies: list[str], expected: set[str]) -> None:
    with mesh.config("---\n".join(policies)):
        check_refused(mesh, expected)


def test_bytes_are_refused_by_port_and_caller(mesh: RunningMesh) -> None:
    deny = policy(rule("from: [{source: {namespaces: [far]}}], to: [{operation: {ports: ['9000', '9001']}}]"), "DENY")
    with mesh.config(deny):
        for port in (9000, 9001) if mesh.isolation != "loopback" else (9000,):  # there requests alone go to the other
            url = f"tcp://echo.shop:{port}"
            assert mesh.client("visitor").call(url, body="hello\n").body == ""
            assert mesh.client("client").call(url, body="hello\n").body.endswith("hello")


def test_a_rule_about_http_in_an_allow_policy_opens_no_port_of_bytes(mesh: RunningMesh) -> None:
    with mesh.config(policy(rule("to: [{operation: {methods: [GET]}}]"))):
        assert mesh.client("client").call("tcp://echo.shop:9000", body="hello\n").body == ""
        assert mesh.client("client").call("http://echo.shop/").status == 200


def test_an_audit_is_written_into_the_log(mesh: RunningMesh) -> None:
    watched = policy(rule("to: [{operation: {paths: [/audited-place]}}]"), "AUDIT", name="watch")
    with mesh.config(watched):
        assert mesh.client("visitor").call("http://echo.shop/audited-place").status == 200

        def check() -> None:
            text = "".join(mesh.log(pod) for pod in mesh.api.pods(app="echo"))
            lines = [line for line in text.splitlines() if "/audited-place" in line]
            assert lines, "no line"
            assert "ns[shop]-policy[watch]-rule[0]" in lines[0], lines
            assert "spiffe://cluster.local/ns/far/sa/visitor" in lines[0]

        eventually(check, within=25.0)


def test_an_open_connection_feels_a_new_policy_at_once(mesh: RunningMesh) -> None:
    with mesh.load("client", "http://echo/", 50.0, kept=4, fresh=0) as load:
        with mesh.config(policy(rule("to: [{operation: {methods: [GET]}}]"), "DENY")):
            assert mesh.client("client").call("http://echo/").status == 403
        assert mesh.client("client").call("http://echo/").status == 200
        result = load.stop()
    assert result.statuses.keys() == {"200", "403"}, result
    assert result.errors == {}
