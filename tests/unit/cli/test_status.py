"""`weft status`, `proxy-status`, `describe` and `version` say how the mesh is."""

import json
import time

import msgspec
import pytest
from tests.unit.cli.conftest import Run, Serve
from tests.unit.cli.mesh import MemoryMesh, mesh_status, pod, problem, proxy, service
from tests.unit.cli.node import make_pod

from weft.base.issues import Position, Ref
from weft.base.places import Places
from weft.cli.proxy_status import type_rows, verbose_rows
from weft.cli.status import findings
from weft.envoy.type_urls import CDS, RDS
from weft.node.forwarding import Forward
from weft.node.limits import limits_of
from weft.node.state import write_record
from weft.serve.ads.states import ProxyState, TypeState
from weft.serve.http.contract import MeshStatus, PodCount
from weft.sources.local.events import Event

NOW = 1_600.0
REVIEWS = Ref("Service", "default", "reviews")


def texts(status: MeshStatus) -> dict[str, tuple[bool, str]]:
    return {line.subject: (line.good, line.text) for line in findings(status, NOW)}


def test_a_healthy_mesh_has_good_lines_only() -> None:
    assert texts(mesh_status()) == {
        "Mesh": (True, "default: /shop, isolation netns"),
        "Controller": (True, "running for 10m, version 0.1.0"),
        "Node": (True, "reported 10s ago"),
        "Pods": (True, "2/2 ready"),
        "Proxies": (True, "2/2 in sync"),
        "Issues": (True, "none"),
    }


@pytest.mark.parametrize(
    ("status", "subject", "line"),
    [
        (mesh_status(node_seen=None), "Node", (False, "has not reported yet")),
        (mesh_status(node_seen=1_500), "Node", (False, "silent for 100s")),
        (mesh_status(pods=PodCount(3, 2)), "Pods", (False, "2/3 ready")),
        (mesh_status(proxies={}), "Proxies", (True, "0/0 in sync")),
        (mesh_status(proxies={"SYNCED": 1, "ERROR": 2}), "Proxies", (False, "1/3 in sync, 2 ERROR")),
        (mesh_status(nacks=4), "Proxies", (True, "2/2 in sync, 4 refused configurations since the start")),
        (mesh_status(issues=(problem("error", "x"),)), "Issues", (False, "1 error")),
        (mesh_status(issues=(problem("warning", "x"),) * 2), "Issues", (True, "2 warnings")),
    ],
)
def test_what_is_not_as_it_should_be(status: MeshStatus, subject: str, line: tuple[bool, str]) -> None:
    assert texts(status)[subject] == line


def test_the_exit_code_tells_whether_all_is_well(run: Run, serve: Serve) -> None:
    mesh = serve(MemoryMesh())
    mesh.state = mesh_status(node_seen=int(time.time()))
    assert run("status").exit_code == 0
    mesh.state = mesh_status(node_seen=int(time.time()), pods=PodCount(2, 1))
    assert run("status").exit_code == 1


def test_the_worst_issues_come_first_and_only_a_few(run: Run, serve: Serve) -> None:
    mesh = serve(MemoryMesh())
    found = [
        problem("info", "minor"),
        *[problem("warning", f"odd {n}") for n in range(5)],
        problem("error", "bad", REVIEWS),
    ]
    mesh.state = mesh_status(issues=tuple(found))
    shown = run("status").stdout
    assert "error: Service default/reviews, spec.hosts[0]: bad [WEFT0001]" in shown
    assert "hint: write another one" in shown
    assert shown.index("bad") < shown.index("odd 0")
    assert "minor" not in shown
    assert "and 2 more" in shown


def test_the_status_is_for_programs_too(run: Run, serve: Serve) -> None:
    mesh = serve(MemoryMesh())
    mesh.state = mesh_status(node_seen=None)
    result = run("status", "-o", "json")
    document = json.loads(result.stdout)
    assert (document["healthy"], document["pods"], result.exit_code) == (False, {"wanted": 2, "ready": 2}, 1)


def test_proxies_have_istioctls_columns(run: Run, serve: Serve) -> None:
    mesh = serve(MemoryMesh())
    mesh.connected.append(proxy("web", SDS="SYNCED", CDS="SYNCED", RDS="STALE", LDS="SYNCED"))
    header, row = run("proxy-status").stdout.splitlines()
    assert header.split("   ")[0].strip() == "NAME"
    assert header.split()[1:] == ["CLUSTER", "ISTIOD", "VERSION", "SUBSCRIBED", "TYPES"]
    assert row.split() == ["web.default", "default", "controller", "1.40.0", "4", "(CDS,LDS,RDS,SDS)"]


def test_each_type_has_a_column_if_asked_for() -> None:
    states = [proxy("web", CDS="SYNCED", RDS="STALE"), proxy("db", CDS="NOT SENT", LDS="ERROR")]
    header, rows = verbose_rows(states, "default", now=155.0)
    assert header == ("NAME", "CLUSTER", "ISTIOD", "VERSION", "CDS", "LDS", "RDS")
    assert rows[0][4:] == ("SYNCED (60s)", "-", "STALE")
    assert rows[1][4:] == ("NOT SENT", "ERROR", "-")


