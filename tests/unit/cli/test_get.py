"""`weft get` shows objects as kubectl does."""

import json

import pytest
import yaml
from tests.unit.cli.conftest import Run, Serve
from tests.unit.cli.mesh import MemoryMesh, deployment, pod, service, virtual_service

from weft.base.issues import Ref
from weft.cli.api import Listing
from weft.cli.get import changed_lines
from weft.cli.resource_table import Layout
from weft.sources.local.events import Event

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def lines(text: str) -> list[list[str]]:
    """The cells of a table: columns are three spaces apart."""
    return [[cell.strip() for cell in line.split("   ") if cell] for line in text.splitlines()]


def test_pods_have_kubectls_columns(run: Run, serve: Serve) -> None:
    serve(MemoryMesh(pod("reviews-1"), pod("reviews-2", ready=False)))
    result = run("get", "pods")
    header, first, second = lines(result.stdout)
    assert header == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert first[:4] == ["reviews-1", "2/2", "Running", "0"]
    assert second[:4] == ["reviews-2", "1/2", "CrashLoopBackOff", "3"]
    assert result.exit_code == 0


def test_wide_tables_have_more_columns(run: Run, serve: Serve) -> None:
    serve(MemoryMesh(pod("reviews-1")))
    header, row = lines(run("get", "po", "-o", "wide").stdout)
    assert header[-3:] == ["IP", "NODE", "PROXY"]
    assert row[-3:] == ["10.244.0.5", "machine", "Ready"]


@pytest.mark.parametrize("word", ["svc", "service", "services", "Service"])
def test_kinds_have_several_names(run: Run, serve: Serve, word: str) -> None:
    serve(MemoryMesh(service("reviews", clusterIP="10.96.0.7")))
    header, row = lines(run("get", word).stdout)
    assert header == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert row == ["reviews", "ClusterIP", "10.96.0.7", "<none>", "9080/TCP", "<unknown>"]


@pytest.mark.parametrize("word", ["vs", "virtualservices.networking.istio.io"])
def test_istios_kinds_have_the_columns_of_their_definitions(run: Run, serve: Serve, word: str) -> None:
    serve(MemoryMesh(virtual_service("reviews", ["reviews", "ratings"])))
    header, row = lines(run("get", word).stdout)
    assert header == ["NAME", "GATEWAYS", "HOSTS", "AGE"]
    assert row[-2:] == ['["reviews","ratings"]', "<unknown>"]


def test_deployments_count_their_pods(run: Run, serve: Serve) -> None:
    serve(MemoryMesh(deployment("reviews")))
    assert lines(run("get", "deploy").stdout)[1][:4] == ["reviews", "1/2", "2", "1"]


def test_kinds_without_columns_of_their_own_have_name_and_age(run: Run, serve: Serve) -> None:
    serve(MemoryMesh({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}}))
    assert lines(run("get", "sa").stdout) == [["NAME", "AGE"], ["web", "<unknown>"]]


def test_kinds_without_a_namespace_are_found(run: Run, serve: Serve) -> None:
    serve(MemoryMesh(NAMESPACE))
    assert lines(run("get", "ns").stdout)[1] == ["shop", "Active", "<unknown>"]


def test_all_namespaces_get_a_column(run: Run, serve: Serve) -> None:
    elsewhere = service("ratings")
    elsewhere["metadata"]["namespace"] = "shop"
    serve(MemoryMesh(service("reviews"), elsewhere))
    table = lines(run("get", "svc", "-A").stdout)
    assert [row[:2] for row in table] == [["NAMESPACE", "NAME"], ["default", "reviews"], ["shop", "ratings"]]
    assert [row[0] for row in lines(run("get", "svc", "-n", "shop").stdout)] == ["NAME", "ratings"]


def test_selectors_choose(run: Run, serve: Serve) -> None:
    serve(MemoryMesh(service("reviews"), service("ratings")))
    assert run("get", "svc", "-l", "app in (ratings,x)", "-o", "name").stdout == "service/ratings\n"


def test_a_bad_selector_is_explained(run: Run, serve: Serve) -> None:
    serve(MemoryMesh())
    result = run("get", "svc", "-l", "((")
    assert result.exit_code == 1
    assert "is no label selector" in result.stderr


