"""`weft internal-debug` shows what the controller computed, and why it pushed."""

import json

from tests.unit.cli.conftest import Run, Serve
from tests.unit.cli.mesh import MemoryMesh

from weft.base.places import Places
from weft.cli.debug.pushes import chosen_of, row
from weft.serve.http.contract import PushReason

ROUTE = PushReason(
    number=7,
    time=1_000.0,
    waited=0.0124,
    lane="everything",
    changes=("VirtualService shop/web",),
    more_changes=0,
    resources={"VHDS": ("80/web",), "CDS": ("a", "b")},
    names=3,
)


def test_the_graph_is_shown_with_its_sums(run: Run, serve: Serve) -> None:
    serve(MemoryMesh())
    lines = [line.split() for line in run("internal-debug", "graph").output.splitlines()]
    assert lines == [
        ["TABLE", "NODES", "COMPUTED", "CUT", "OFF"],
        ["view", "1", "5", "2"],
        ["objects", "3", "0", "0"],
        ["all", "4", "5", "2"],
    ]
    assert json.loads(run("internal-debug", "graph", "-o", "json").output)["revision"] == 7


def test_a_push_says_what_it_told_and_which_change_led_to_it(run: Run, serve: Serve) -> None:
    serve(MemoryMesh()).pushes = [ROUTE]
    output = run("internal-debug", "pushes").output
    assert "VHDS 80/web, 2 CDS" in output
    assert "VirtualService shop/web" in output
    assert json.loads(run("internal-debug", "pushes", "-r", "a", "-o", "json").output)[0]["resources"] == {"CDS": ["a"]}


def test_only_pushes_of_the_resource_that_is_asked_for_are_chosen() -> None:
    assert [each.resources for each in chosen_of([ROUTE], "", "80/web")] == [{"VHDS": ("80/web",)}]
    assert [each.resources for each in chosen_of([ROUTE], "CDS", "")] == [{"CDS": ("a", "b")}]
    assert list(chosen_of([ROUTE], "CDS", "80/web")) == []


def test_many_changes_are_counted() -> None:
    many = PushReason(
        number=1, time=0, waited=0, lane="endpoints", changes=tuple("abcde"), more_changes=10, resources={}, names=0
    )
    assert row(many, 0)[-1] == "a, b, c, 12 more"


def test_a_pod_whose_envoy_is_not_connected_is_named(run: Run, serve: Serve, places: Places) -> None:
    serve(MemoryMesh())
    (places.state / "node").mkdir()
    result = run("internal-debug", "pushes", "gone", "-n", "shop")
    assert result.exit_code == 1
    assert "the Envoy of Pod shop/gone is not connected" in result.output
