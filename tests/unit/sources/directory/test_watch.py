"""Changes of real files take effect within a second, however they are made, and half-written ones never do."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from tests.unit.model.samples import KINDS

from weft.base.issues import Ref
from weft.model.kinds import Kinds
from weft.sources.changes import Changes
from weft.sources.directory.inotify import Notifications
from weft.sources.directory.pace import DEFAULT_WAITS, Waits
from weft.sources.directory.source import DirectorySource
from weft.sources.directory.watch import follow
from weft.sources.state import MemoryTables

ROAD = "apiVersion: test.weft.dev/v1\nkind: Road\nmetadata: {name: %s}\n"
SOON = 5.0
"""Seconds within which a busy machine must have seen a change; on an idle one it takes 0.1."""


class Mirror:
    """What a follower was told of a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.refs: set[Ref] = set()
        self.changes: list[Changes] = []
        self.told = asyncio.Event()

    def __call__(self, changes: Changes) -> None:
        self.refs |= changes.upserts.keys()
        self.refs -= changes.deletes
        self.changes.append(changes)
        self.told.set()

    @property
    def names(self) -> set[str]:
        """The names of the objects that there are."""
        return {ref.name for ref in self.refs}

    async def until(self, condition: Callable[[], bool]) -> float:
        """Waits until a condition holds; returns how long that took in seconds."""
        started = time.monotonic()
        async with asyncio.timeout(SOON):
            while not condition():
                self.told.clear()
                await self.told.wait()
        return time.monotonic() - started


@asynccontextmanager
async def followed(root: Path, waits: Waits = DEFAULT_WAITS) -> AsyncIterator[Mirror]:
    """Follows a folder."""
    mirror = Mirror(root)
    task = asyncio.create_task(follow(DirectorySource(root, Kinds(KINDS), MemoryTables()), mirror, waits=waits))
    await mirror.until(lambda: bool(mirror.changes))
    yield mirror
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def mirror(tmp_path: Path) -> AsyncIterator[Mirror]:
    root = tmp_path / "config"
    root.mkdir()
    (root / "first.yaml").write_text(ROAD % "first")
    async with followed(root) as mirror:
        yield mirror


async def test_what_is_there_at_the_start_is_told_first(mirror: Mirror) -> None:
    assert mirror.names == {"first"}


async def test_a_new_file_a_changed_file_and_a_removed_file_are_told(mirror: Mirror) -> None:
    path = mirror.root / "sub" / "a.yaml"
    path.parent.mkdir()
    path.write_text(ROAD % "one")
    await mirror.until(lambda: mirror.names == {"first", "one"})
    path.write_text(ROAD % "two")
    await mirror.until(lambda: mirror.names == {"first", "two"})
    path.unlink()
    await mirror.until(lambda: mirror.names == {"first"})


async def test_an_editors_rename_is_told_as_a_change(mirror: Mirror) -> None:
    temporary = mirror.root / ".first.yaml.swp"
    temporary.write_text(ROAD % "first" + "spec: {enabled: true}\n")
    temporary.rename(mirror.root / "first.yaml")
    await mirror.until(lambda: len(mirror.changes) > 1)
    assert all(not changes.deletes for changes in mirror.changes)


async def test_a_file_counts_once_its_writer_has_finished(mirror: Mirror) -> None:
    with (mirror.root / "first.yaml").open("w") as file:
        for name in ("one", "two", "three"):
            file.write(f"---\n{ROAD % name}")
            file.flush()
            await asyncio.sleep(0.3)
        assert len(mirror.changes) == 1
    await mirror.until(lambda: mirror.names == {"one", "two", "three"})


