"""What a VirtualService says happens to real requests (Istio, VirtualService reference)."""

import pytest
from msgspec import Struct
from tests.e2e.mesh.harness.bounds import within_chance
from tests.e2e.mesh.harness.client import Call, versions
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(120)]

SUBSETS = """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: echo, namespace: shop}
spec: {host: echo, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
"""
TO_V1 = "{route: [{destination: {host: echo, subset: v1}}]}"
URL = "http://echo/"


def virtual_service(*rules: str, kind: str = "http") -> str:
    """A VirtualService for `echo` with these rules, and its subsets."""
    lines = "".join(f"    - {rule}\n" for rule in rules)
    return (
        f"{SUBSETS}---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        f"metadata: {{name: echo, namespace: shop}}\nspec:\n  hosts: [echo]\n  {kind}:\n{lines}"
    )


class Match(Struct, frozen=True):
    """A condition, a request that meets it, and one that does not."""

    condition: str
    hit: Call
    miss: Call


MATCHES = {
    "exact path": Match("{uri: {exact: /books}}", Call(url=f"{URL}books"), Call(url=f"{URL}books/")),
    "path prefix": Match("{uri: {prefix: /books}}", Call(url=f"{URL}books/1"), Call(url=f"{URL}book")),
    "path by expression": Match("{uri: {regex: '/b[0-9]+'}}", Call(url=f"{URL}b12"), Call(url=f"{URL}b12c")),
    "path in any case": Match(
        "{uri: {exact: /Books}, ignoreUriCase: true}", Call(url=f"{URL}bOOks"), Call(url=f"{URL}book")
    ),
    "exact header": Match(
        "{headers: {user: {exact: ann}}}",
        Call(url=URL, headers={"User": "ann"}),
        Call(url=URL, headers={"user": "Ann"}),
    ),
    "header prefix": Match(
        "{headers: {user: {prefix: a}}}", Call(url=URL, headers={"user": "ann"}), Call(url=URL, headers={"user": "bob"})
    ),
    "header by expression": Match(
        "{headers: {user: {regex: 'a.*n'}}}",
        Call(url=URL, headers={"user": "ann"}),
        Call(url=URL, headers={"user": "anna"}),
    ),
    "header that is there": Match("{headers: {user: {}}}", Call(url=URL, headers={"user": "x"}), Call(url=URL)),
    "header that is not there": Match(
        "{withoutHeaders: {user: {}}}", Call(url=URL), Call(url=URL, headers={"user": "x"})
    ),
    "method": Match("{method: {exact: POST}}", Call(url=URL, method="POST", body="x"), Call(url=URL)),
    "query": Match("{queryParams: {a: {exact: '1'}}}", Call(url=f"{URL}?b=2&a=1"), Call(url=f"{URL}?a=12")),
    "authority": Match("{authority: {exact: echo}}", Call(url=URL), Call(url=URL, headers={"host": "echo.shop"})),
    "all of one match": Match(
        "{uri: {prefix: /a}, method: {exact: GET}}", Call(url=f"{URL}a"), Call(url=f"{URL}a", method="POST")
    ),
}


@pytest.mark.parametrize("case", MATCHES.values(), ids=list(MATCHES))
def test_a_match_chooses_the_route(mesh: RunningMesh, case: Match) -> None:
    chosen = f"{{match: [{case.condition}], route: [{{destination: {{host: echo, subset: v2}}}}]}}"
    with mesh.config(virtual_service(chosen, TO_V1)):
        [hit], [miss] = mesh.client("client").call_all([case.hit, case.miss])
    assert (hit.status, hit.version) == (200, "v2")
    assert (miss.status, miss.version) == (200, "v1")


def test_the_first_rule_that_matches_counts_and_any_match_of_it_will_do(mesh: RunningMesh) -> None:
    first = "{match: [{uri: {prefix: /a}}, {uri: {prefix: /b}}], route: [{destination: {host: echo, subset: v1}}]}"
    second = "{match: [{uri: {prefix: /a/b}}], route: [{destination: {host: echo, subset: v2}}]}"
    third = "{match: [{uri: {prefix: /c}}], route: [{destination: {host: echo, subset: v2}}]}"
    calls = [Call(url=f"{URL}{path}") for path in ("a/b", "b", "c", "d")]
    with mesh.config(virtual_service(first, second, third)):
        answers = [found[0] for found in mesh.client("client").call_all(calls)]
    assert [(answer.status, answer.version) for answer in answers] == [(200, "v1"), (200, "v1"), (200, "v2"), (404, "")]


def test_a_rule_for_clients_with_labels_is_for_those_alone(mesh: RunningMesh) -> None:
    rule = "{match: [{sourceLabels: {app: client}}], route: [{destination: {host: echo, subset: v2}}]}"
    with mesh.config(virtual_service(rule, TO_V1)):
        assert {a.version for a in mesh.client("client").repeat(URL, 10)} == {"v2"}
        assert {a.version for a in mesh.client("visitor").repeat("http://echo.shop/", 10)} == {"v1"}


