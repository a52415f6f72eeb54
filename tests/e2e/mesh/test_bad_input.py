"""Whatever a file holds: one clear message with its place, and everything else goes on."""

import time
from collections.abc import Callable, Iterator

import pytest
from msgspec import Struct
from tests.e2e.mesh.harness.client import Call
from tests.e2e.mesh.harness.mesh import RunningMesh
from tests.e2e.mesh.harness.waiting import eventually, seconds_until

from weft.base.issues import LocatedIssue

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(180)]

FILE = "90-bad.yaml"
MANY = 10_000

ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bad, namespace: shop}
spec:
  hosts: [echo]
  http:
    - match: [{uri: {prefix: /nowhere}}]
      route:
        - destination: {host: DESTINATION}
      timeout: TIMEOUT
    - route: [{destination: {host: echo}}]
"""
POLICY = """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: bad, namespace: shop}
spec:
  selector: {matchLabels: LABELS}
  rules:
    - from: [{source: {PRINCIPALS: [cluster.local/ns/shop/sa/client]}}]
"""


class Case(Struct, frozen=True):
    """A file, and where and what its one error must be: the line, the field, and a part of the message."""

    text: str
    line: int
    path: str
    message: str


def route(destination: str = "echo", timeout: str = "5s") -> str:
    return ROUTE.replace("DESTINATION", destination).replace("TIMEOUT", timeout)


def policy(labels: str = "{app: echo}", principals: str = "principals") -> str:
    return POLICY.replace("LABELS", labels).replace("PRINCIPALS", principals)


CASES = {
    "broken YAML": Case("kind: ConfigMap\nmetadata: {name: x\ndata: {}\n", 3, "", "expected ',' or '}'"),
    "indented by a tab": Case("kind: ConfigMap\n\tmetadata: {}\n", 2, "", "a tab is used to indent"),
    "binary": Case("\x00\x01", 1, "", "U+0000"),
    "no object": Case("- 1\n- 2\n", 1, "", "got a list"),
    "no name": Case("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", 3, "metadata.name", "the name is missing"),
    "unknown kind": Case(route().replace("Service", "Servise"), 2, "kind", "did you mean VirtualService?"),
    "unknown field": Case(route().replace("timeout", "timeot"), 10, "spec.http[0].timeot", "unknown field"),
    "wrong type": Case(route(timeout="[5s]"), 10, "spec.http[0].timeout", "expected text, got a list"),
    "bad value": Case(route(timeout="soon"), 10, "spec.http[0].timeout", "'soon' is no duration"),
    "missing subset": Case(route("echo, subset: v9"), 7, "spec.http[0]", "'v9'"),
    "missing host": Case(route("nobody"), 7, "spec.http[0]", "'nobody.shop.svc.cluster.local' was not found"),
    "duplicate": Case(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: client, namespace: shop}\n",
        1,
        "metadata.name",
        "is already in",
    ),
    "5 MB": Case(f"# {'x' * 5_000_000}\n", 0, "", "more than the 4 MiB that are read"),
    "cyclic anchors": Case("kind: ConfigMap\ndata: &a\n  b: *a\n", 3, "", "stands inside of what it stands for"),
    "anchors that multiply": Case(
        "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [{','.join([f'*a{n}'] * 9)}]\n" for n in range(9)),
        5,
        "",
        "with what its aliases stand for",
    ),
    "too deep": Case(f"a: {'[' * 5_000}{']' * 5_000}\n", 1, "", "nested more than 100 deep"),
}


@pytest.fixture
def folder(mesh: RunningMesh) -> Iterator[RunningMesh]:
    """The shared mesh, which is without any issue before and afterwards."""
    assert mesh.issues() == []
    check_serves(mesh)
    yield mesh
    if (mesh.folder.path / FILE).exists():
        mesh.folder.delete(FILE)
    eventually(lambda: check_none(mesh))
    mesh.settle()
    check_serves(mesh)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_bad_file_gives_one_message_and_all_else_goes_on(folder: RunningMesh, case: Case) -> None:
    folder.folder.write(FILE, case.text)
    [located] = eventually(lambda: errors(folder))
    issue, position = located.issue, located.position
    assert position is not None
    assert position.file == str(folder.folder.path / FILE)
    assert (position.line, issue.path) == (case.line, case.path), located
    assert case.message in issue.message
    assert issue.effect
    check_serves(folder)


def test_good_objects_beside_a_bad_one_count(folder: RunningMesh) -> None:
    good = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: good, namespace: shop}
spec: {hosts: [good.example], http: [{directResponse: {status: 418}}]}
"""
    folder.folder.write(FILE, f"{route(timeout='soon')}---\n{good}")
    eventually(lambda: errors(folder))
    folder.settle()
    assert folder.client("client").call("http://echo/", headers={"host": "good.example"}).status == 418
    check_serves(folder)


