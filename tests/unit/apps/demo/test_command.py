"""What `weft demo` says before it starts anything."""

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from weft.apps import up_options
from weft.apps.claim import claimed
from weft.apps.demo.command import demo
from weft.base.places import Places
from weft.cli.commands import program
from weft.cli.options import chosen_places


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def run(state: Path, *arguments: str) -> Result:
    command = ["--mesh", "no-such-mesh", "--state-dir", str(state), "demo", *arguments]
    return CliRunner().invoke(program([demo]), command, prog_name="weft")


def test_an_isolation_that_does_not_work_is_refused_with_the_reason(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up_options, "machine_probes", lambda: {"userns": lambda: "user namespaces are off"})
    result = run(state, "--isolation", "userns")
    assert result.exit_code == 1
    problem, hint = result.stderr.splitlines()
    assert problem == "error: this machine can't isolate pods that way: userns: user namespaces are off"
    assert hint == "hint: `--isolation auto` takes the best that works here"
    assert not state.exists()


@pytest.mark.root
def test_a_demo_that_runs_is_left_alone(state: Path) -> None:
    with claimed(Places("no-such-mesh", state), "demo"):
        result = run(state, "--check")
    assert result.exit_code == 1
    assert f"the demo runs already (process {os.getpid()})" in result.stderr


@pytest.mark.root
def test_nothing_stays_where_it_can_t_start(state: Path) -> None:
    result = run(state, "--port", "15021")
    assert result.exit_code != 0
    assert "one of Envoy's own" in result.stderr
    assert not state.exists()


def test_the_environments_mesh_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who works with a mesh of his own must not have it taken for the demo's."""
    monkeypatch.setenv("WEFT_MESH", "mine")
    monkeypatch.setenv("WEFT_STATE_DIR", "/srv/mine")
    found = chosen_places(click.Context(demo), own="demo")
    assert (found.mesh, found.state.name) == ("demo", "demo")
    assert chosen_places(click.Context(demo)) == Places("mine", Path("/srv/mine"))
