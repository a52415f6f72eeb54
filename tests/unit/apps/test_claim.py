"""One process keeps a mesh, its end ends the claim, and a folder that is no mesh's is never taken for one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from weft.apps.claim import ForeignFolderError, MeshRunningError, claimed, clear, is_empty, maker, running_pid
from weft.base.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places("demo", tmp_path / "state")


def test_the_claim_tells_who_keeps_the_mesh_and_what_made_it(places: Places) -> None:
    with claimed(places, "demo"):
        assert (running_pid(places), maker(places)) == (os.getpid(), "demo")
        assert places.state.stat().st_mode & 0o777 == 0o700


def test_a_claim_that_is_just_made_or_given_up_is_nobodys(places: Places) -> None:
    """Whoever holds the lock has not written its name yet, or has removed the file."""
    with claimed(places, "up"):
        (places.state / "up.pid").write_text("")
        assert running_pid(places) is None
        (places.state / "up.pid").unlink()
        assert running_pid(places) is None
        (places.state / "up.pid").touch()


def test_a_second_one_is_refused(places: Places) -> None:
    with claimed(places, "up"), pytest.raises(MeshRunningError), claimed(places, "demo"):
        pass
    assert not places.state.exists()


def test_nothing_stays_of_a_claim_but_what_was_left_in_the_folder(places: Places) -> None:
    with claimed(places, "up"):
        pass
    assert not places.state.exists()
    with claimed(places, "up"):
        (places.state / "node").mkdir()
    assert (running_pid(places), maker(places), is_empty(places)) == (None, "up", False)


def test_an_exception_ends_the_claim_too(places: Places) -> None:
    with pytest.raises(ValueError, match="oh"), claimed(places, "up"):
        raise ValueError("oh")
    assert not places.state.exists()


def test_the_end_of_the_process_ends_the_claim(places: Places) -> None:
    code = """
import sys, time
from pathlib import Path
from weft.apps.claim import claimed
from weft.base.places import Places
with claimed(Places("demo", Path(sys.argv[1])), "up"):
    print("claimed", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code, str(places.state)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "claimed\n"
    assert running_pid(places) == process.pid
    process.kill()
    process.communicate()
    assert (running_pid(places), maker(places)) == (None, "up")
    with claimed(places, "demo"):
        assert maker(places) == "demo"


def test_a_folder_of_something_else_is_refused_and_stays_as_it_is(places: Places) -> None:
    places.state.mkdir()
    (places.state / "letter.txt").write_text("dear")
    with pytest.raises(ForeignFolderError, match="no state folder of a mesh"), claimed(places, "up"):
        pass
    assert [path.name for path in places.state.iterdir()] == ["letter.txt"]


def test_a_log_that_was_begun_before_the_claim_is_no_obstacle(places: Places) -> None:
    (places.state / "logs").mkdir(parents=True)
    with claimed(places, "up"):
        assert maker(places) == "up"


def test_clearing_keeps_the_claim_and_what_links_lead_to(places: Places, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "letter.txt").touch()
    with claimed(places, "demo"):
        (places.state / "node" / "pods").mkdir(parents=True)
        (places.state / "controller.sock").touch()
        (places.state / "link").symlink_to(outside)
        clear(places)
        assert (maker(places), is_empty(places)) == ("demo", True)
    assert (outside / "letter.txt").exists()
    assert not places.state.exists()
