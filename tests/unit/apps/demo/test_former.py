"""A demo takes away what a former one left, and nothing that is somebody else's."""

from pathlib import Path

import pytest

from weft.apps.claim import ForeignFolderError, claimed
from weft.apps.demo import former
from weft.apps.demo.former import MAKER, require_own
from weft.base.places import Places
from weft.cli.errors import Failure


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places("no-such-mesh", tmp_path / "state")


def leave(places: Places, maker: str) -> None:
    """What is there after everything was killed."""
    with claimed(places, maker):
        (places.state / "node").mkdir()


def test_there_may_be_nothing(places: Places) -> None:
    assert not require_own(places, "weft")


def test_a_killed_demo_is_taken_away(places: Places) -> None:
    leave(places, MAKER)
    assert require_own(places, "weft")


def test_a_demo_that_was_killed_before_it_did_anything_left_nothing(places: Places) -> None:
    places.state.mkdir()
    (places.state / "up.pid").touch()
    assert not require_own(places, "weft")


def test_another_mesh_is_left_alone(places: Places) -> None:
    leave(places, "up")
    with pytest.raises(Failure, match="`weft demo` did not make") as caught:
        require_own(places, "weft --mesh no-such-mesh")
    assert "`weft --mesh no-such-mesh down`" in caught.value.hint


def test_a_mesh_of_an_unknown_maker_is_left_alone(places: Places) -> None:
    leave(places, MAKER)
    (places.state / "up.pid").write_text("17")
    with pytest.raises(Failure, match="did not make"):
        require_own(places, "weft")


@pytest.mark.parametrize(("maker", "message"), [(MAKER, "the demo runs already"), ("up", "a mesh named .* runs")])
def test_what_runs_is_left_alone(places: Places, maker: str, message: str) -> None:
    with claimed(places, maker), pytest.raises(Failure, match=message) as caught:
        require_own(places, "weft")
    assert "down" in caught.value.hint


def test_a_folder_of_something_else_is_left_alone(places: Places) -> None:
    places.state.mkdir()
    (places.state / "letter.txt").touch()
    with pytest.raises(ForeignFolderError):
        require_own(places, "weft")


def test_a_network_whose_state_is_elsewhere_is_left_alone(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(former, "pinned_inode", {"weft-no-such-mesh": 4026531840}.get)
    with pytest.raises(Failure, match="keeps its state elsewhere"):
        require_own(places, "weft")