def test_several_kinds_are_several_tables_with_prefixed_names(run: Run, serve: Serve) -> None:
    serve(MemoryMesh(pod("reviews-1"), service("reviews"), deployment("reviews")))
    result = run("get", "pods,svc")
    assert [row[0] for row in lines(result.stdout) if row] == ["NAME", "pod/reviews-1", "NAME", "service/reviews"]
    assert "deployment.apps/reviews" in run("get", "all").stdout


def test_one_object_by_name_is_itself_in_json_and_several_are_a_list(run: Run, serve: Serve) -> None:
    serve(MemoryMesh(service("reviews"), service("ratings")))
    assert json.loads(run("get", "svc", "reviews", "-o", "json").stdout)["metadata"]["name"] == "reviews"
    assert yaml.safe_load(run("get", "svc/reviews", "-o", "yaml").stdout)["kind"] == "Service"
    document = json.loads(run("get", "svc", "reviews", "ratings", "-o", "json").stdout)
    assert (document["kind"], len(document["items"])) == ("List", 2)


def test_what_is_missing_is_an_error_and_the_rest_is_shown(run: Run, serve: Serve) -> None:
    serve(MemoryMesh(service("reviews")))
    result = run("get", "svc", "reviews", "nothing")
    assert [row[0] for row in lines(result.stdout)] == ["NAME", "reviews"]
    assert result.stderr == "error: Service default/nothing was not found\n"
    assert result.exit_code == 1


def test_an_empty_namespace_says_so(run: Run, serve: Serve) -> None:
    serve(MemoryMesh())
    result = run("get", "pods", "-n", "shop")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "No resources found in shop namespace.\n", 0)
    assert run("get", "pods", "-A").stderr == "No resources found.\n"


def test_unknown_kinds_name_what_is_near(run: Run, serve: Serve) -> None:
    serve(MemoryMesh())
    result = run("get", "servics")
    assert result.exit_code == 1
    assert "unknown kind servics; did you mean services?" in result.stderr


def test_events_are_a_kind(run: Run, serve: Serve) -> None:
    mesh = serve(MemoryMesh())
    ref = Ref("Pod", "default", "reviews-1")
    mesh.found_events.append(Event(ref, "Warning", "Unhealthy", "not ready", 1, 2))
    header, row = lines(run("get", "events").stdout)
    assert header == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert row[1:] == ["Warning", "Unhealthy", "pod/reviews-1", "not ready"]


def test_labels_and_headers_are_optional(run: Run, serve: Serve) -> None:
    serve(MemoryMesh(service("reviews")))
    assert run("get", "svc", "--show-labels", "--no-headers").stdout.rstrip().endswith("app=reviews")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["svc", "a", "-A"], "--all-namespaces"),
        (["svc", "a", "-l", "x=y"], "selector"),
        (["svc/a", "b"], "KIND/NAME"),
        (["svc/"], "names no object"),
        (["svc,"], "names no object"),
        (["svc", "-w", "-o", "json"], "--watch"),
        (["events", "x"], "events have no names"),
    ],
)
def test_command_lines_that_mean_nothing_are_misuse(run: Run, serve: Serve, arguments: list[str], message: str) -> None:
    serve(MemoryMesh())
    result = run("get", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_watching_shows_what_is_new_or_different_below_headers_that_are_shown_once() -> None:
    shown: dict[tuple[str, str, str], dict[str, object]] = {}

    def names(*items: dict[str, object]) -> list[str]:
        lines = list(changed_lines(Listing("Pod", items), Layout(), shown))
        return [line.split()[0] for line in lines]

    first, second = pod("a"), pod("b", ready=False)
    assert names() == []
    assert names(first, second) == ["NAME", "a", "b"]
    assert names(first, second) == []
    assert names(first, pod("b")) == ["b"]
    assert names(pod("c"), first, pod("b")) == ["c"]


def test_the_kinds_are_listed_with_their_names(run: Run, serve: Serve) -> None:
    serve(MemoryMesh())
    shown = [line.split() for line in run("api-resources").stdout.splitlines()]
    assert shown[0] == ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
    assert ["namespaces", "ns", "v1", "false", "Namespace"] in shown
    assert ["virtualservices", "vs", "networking.istio.io/v1", "true", "VirtualService"] in shown


def test_control_characters_never_reach_the_terminal(run: Run, serve: Serve) -> None:
    mesh = serve(MemoryMesh())
    mesh.found_events.append(Event(Ref("Pod", "default", "a"), "Normal", "Started", "\x1b[2Jgone\nnext", 1, 2))
    shown = run("get", "events").stdout
    assert "\x1b" not in shown
    assert len(shown.splitlines()) == 2
