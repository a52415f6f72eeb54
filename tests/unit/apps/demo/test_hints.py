"""Hints are commands that work in the user's own shell."""

import shlex
from pathlib import Path

import pytest

from weft.apps.demo.hints import hints, weft_command
from weft.base.places import Places

DEMO = Places("demo", Path("/var/lib/weft/demo"))


@pytest.fixture
def virtual(tmp_path: Path) -> Path:
    (tmp_path / "pyvenv.cfg").touch()
    return tmp_path


def test_an_installed_program_is_named() -> None:
    assert weft_command(DEMO, prefix=Path("/usr"), environment={}, root=True) == "weft --mesh demo"


def test_that_of_an_active_environment_is_named(virtual: Path) -> None:
    assert (
        weft_command(DEMO, prefix=virtual, environment={"VIRTUAL_ENV": str(virtual)}, root=True) == "weft --mesh demo"
    )


def test_that_of_another_one_has_its_path(virtual: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(virtual)
    assert weft_command(DEMO, prefix=virtual, environment={}, root=True) == "bin/weft --mesh demo"
    monkeypatch.chdir("/")
    found = weft_command(DEMO, prefix=virtual, environment={"VIRTUAL_ENV": "/other"}, root=True)
    assert Path(shlex.split(found)[0]).resolve() == virtual / "bin" / "weft"


def test_who_came_by_sudo_needs_it_again() -> None:
    found = weft_command(DEMO, prefix=Path("/usr"), environment={"SUDO_UID": "1000"}, root=True)
    assert found == "sudo weft --mesh demo"


@pytest.mark.parametrize(
    ("state", "environment"), [("/srv/a b", {}), ("/var/lib/weft/demo", {"WEFT_STATE_DIR": "/srv/other"})]
)
def test_a_state_folder_that_would_not_be_found_is_named(state: str, environment: dict[str, str]) -> None:
    found = weft_command(Places("demo", Path(state)), prefix=Path("/usr"), environment=environment, root=True)
    assert shlex.split(found) == ["weft", "--mesh", "demo", "--state-dir", state]


def test_each_hint_is_a_command_of_this_mesh() -> None:
    for hint in hints("sudo weft --mesh demo", Path("/a folder")):
        assert hint.command.startswith("sudo weft --mesh demo ")
        assert hint.about
    files = [word for hint in hints("weft", Path("/a folder")) for word in shlex.split(hint.command) if "/a" in word]
    assert files == ["/a folder/more/finish-rollout.yaml"]