def test_one_proxy_tells_what_it_refused(run: Run, serve: Serve, places: Places) -> None:
    make_pod(places, "web")
    refused = TypeState(
        type_url=CDS,
        status="ERROR",
        subscribed=None,
        refused=("a",),
        refusal="bad\x1bcluster",
        refusal_time=time.time(),
    )
    mesh = serve(MemoryMesh())
    mesh.connected += [msgspec.structs.replace(proxy("web"), types=(refused,)), proxy("other")]
    shown = run("ps", "web").stdout
    assert "web.default: connected" in shown
    assert "CDS refused 0s ago: bad\N{REPLACEMENT CHARACTER}cluster" in shown
    assert "other" not in shown


def test_types_count_what_was_asked_for() -> None:
    types = (TypeState(type_url=RDS, status="SYNCED", subscribed=3, sent=100.0),)
    state: ProxyState = msgspec.structs.replace(proxy("web"), types=types)
    assert type_rows(state, 160.0) == [("RDS", "SYNCED", "3", "60s", "-")]


def test_a_proxy_that_is_not_connected_is_an_error(run: Run, serve: Serve, places: Places) -> None:
    make_pod(places, "web")
    serve(MemoryMesh())
    result = run("ps", "web")
    assert result.exit_code == 1
    assert "the Envoy of pod default/web is not connected" in result.stderr
    assert run("ps").stderr == "No proxies are connected.\n"


def test_describe_shows_all_that_is_known(run: Run, serve: Serve) -> None:
    mesh = serve(MemoryMesh(service("reviews", selector={"app": "reviews"})))
    mesh.found_issues.append(
        msgspec.structs.replace(problem("warning", "odd", REVIEWS), position=Position("a.yaml", 7, 3))
    )
    mesh.found_events += [
        Event(REVIEWS, "Normal", "Changed", "spec", 10, int(time.time()), count=3),
        Event(Ref("Pod", "default", "reviews"), "Normal", "Started", "not ours", 1, 1),
    ]
    mesh.connections[REVIEWS] = {"Endpoints http": ["10.244.0.5:9080"], "Policies": []}
    result = run("describe", "svc", "reviews")
    shown = [line.rstrip() for line in result.stdout.splitlines()]
    assert shown[:4] == [
        "Name:         reviews",
        "Namespace:    default",
        "Kind:         Service (v1)",
        "Labels:       app=reviews",
    ]
    assert "  selector:" in shown
    assert shown[shown.index("Endpoints http:") + 1] == "  10.244.0.5:9080"
    assert "Policies:     <none>" in shown
    assert "  warning: a.yaml:7:3: Service default/reviews, spec.hosts[0]: odd [WEFT0001]" in shown
    assert any("Changed" in line and "(x3 over " in line for line in shown)
    assert "not ours" not in result.stdout


def test_describe_keeps_secrets(run: Run, serve: Serve) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "data": {"password": "aHVudGVyMg=="}}
    serve(MemoryMesh(secret))
    shown = run("describe", "secret/key").stdout
    assert "password: 12 characters" in shown
    assert "aHVudGVyMg" not in shown


def test_describe_of_nothing(run: Run, serve: Serve) -> None:
    serve(MemoryMesh(pod("web")))
    assert run("describe", "pod", "x").exit_code == 1
    assert run("describe", "svc").stderr == "No resources found in default namespace.\n"


def test_versions_of_all_parts(run: Run, serve: Serve) -> None:
    mesh = serve(MemoryMesh())
    mesh.connected += [proxy("a"), proxy("b"), msgspec.structs.replace(proxy("c"), version="")]
    shown = run("version").stdout.splitlines()
    assert shown[0] == "client version: 0.1.0"
    assert shown[2:] == ["control plane version: 0.1.0", "data plane version: unknown (1 proxy), 1.40.0 (2 proxies)"]


def test_versions_without_a_mesh(run: Run) -> None:
    result = run("version", "-o", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["controlPlane"] is None
    assert run("version", "--client").stdout == "client version: 0.1.0\n"


def test_what_an_isolation_cannot_do_is_said(run: Run, serve: Serve, places: Places) -> None:
    mesh = serve(MemoryMesh())
    mesh.state = mesh_status(node_seen=int(time.time()), isolation="userns")
    write_record(places.forwards, (Forward(80, 8080), Forward(8081, 8081)))
    said = run("status").output.splitlines()
    remark = "port 80 of the mesh is port 8080 outside, as ports below 1024 are root's"
    assert [line[4:] for line in said if line.startswith("  - ")] == [*limits_of("userns"), remark]
    assert json.loads(run("status", "-o", "json").output)["limits"] == [*limits_of("userns"), remark]