def test_redirect(mesh: RunningMesh) -> None:
    rule = "{match: [{uri: {prefix: /old}}], redirect: {uri: /new, authority: other.example, redirectCode: 307}}"
    with mesh.config(virtual_service(rule, TO_V1)):
        answer = mesh.client("client").call(f"{URL}old/place")
    assert (answer.status, answer.headers["location"]) == (307, "http://other.example/new")


def test_rewrite(mesh: RunningMesh) -> None:
    prefix = "{match: [{uri: {prefix: /old/}}], rewrite: {uri: /new/, authority: else.example}, ROUTE}"
    swap = "uriRegexRewrite: {match: '/r/(.*)/(.*)', rewrite: '/\\2/\\1'}"
    pattern = f"{{match: [{{uri: {{prefix: /r/}}}}], rewrite: {{{swap}}}, ROUTE}}"
    rules = [rule.replace("ROUTE", TO_V1[1:-1]) for rule in (prefix, pattern)]
    with mesh.config(virtual_service(*rules)):
        [first], [second] = mesh.client("client").call_all([Call(url=f"{URL}old/a?b=c"), Call(url=f"{URL}r/x/y")])
    assert (first.told["path"], first.told["host"]) == ("/new/a?b=c", "else.example")
    assert second.told["path"] == "/y/x"


def test_direct_response(mesh: RunningMesh) -> None:
    with mesh.config(virtual_service("{directResponse: {status: 418, body: {string: 'I am a teapot'}}}")):
        answer = mesh.client("client").call(URL)
    assert (answer.status, answer.body) == (418, "I am a teapot")


def test_headers_are_set_added_and_removed(mesh: RunningMesh) -> None:
    request = "request: {set: {a: new}, add: {b: more}, remove: [c]}"
    response = "response: {set: {x-version: mine}, add: {d: '1'}, remove: [x-pod]}"
    rule = f"{{headers: {{{request}, {response}}}, {TO_V1[1:-1]}}}"
    with mesh.config(virtual_service(rule)):
        answer = mesh.client("client").call(URL, headers={"a": "old", "b": "some", "c": "gone"})
    sent = answer.told["headers"]
    assert (sent["a"], sent["b"], sent.get("c")) == ("new", "more", None) or sent["b"] == "some,more"
    assert (answer.headers["x-version"], answer.headers["d"], answer.headers.get("x-pod")) == ("mine", "1", None)


def test_a_mirror_gets_a_copy_and_its_answer_goes_nowhere(mesh: RunningMesh) -> None:
    rule = f"{{mirror: {{host: other}}, {TO_V1[1:-1]}}}"
    client = mesh.client("client")
    with mesh.config(virtual_service(rule)):
        answer = client.call(f"{URL}mirrored-place?status=200")

        def check() -> None:
            seen = client.call("http://other/requests").told["requests"]
            assert {"path": "/mirrored-place?status=200", "host": "echo"} in seen

        eventually(check)
    assert (answer.status, answer.version) == (200, "v1")


def test_a_share_of_requests_is_aborted(mesh: RunningMesh) -> None:
    fault = "fault: {abort: {httpStatus: 555, percentage: {value: 30}}}"
    with mesh.config(virtual_service(f"{{{fault}, {TO_V1[1:-1]}}}")):
        answers = mesh.client("client").repeat(URL, 300)
    assert set(versions(answers)) == {"v1", "555"}
    assert within_chance(versions(answers)["555"], 300, 0.3)


def test_requests_are_delayed(mesh: RunningMesh) -> None:
    fault = "match: [{headers: {slow: {exact: 'yes'}}}], fault: {delay: {fixedDelay: 700ms, percentage: {value: 100}}}"
    with mesh.config(virtual_service(f"{{{fault}, {TO_V1[1:-1]}}}", TO_V1)):
        slow = mesh.client("client").call(URL, headers={"slow": "yes"})
        fast = mesh.client("client").call(URL)
    assert (slow.status, fast.status) == (200, 200)
    assert slow.seconds >= 0.7 > fast.seconds


def test_retries(mesh: RunningMesh) -> None:
    never = "{match: [{uri: {prefix: /never}}], retries: {attempts: 0}, ROUTE}"
    often = "{match: [{uri: {prefix: /often}}], retries: {attempts: 3, retryOn: 5xx, backoff: 10ms}, ROUTE}"
    rules = [rule.replace("ROUTE", TO_V1[1:-1]) for rule in (never, often)]
    calls = [
        Call(url=f"{URL}never?fail=1&key=never"),
        Call(url=f"{URL}often?fail=3&key=often"),
        Call(url=f"{URL}often?fail=9&key=too-often"),
    ]
    with mesh.config(virtual_service(*rules)):
        answers = [found[0] for found in mesh.client("client").call_all(calls)]
    assert [answer.status for answer in answers] == [503, 200, 503]
    assert answers[1].told["headers"]["x-envoy-attempt-count"] == "4"