async def test_the_target_of_a_link_is_followed(mirror: Mirror, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.yaml"
    target.write_text(ROAD % "one")
    (mirror.root / "link.yaml").symlink_to(target)
    await mirror.until(lambda: "one" in mirror.names)
    target.write_text(ROAD % "two")
    await mirror.until(lambda: mirror.names == {"first", "two"})


async def test_a_mounted_config_map_is_swapped_at_once(mirror: Mirror) -> None:
    """The kubelet mounts a ConfigMap as links into a hidden folder that is replaced by one rename."""
    for version in ("one", "two"):
        data = mirror.root / f"..{version}"
        data.mkdir()
        (data / "a.yaml").write_text(ROAD % version)
    (mirror.root / "..data").symlink_to("..one")
    (mirror.root / "a.yaml").symlink_to("..data/a.yaml")
    await mirror.until(lambda: "one" in mirror.names)
    (mirror.root / "..new").symlink_to("..two")
    os.rename(mirror.root / "..new", mirror.root / "..data")
    await mirror.until(lambda: mirror.names == {"first", "two"})


async def test_a_folder_that_is_replaced_is_followed(mirror: Mirror, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.yaml").write_text(ROAD % "one")
    mirror.root.rename(tmp_path / "away")
    await mirror.until(lambda: bool(mirror.changes[-1].issues))
    assert mirror.names == {"first"}
    other.rename(mirror.root)
    await mirror.until(lambda: mirror.names == {"one"})
    (mirror.root / "a.yaml").write_text(ROAD % "two")
    await mirror.until(lambda: mirror.names == {"two"})


async def test_a_new_issue_is_told_even_if_no_object_changed(mirror: Mirror) -> None:
    (mirror.root / "bad.yaml").write_text("a: [")
    await mirror.until(lambda: bool(mirror.changes[-1].issues))
    (mirror.root / "bad.yaml").unlink()
    await mirror.until(lambda: not mirror.changes[-1].issues)
    assert mirror.names == {"first"}


@pytest.mark.parametrize("renamed", [True, False])
async def test_a_complete_save_is_told_without_waiting_for_quiet(tmp_path: Path, renamed: bool) -> None:
    async with followed(tmp_path, Waits(quiet=60, written=60)) as mirror:
        path = tmp_path / (".new" if renamed else "a.yaml")
        path.write_text(ROAD % "one")
        if renamed:
            path.rename(tmp_path / "a.yaml")
        await mirror.until(lambda: mirror.names == {"one"})


async def test_a_folder_that_never_is_quiet_is_told_in_between(tmp_path: Path) -> None:
    async with followed(tmp_path, Waits(settled=60, merged=0.05)) as mirror:
        for number in range(1_000):
            (tmp_path / f"{number}.yaml").write_text(ROAD % f"n{number}")
            await asyncio.sleep(0.01)
            if mirror.names:
                break
        assert mirror.names


async def test_a_change_of_one_file_looks_at_no_other(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(ROAD % name)
    looks: list[object] = []

    def scan(source: DirectorySource, names: object = None) -> Changes:
        found: Changes = real_scan(source, names)
        looks.append(names)
        return found

    real_scan: Any = DirectorySource.scan
    with (
        patch.object(DirectorySource, "scan", scan),
        patch.object(Notifications, "follow", autospec=True, side_effect=Notifications.follow) as asked,
    ):
        async with followed(tmp_path, Waits()) as mirror:
            while len(looks) < 2:  # noqa: ASYNC110 - the second look is at what came before notifications
                await asyncio.sleep(0.01)
            (tmp_path / "a.yaml").write_text(ROAD % "c")
            await mirror.until(lambda: mirror.names == {"b", "c"})
    assert looks[-1] == {"a.yaml"}
    assert asked.call_count == 2


async def test_without_notifications_a_folder_is_looked_at_from_time_to_time(tmp_path: Path) -> None:
    with patch.object(Notifications, "__init__", side_effect=OSError("too many")):
        async with followed(tmp_path, Waits()) as mirror:
            (tmp_path / "a.yaml").write_text(ROAD % "one")
            await mirror.until(lambda: mirror.names == {"one"})


async def test_a_save_takes_effect_within_a_second(mirror: Mirror) -> None:
    durations = []
    for number in range(5):
        (mirror.root / "first.yaml").write_text(ROAD % f"n{number}")
        durations.append(await mirror.until(lambda number=number: mirror.names == {f"n{number}"}))  # type: ignore[misc]
    assert min(durations) < 1.0
