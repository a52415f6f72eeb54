"""Files are the configuration: what changes in them is in force within a second, and a bad save harms nothing."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.mesh.harness.manifests import account, client, server, service
from tests.e2e.mesh.harness.mesh import BASE, RunningMesh
from tests.e2e.mesh.harness.waiting import eventually, seconds_until

from weft.base.issues import LocatedIssue

pytestmark = [pytest.mark.isolation("loopback"), pytest.mark.timeout(120)]

FILE = "60-victim.yaml"
A_WHILE = 1.2
"""Longer than a save may be waited for, and than a scan of the folder takes."""


def marked(mark: str) -> str:
    return f"""
    apiVersion: networking.istio.io/v1
    kind: VirtualService
    metadata: {{name: echo, namespace: shop}}
    spec:
      hosts: [echo]
      http: [{{headers: {{response: {{set: {{x-mark: {mark}}}}}}}, route: [{{destination: {{host: echo}}}}]}}]
    """


@pytest.fixture
def victim(mesh: RunningMesh) -> Iterator[RunningMesh]:
    """The shared mesh with a service in a file of its own; the base file is made good again, too."""
    base = (mesh.folder.path / BASE).read_bytes()
    contents = [
        account("shop", "victim"),
        service("shop", "victim", [{"name": "http", "port": 80, "targetPort": 8080}]),
        server("shop", "victim"),
    ]
    mesh.apply(contents, FILE)
    mesh.await_pods(1, "victim")
    mesh.settle()
    yield mesh
    if (mesh.folder.path / BASE).read_bytes() != base:
        mesh.folder.write(BASE, base.decode())
    mesh.folder.delete(FILE)
    mesh.await_pods(0, "victim")
    assert mesh.issues() == []


def test_changes_take_effect_within_a_second(mesh: RunningMesh) -> None:
    """The best of five, less the time that asking takes: the machine may have other things to do."""
    client = mesh.client("client")
    there, gone = [], []

    def check(mark: str | None) -> None:
        assert client.call("http://echo/").headers.get("x-mark") == mark

    for number in range(5):
        mark = f"mark-{number}"
        asking = seconds_until(lambda: check(None))
        mesh.folder.write("50-mark.yaml", marked(mark))
        there.append(seconds_until(lambda mark=mark: check(mark)) - asking)  # type: ignore[misc]
        mesh.folder.delete("50-mark.yaml")
        gone.append(seconds_until(lambda: check(None)) - asking)
    assert min(there) < 1.0, there
    assert min(gone) < 1.0, gone


def test_a_pod_is_made_and_ended_when_its_file_comes_and_goes(mesh: RunningMesh) -> None:
    def check(count: int) -> None:
        assert len(mesh.api.pods(app="guest")) == count

    mesh.folder.write("50-guest.yaml", [account("shop", "guest"), client("shop", "guest")])
    assert seconds_until(lambda: check(1)) < 1.0
    mesh.await_pods(1, "guest")
    mesh.folder.delete("50-guest.yaml")
    assert seconds_until(lambda: check(0)) < 1.0
    mesh.settle()


def test_a_file_that_is_being_written_waits_for_its_writer(victim: RunningMesh) -> None:
    path = victim.folder.path / BASE
    text = path.read_bytes()
    before = {pod.name for pod in victim.api.pods()}
    with victim.load("client", "http://victim/") as load, path.open("wb") as file:
        for share in (0.3, 0.6, 1.0):
            file.write(text[file.tell() : int(len(text) * share)])
            file.flush()
            time.sleep(A_WHILE)
            assert victim.issues() == []
        load.check()
    assert {pod.name for pod in victim.api.pods()} == before


def cut_in_a_line(text: str) -> str:
    """What is left is good YAML, in which other objects stand."""
    return text[: text.index("metadata:\n  name:", len(text) // 4) + len("metadata:\n  name")]


def cut_in_a_text(text: str) -> str:
    return text[: text.index("'8080", len(text) // 2) + 1]


def emptied(_: str) -> str:
    return ""


def broken_indentation(text: str) -> str:
    lines = text.splitlines()
    return "\n".join([*lines[:10], "   : {]", *lines[10:]])


@pytest.mark.parametrize("file", [BASE, FILE])
@pytest.mark.parametrize("damage", [cut_in_a_line, cut_in_a_text, broken_indentation, emptied])
def test_a_bad_save_is_named_and_takes_nothing_down(
    victim: RunningMesh, damage: Callable[[str], str], file: str
) -> None:
    path = victim.folder.path / file
    good = path.read_text()
    before = {pod.name: pod.pids for pod in victim.api.pods()}
    with victim.load("client", "http://victim/") as load:
        path.write_text(damage(good))
        [issue] = eventually(lambda: issues_of(victim, path))
        time.sleep(A_WHILE)
        assert issue.issue.severity == "error"
        assert str(path) in victim.weft("status", code=1)
        victim.folder.write(file, good)
        eventually(lambda: check_no_issues(victim))
        load.check()
    assert {pod.name: pod.pids for pod in victim.api.pods()} == before


def test_a_deployment_that_lacks_what_it_needs_ends_no_pod(victim: RunningMesh) -> None:
    """A save that ended at the end of a line is good YAML: then the missing fields tell."""
    path = victim.folder.path / FILE
    good = path.read_text()
    deployment = good.index("kind: Deployment")
    before = {pod.name: pod.pids for pod in victim.api.pods()}
    with victim.load("client", "http://victim/") as load:
        for last in ("spec:\n", "  selector:\n", "  template:\n", "      containers:\n"):
            path.write_text(good[: good.index(last, deployment) + len(last)])
            assert eventually(lambda: issues_of(victim, path))
            time.sleep(A_WHILE)
        victim.folder.write(FILE, good)
        eventually(lambda: check_no_issues(victim))
        load.check()
    assert {pod.name: pod.pids for pod in victim.api.pods()} == before


def issues_of(mesh: RunningMesh, path: Path) -> list[LocatedIssue]:
    """The issues about a file; there must be some, and none about others."""
    found = mesh.issues()
    assert found
    assert {each.position.file for each in found if each.position} == {str(path)}, found
    return found


def check_no_issues(mesh: RunningMesh) -> None:
    assert mesh.issues() == []