def test_by_default_an_answer_is_not_asked_for_again(mesh: RunningMesh) -> None:
    """Istio, MeshConfig.defaultHttpRetryPolicy: what a server has begun to answer is none of its conditions."""
    assert mesh.client("client").call(f"{URL}?fail=1&key=default").status == 503


def test_timeout(mesh: RunningMesh) -> None:
    with mesh.config(virtual_service(f"{{timeout: 300ms, {TO_V1[1:-1]}}}")):
        [slow], [fast] = mesh.client("client").call_all([Call(url=f"{URL}?delay=2"), Call(url=URL)])
    assert (slow.status, fast.status) == (504, 200)
    assert slow.seconds < 1.5


def test_cors_answers_the_preflight_for_allowed_origins(mesh: RunningMesh) -> None:
    policy = (
        "corsPolicy: {allowOrigins: [{exact: https://good.example}], allowMethods: [GET, PUT], "
        "allowHeaders: [x-mine], maxAge: 1h, allowCredentials: true}"
    )
    asked = {"access-control-request-method": "PUT"}
    calls = [
        Call(url=URL, method="OPTIONS", headers={"origin": "https://good.example", **asked}),
        Call(url=URL, method="OPTIONS", headers={"origin": "https://bad.example", **asked}),
        Call(url=URL, headers={"origin": "https://good.example"}),
    ]
    with mesh.config(virtual_service(f"{{{policy}, {TO_V1[1:-1]}}}")):
        good, bad, simple = (found[0] for found in mesh.client("client").call_all(calls))
    assert good.status == 200
    assert good.version == "", "the proxy answers a preflight itself"
    assert good.headers["access-control-allow-origin"] == "https://good.example"
    assert good.headers["access-control-allow-methods"] == "GET,PUT"
    assert good.headers["access-control-allow-headers"] == "x-mine"
    assert good.headers["access-control-max-age"] == "3600"
    assert good.headers["access-control-allow-credentials"] == "true"
    assert "access-control-allow-origin" not in bad.headers
    assert simple.headers["access-control-allow-origin"] == "https://good.example"
    assert simple.version == "v1"


SPLIT_BYTES = (
    "{match: [{port: 9000}], route: [{destination: {host: echo, subset: v1}, weight: 25}, "
    "{destination: {host: echo, subset: v2}, weight: 75}]}"
)
OTHER_BYTES = "{match: [{port: 9001}], route: [{destination: {host: echo, subset: v1}}]}"


def servers_of_bytes(mesh: RunningMesh, url: str, times: int) -> list[str]:
    """The versions that answer connections."""
    with mesh.config(virtual_service(SPLIT_BYTES, OTHER_BYTES, kind="tcp")):
        return [answer.body.split(" ")[0] for answer in mesh.client("client").repeat(url, times, body="hello\n")]


def test_tcp_is_split_by_weight(mesh: RunningMesh) -> None:
    found = servers_of_bytes(mesh, "tcp://echo:9000", 200)
    assert set(found) == {"v1", "v2"}
    assert within_chance(found.count("v2"), 200, 0.75), found.count("v2")


@pytest.mark.isolation("userns")  # a port whose protocol is to be detected is asked by HTTP alone there
def test_tcp_is_routed_by_port(mesh: RunningMesh) -> None:
    assert set(servers_of_bytes(mesh, "tcp://echo:9001", 20)) == {"v1"}


GATEWAY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front, namespace: ingress}
spec:
  selector: {istio: gateway}
  servers: [{port: {name: http, number: 8080, protocol: HTTP}, hosts: [front.example, '*.wild.example']}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front, namespace: shop}
spec:
  hosts: [front.example, one.wild.example]
  gateways: [ingress/front]
  http:
    - {match: [{uri: {prefix: /other}}], route: [{destination: {host: other}}]}
    - {route: [{destination: {host: echo, port: {number: 80}}}]}
"""


def test_a_gateway_routes_by_host_and_path(mesh: RunningMesh) -> None:
    hosts = ("front.example", "one.wild.example", "two.wild.example", "unknown.example")
    url = "http://127.0.0.1:8080"
    with mesh.config(GATEWAY):
        machine = mesh.machine()
        mesh.await_machine(url, 404, headers={"host": "unknown.example"})
        calls = {host: Call(url=url, headers={"host": host}) for host in hosts}
        assert machine.results(calls) == dict(zip(hosts, (200, 200, 404, 404), strict=True))
        answer = machine.call(f"{url}/other", headers={"host": "front.example"})
        assert answer.caller == "cluster.local/ns/ingress/sa/gateway"
        assert answer.pod.startswith("other-v1")
        # A route of a gateway is none of the mesh inside: the address counts, and where there is none, nobody has it.
        inside = mesh.client("client").call("http://other/", headers={"host": "front.example"})
        assert inside.pod.startswith("other") if mesh.isolation != "loopback" else inside.status == 503
    mesh.await_machine(url, 0)
