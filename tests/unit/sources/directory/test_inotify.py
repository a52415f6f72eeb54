"""What the kernel tells of a folder, and what is taken from it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from weft.sources.directory.inotify import Notice, Notifications


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Notifications]:
    (tmp_path / "sub").mkdir()
    with Notifications(str(tmp_path)) as notifications:
        assert notifications.follow(("", "sub/"))
        yield notifications


CHANGES: list[tuple[Callable[[Path], object], Notice]] = [
    (lambda root: (root / "a.yaml").write_text("a"), Notice("a.yaml", finished=True)),
    (lambda root: (root / "sub" / "a.yaml").write_text("a"), Notice("sub/a.yaml", finished=True)),
    (lambda root: (root / "old").rename(root / "new"), Notice("new", finished=True)),
    (lambda root: (root / "old").rename(root / "new"), Notice("old", finished=True)),
    (lambda root: (root / "old").unlink(), Notice("old", finished=True)),
    (lambda root: (root / "old").chmod(0o600), Notice("old", finished=False)),
    (lambda root: (root / "made").mkdir(), Notice(None, finished=True)),
    (lambda root: (root / "sub").rmdir(), Notice(None, finished=True)),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_changes_are_told_by_the_path_of_the_file(
    change: Callable[[Path], object], expected: Notice, tmp_path: Path, told: Notifications
) -> None:
    (tmp_path / "old").touch()
    told.read()
    change(tmp_path)
    assert expected in told.read()
    assert told.read() == []


def test_a_file_is_not_finished_while_it_is_written(tmp_path: Path, told: Notifications) -> None:
    with (tmp_path / "a.yaml").open("w") as file:
        file.write("a")
        file.flush()
        assert {notice.finished for notice in told.read()} == {False}
    assert told.read() == [Notice("a.yaml", finished=True)]


def test_reading_a_file_is_no_change(tmp_path: Path, told: Notifications) -> None:
    (tmp_path / "a.yaml").write_text("a")
    told.read()
    (tmp_path / "a.yaml").read_text()
    assert told.read() == []


def test_a_folder_that_takes_anothers_name_was_not_followed(tmp_path: Path, told: Notifications) -> None:
    assert not told.follow(("", "sub/"))
    (tmp_path / "sub").rename(tmp_path / "away")
    (tmp_path / "sub").mkdir()
    assert told.follow(("", "sub/"))
    told.read()
    (tmp_path / "away" / "a.yaml").write_text("a")
    assert told.read() == []


def test_a_folder_that_is_not_there_is_said_to_be_missing(told: Notifications) -> None:
    assert told.complete
    assert not told.follow(("", "nowhere/"))
    assert not told.complete
