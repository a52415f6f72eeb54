"""`weft logs` and `weft exec` reach into pods by the node's files."""

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Run, Serve
from tests.unit.cli.mesh import MemoryMesh, deployment, job, pod
from tests.unit.cli.node import make_pod

from weft.base.places import Places
from weft.cli.tail import follow, tail
from weft.node.lifecycle import UnitRecord
from weft.node.logs import begin_run
from weft.node.processes import record_of
from weft.node.state import write_record


def test_output_is_that_of_all_parts_in_order(run: Run, places: Places) -> None:
    folder = make_pod(places, "web")
    folder.log("app").with_name("app.log.1").write_bytes(b"one\n")
    folder.log("app").write_bytes(b"two\nthree\n")
    folder.log("istio-proxy").write_bytes(b"\xffenvoy\n")
    assert run("logs", "web").stdout == "one\ntwo\nthree\n"
    assert run("logs", "web", "--tail", "2").stdout == "two\nthree\n"
    assert run("logs", "web", "--tail", "0").stdout == ""
    assert run("logs", "web", "-c", "envoy").stdout_bytes == b"\xffenvoy\n"
    assert run("logs", "web", "-c", "istio-proxy").stdout_bytes == b"\xffenvoy\n"


def test_a_deployment_stands_for_a_ready_pod(run: Run, serve: Serve, places: Places) -> None:
    make_pod(places, "web-1").log("app").write_text("first\n")
    make_pod(places, "web-2").log("app").write_text("second\n")
    labels = {"app": "web"}
    serve(MemoryMesh(deployment("web"), pod("web-1", labels=labels, ready=False), pod("web-2", labels=labels)))
    assert run("logs", "deploy/web").stdout == "second\n"


def test_a_job_stands_for_its_youngest_pod(run: Run, serve: Serve, places: Places) -> None:
    labels = {"batch.kubernetes.io/job-name": "work"}
    first, second = pod("work-1", labels=labels, ready=False), pod("work-2", labels=labels, ready=False)
    second["metadata"]["creationTimestamp"] = "2026-11-23T07:00:10Z"
    make_pod(places, "work-1").log("app").write_text("failed\n")
    make_pod(places, "work-2").log("app").write_text("done\n")
    serve(MemoryMesh(job("work"), job("idle"), second, first))
    assert run("logs", "job/work").stdout == "done\n"
    assert "Job default/idle has no pods" in run("logs", "jobs/idle").stderr


def test_a_deployment_without_pods_is_an_error(run: Run, serve: Serve, places: Places) -> None:
    make_pod(places, "other")
    serve(MemoryMesh(deployment("web")))
    assert "Deployment default/web has no pods" in run("logs", "deploy/web").stderr
    assert (
        "Deployment.apps default/x was not found" in run("logs", "deploy/x").stderr
        or run("logs", "deploy/x").exit_code == 1
    )


def test_the_run_before_the_present_one_has_its_own_output(run: Run, places: Places) -> None:
    log = make_pod(places, "web").log("app")
    result = run("logs", "web", "-p")
    assert result.exit_code == 1
    assert "no former run of the container in pod default/web" in result.stderr
    log.write_text("first run")
    begin_run(log)
    log.write_text("second run")
    assert run("logs", "web").stdout == "second run"
    assert run("logs", "web", "-p").stdout == "first run"


def test_a_pod_without_output_has_none(run: Run, places: Places) -> None:
    make_pod(places, "web")
    result = run("logs", "web", "-f")
    assert (result.stdout, result.exit_code) == ("", 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "there is no pod default/nothing"),
        (["web", "-n", "shop"], "there is no pod shop/web"),
        (["web", "-c", "x"], "has no container x: choose one of app, istio-proxy"),
        (["svc/web"], "svc/web is no pod"),
    ],
)
def test_what_is_not_there_is_an_error(run: Run, places: Places, arguments: list[str], message: str) -> None:
    make_pod(places, "web")
    result = run("logs", *arguments)
    assert result.exit_code == 1
    assert message in result.stderr


def test_following_shows_what_is_added_until_the_file_is_removed(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("one\ntwo\n")
    seen: list[bytes] = []

    def read() -> None:
        seen.extend(follow([log], 1, pause=0.001))

    def wait_for(text: bytes) -> None:
        end = time.monotonic() + 5
        while text not in b"".join(seen):
            assert time.monotonic() < end
            time.sleep(0.002)

    thread = threading.Thread(target=read)
    thread.start()
    wait_for(b"two")
    with log.open("a") as file:
        file.write("three")
        file.flush()
        wait_for(b"three")
        file.truncate(0)
        time.sleep(0.02)
        file.write("new\n")
    wait_for(b"new")
    log.unlink()
    thread.join(5)
    assert not thread.is_alive()
    assert b"".join(seen) == b"two\nthreenew\n"


def test_following_ends_with_the_run(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("first")
    output = follow([log], None, pause=0.001)
    assert next(output) == b"first"
    with log.open("a") as file:
        begin_run(log)
        log.write_text("second run, which is longer")
        file.write(", the end")
    assert b"".join(output) == b", the end"


def test_the_end_of_output_may_have_no_line_feed(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("one\ntwo")
    assert list(tail([log], 1)) == [b"two"]


@pytest.fixture
def running(places: Places) -> Iterator[Places]:
    """A pod `web` whose container `app` runs in namespaces of its own."""
    folder = make_pod(places, "web")
    with subprocess.Popen(["unshare", "--net", "--mount", "sleep", "60"]) as process:
        try:
            _wait_for_sleep(process.pid)
            write_record(folder.container_record("app"), UnitRecord(state="running", process=record_of(process.pid)))
            yield places
        finally:
            process.kill()


def _wait_for_sleep(pid: int) -> None:
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}/comm").read_text() != "sleep\n":
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.root
def test_commands_run_inside_of_the_pod_and_their_exit_code_is_passed_on(
    run: Run, running: Places, tmp_path: Path
) -> None:
    result = tmp_path / "links"
    assert run("exec", "web", "--", "sh", "-c", f"cat /proc/net/dev > {result}; exit 7").exit_code == 7
    assert [line.split(":")[0].strip() for line in result.read_text().splitlines()[2:]] == ["lo"]


@pytest.mark.root
def test_a_command_gets_no_input_unless_it_is_asked_for(run: Run, running: Places) -> None:
    assert run("exec", "web", "--", "sh", "-c", "read line").exit_code == 1


@pytest.mark.root
def test_options_may_follow_the_pod_and_what_follows_the_dashes_is_the_commands(run: Run, running: Places) -> None:
    assert run("exec", "web", "-c", "app", "--", "sh", "-c", "kill -9 $$").exit_code == 137


def test_a_container_that_does_not_run_is_an_error(run: Run, places: Places) -> None:
    make_pod(places, "web")
    result = run("exec", "web", "--", "ls")
    assert result.exit_code == 1
    assert "container app of pod default/web does not run" in result.stderr


def test_a_command_is_needed(run: Run) -> None:
    assert run("exec", "web").exit_code == 2