CLOSED: dict[str, tuple[str, set[str]]] = {
    "a rule": (policy(principals="principal"), {"echo"}),
    "a kind of action": (policy().replace("  rules", "  action: ALOW\n  rules"), {"echo"}),
    "the selector": (policy(labels="[app]"), {"echo", "other"}),
}
"""What can't be read of a policy, and the services of the namespace that it closes by that."""


@pytest.mark.parametrize(("text", "closed"), CLOSED.values(), ids=list(CLOSED))
def test_a_bad_policy_closes_what_it_may_have_been_meant_for(folder: RunningMesh, text: str, closed: set[str]) -> None:
    calls = {"echo": Call(url="http://echo.shop/"), "other": Call(url="http://other.shop/")}
    calls["old"] = Call(url="http://old.plain/")
    folder.folder.write(FILE, text)
    [located] = eventually(lambda: errors(folder))
    folder.settle()
    assert located.position is not None
    assert located.issue.path.startswith("spec.")
    for app in ("client", "visitor"):
        assert folder.client(app).results(calls) == {name: 403 if name in closed else 200 for name in calls}


def many(number: int, mark: str = "a") -> str:
    return (
        f"apiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        f"metadata: {{name: many-{number}, namespace: far}}\n"
        f"spec: {{hosts: [many-{number}.example], exportTo: [.], "
        f"http: [{{directResponse: {{status: 200, body: {{string: {mark}{number}}}}}}}]}}\n"
    )


def test_ten_thousand_objects_take_effect_while_requests_go_on(
    folder: RunningMesh, record_property: Callable[[str, object], None]
) -> None:
    visitor = folder.client("visitor")
    texts = [many(number) for number in range(MANY)]

    def check(number: int, body: str) -> None:
        assert visitor.call("http://echo.shop/", headers={"host": f"many-{number}.example"}).body == body

    with folder.load("client", "http://echo/", 50.0) as load:
        folder.folder.write(FILE, "---\n".join(texts))
        all_of_them = seconds_until(lambda: check(MANY - 1, f"a{MANY - 1}"), within=90.0)
        assert folder.issues() == []
        texts[5] = many(5, "b")
        folder.folder.write(FILE, "---\n".join(texts))
        one_of_them = seconds_until(lambda: check(5, "b5"), within=30.0)
        folder.folder.delete(FILE)
        time.sleep(0.5)
        folder.settle()
        load.check()
    record_property("seconds for all", all_of_them)
    record_property("seconds for one", one_of_them)
    print(f"{MANY} objects took effect after {all_of_them:.1f} s, a change of one of them after {one_of_them:.1f} s")
    assert one_of_them < all_of_them


def errors(mesh: RunningMesh) -> list[LocatedIssue]:
    """What is wrong; there must be something. Warnings tell what follows from an error, and are left out."""
    found = [each for each in mesh.issues() if each.issue.severity == "error"]
    assert found
    return found


def check_none(mesh: RunningMesh) -> None:
    assert mesh.issues() == []


def check_serves(mesh: RunningMesh) -> None:
    calls = {"by name": Call(url="http://echo.shop/"), "without sidecar": Call(url="http://old.plain/")}
    assert mesh.client("client").results(calls) == dict.fromkeys(calls, 200)
