"""`weft proxy-config` asks an Envoy by its admin socket, or reads what somebody saved."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import ClassVar

import pytest
import yaml
from tests.unit.cli.conftest import Run, Serve
from tests.unit.cli.mesh import MemoryMesh, deployment, pod
from tests.unit.cli.node import make_pod

from weft.base.places import Places

DATA = Path(__file__).parent / "data"
DUMP = str(DATA / "config_dump.json")


class _Admin(BaseHTTPRequestHandler):
    """Answers as Envoy's admin interface."""

    answers: ClassVar = {
        "GET /config_dump?include_eds": (DATA / "config_dump.json").read_bytes(),
        "GET /clusters?format=json": (DATA / "clusters.json").read_bytes(),
        "POST /logging?": b"active loggers:\n  admin: warning\n",
        "POST /logging?level=info": b"active loggers:\n  admin: info\n",
        "POST /logging?paths=http:debug": b"active loggers:\n  http: debug\n",
        "POST /logging?level=warning": b"active loggers:\n  http: warning\n",
    }

    def do_GET(self) -> None:
        body = self.answers.get(f"{self.command} {self.path}", b"error: unknown logger name\n\nusage: ...")
        self.send_response(400 if body.startswith(b"error") else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def envoy(places: Places, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pod `web` in the node's files whose Envoy answers."""
    monkeypatch.chdir(make_pod(places, "web").proxy)  # the whole path may be too long for a socket's address
    with _Server("admin.sock", _Admin) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("name", ["clusters", "listeners", "routes", "endpoints", "secrets", "bootstrap", "all"])
@pytest.mark.parametrize("output", ["short", "json", "yaml"])
def test_everything_is_shown_in_every_form(run: Run, name: str, output: str) -> None:
    result = run("proxy-config", name, "--file", DUMP, "-o", output)
    assert result.exit_code == 0
    if output == "json":
        assert json.loads(result.stdout)
    elif output == "yaml":
        assert yaml.safe_load(result.stdout)
    else:
        assert result.stdout.splitlines()[0].isupper()


@pytest.mark.parametrize(
    ("words", "header"),
    [
        (["cluster"], "SERVICE FQDN   PORT   SUBSET   DIRECTION   TYPE   DESTINATION RULE"),
        (["l"], "ADDRESSES   PORT   MATCH   DESTINATION"),
        (["route"], "NAME   VHOST NAME   DOMAINS   MATCH   VIRTUAL SERVICE"),
        (["ep"], "ENDPOINT   STATUS   OUTLIER CHECK   CLUSTER"),
        (["secret"], "RESOURCE NAME   TYPE   STATUS   VALID CERT   SERIAL NUMBER   NOT AFTER   NOT BEFORE"),
    ],
)
def test_headers_and_names_are_istioctls(run: Run, envoy: None, words: list[str], header: str) -> None:
    shown = run("pc", *words, "web").stdout.splitlines()[0]
    assert [cell.strip() for cell in shown.split("   ") if cell.strip()] == header.split("   ")


def test_filters_apply_to_json_too(run: Run, envoy: None) -> None:
    found = json.loads(run("pc", "clusters", "web", "--fqdn", "reviews", "--subset", "v1", "-o", "json").stdout)
    assert [cluster["name"] for cluster in found] == ["outbound|9080|v1|reviews.default.svc.cluster.local"]


def test_endpoints_come_from_the_health_of_hosts(run: Run, envoy: None) -> None:
    shown = run("pc", "endpoints", "web", "--status", "draining").stdout.splitlines()
    assert shown[1].split() == [
        "10.244.0.6:9080",
        "DRAINING",
        "OK",
        "outbound|9080|v2|reviews.default.svc.cluster.local",
    ]
    saved = run("pc", "endpoints", "-f", str(DATA / "clusters.json"), "--status", "draining").stdout
    assert saved.splitlines() == shown


@pytest.mark.parametrize("target", ["web", "web.default", "pod/web", "deploy/web"])
def test_pods_have_several_names(run: Run, serve: Serve, envoy: None, target: str) -> None:
    serve(MemoryMesh(deployment("web"), pod("other", labels={"app": "other"}), pod("web", labels={"app": "web"})))
    assert run("pc", "clusters", target).exit_code == 0


def test_levels_of_loggers_are_shown_and_set(run: Run, envoy: None) -> None:
    assert run("pc", "log", "web").stdout == "active loggers:\n  admin: warning\n"
    assert run("pc", "log", "web", "--level", "http:debug,info").stdout == "active loggers:\n  http: debug\n"
    assert run("pc", "log", "web", "--reset").stdout == "active loggers:\n  http: warning\n"


@pytest.mark.parametrize("level", ["loud", "http:loud", "ht tp:info", "a&b=c:info", "info,"])
def test_levels_that_are_none_never_reach_envoy(run: Run, envoy: None, level: str) -> None:
    assert run("pc", "log", "web", "--level", level).exit_code == 2


def test_what_envoy_refuses_is_told(run: Run, envoy: None) -> None:
    result = run("pc", "log", "web", "--level", "nonsense:info")
    assert result.exit_code == 1
    assert result.stderr == "error: the Envoy of web refused: error: unknown logger name\n"


def test_an_envoy_that_does_not_run_is_told(run: Run, places: Places) -> None:
    make_pod(places, "web")
    result = run("pc", "clusters", "web")
    assert result.exit_code == 1
    assert "the Envoy of web does not answer" in result.stderr
    assert "weft logs web -c istio-proxy" in result.stderr


def test_a_pod_without_envoy_is_told(run: Run, places: Places) -> None:
    make_pod(places, "web", sidecar=False)
    assert "has no sidecar" in run("pc", "clusters", "web").stderr


@pytest.mark.parametrize("arguments", [[], ["web", "-f", DUMP], ["web", "--port", "70000"]])
def test_a_pod_or_a_file_is_meant(run: Run, arguments: list[str]) -> None:
    assert run("pc", "clusters", *arguments).exit_code == 2


def test_a_file_that_is_no_dump_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    result = run("pc", "all", "-f", str(tmp_path / "x.json"))
    assert result.exit_code == 1
    assert "no configuration dump of Envoy" in result.stderr
