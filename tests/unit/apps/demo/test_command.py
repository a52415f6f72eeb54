"""What `weft demo` says before it starts anything."""

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

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


def test_an_ordinary_user_is_told_what_to_do(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = run(state)
    assert result.exit_code == 1
    problem, hint = result.stderr.splitlines()
    assert problem == "error: a mesh needs network namespaces, and so root"
    assert "`sudo " in hint
    assert "without root comes in a later release" in hint
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
