"""What another process reads of a folder ahead is what would be read here; without it, all is read here."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.unit.model.samples import KINDS

from weft.model.kinds import Kinds
from weft.sources.changes import Changes
from weft.sources.directory import ahead_worker
from weft.sources.directory.ahead import ReadAhead, read_ahead
from weft.sources.directory.ahead_worker import frames, main
from weft.sources.directory.chunks import Chunk, split
from weft.sources.directory.limits import Limits
from weft.sources.directory.source import DirectorySource
from weft.sources.state import MemoryTables

LIMITS = Limits()
ROAD = """\
apiVersion: test.weft.dev/v1
kind: Road
metadata:
  name: {name}
spec:
  hosts: [{name}]
  ratio: 0.5
  enabled: on
"""
UNUSUAL = ROAD.format(name="unusual") + "  headers: &anchor {}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text("# roads\n---\n" + ROAD.format(name="a") + "---\n" + UNUSUAL)
    (tmp_path / "b.yaml").write_text(ROAD.format(name="b"))
    (tmp_path / "c.json").write_text('{"kind": "Road"}')
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "d.yaml").write_text(ROAD.format(name="d"))
    return tmp_path


def chunks(folder: Path) -> list[Chunk]:
    return [chunk for file in sorted(folder.rglob("*.yaml")) for chunk in split(file.read_text(), json=False)]


def when_done(ahead: ReadAhead) -> ReadAhead:
    assert ahead.worker is not None
    assert ahead.worker.wait(30) == 0
    return ahead


def scanned(folder: Path, ahead: ReadAhead | None) -> Changes:
    return DirectorySource(folder, Kinds(KINDS), MemoryTables(), clock=lambda: 1.0, ahead=ahead).scan()


def test_what_was_read_ahead_is_what_would_be_read_here(folder: Path) -> None:
    ahead = when_done(read_ahead(folder, LIMITS, least=0))
    found = {chunk.text: ahead.documents(chunk.digest()) for chunk in chunks(folder)}
    ahead.close()
    plain = {text: documents for text, documents in found.items() if documents is not None}
    assert len(plain) == 3
    assert plain == {text: Chunk(text, 0).parse(LIMITS) for text in plain}


def test_what_is_not_plain_is_left_to_who_asks(folder: Path) -> None:
    ahead = when_done(read_ahead(folder, LIMITS, least=0))
    (unusual,) = (chunk for chunk in chunks(folder) if "&anchor" in chunk.text)
    assert ahead.documents(unusual.digest()) is None
    ahead.close()


def test_a_folder_is_the_same_with_and_without(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = scanned(folder, None)
    ahead = when_done(read_ahead(folder, LIMITS, least=0))
    parsed, parse = list[str](), Chunk.parse

    def noted(chunk: Chunk, limits: Limits) -> list[tuple[int, Any]]:
        parsed.append(chunk.text)
        return parse(chunk, limits)

    monkeypatch.setattr(Chunk, "parse", noted)
    assert scanned(folder, ahead) == alone
    ahead.close()
    assert len(alone.upserts) == 4
    assert len(parsed) == 2  # the JSON, and what is not plain
    assert not any(text == ROAD.format(name="b") for text in parsed)


def test_a_file_that_changed_since_counts_as_it_is(folder: Path) -> None:
    ahead = when_done(read_ahead(folder, LIMITS, least=0))
    (folder / "b.yaml").write_text(ROAD.format(name="other"))
    assert sorted(ref.name for ref in scanned(folder, ahead).upserts) == ["a", "d", "other", "unusual"]
    ahead.close()


def test_all_is_read_here_when_the_other_process_is_killed(folder: Path) -> None:
    ahead = read_ahead(folder, LIMITS, least=0)
    assert ahead.worker is not None
    ahead.worker.kill()
    assert scanned(folder, ahead) == scanned(folder, None)
    ahead.close()


def test_nothing_is_left_when_it_is_closed(folder: Path) -> None:
    before = os.listdir("/proc/self/fd")
    ahead = read_ahead(folder, LIMITS, least=0)
    assert ahead.worker is not None
    pid = ahead.worker.pid
    ahead.close()
    ahead.close()
    assert os.listdir("/proc/self/fd") == before
    assert not Path(f"/proc/{pid}").exists()
    assert ahead.documents(chunks(folder)[0].digest()) is None


def test_folders_below_are_read_only_where_they_count(folder: Path) -> None:
    ahead = when_done(read_ahead(folder, Limits(recursive=False), least=0))
    known = {chunk.text.count("name: d") for chunk in chunks(folder) if ahead.documents(chunk.digest())}
    ahead.close()
    assert known == {0}


def test_a_small_folder_a_missing_one_and_a_single_processor_need_no_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_ahead(folder, LIMITS).worker is None
    assert read_ahead(folder / "missing", LIMITS, least=1).worker is None
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert read_ahead(folder, LIMITS, least=0).worker is None


def test_a_frame_that_is_not_whole_yet_is_taken_later(folder: Path) -> None:
    data = b"".join(frames(folder, LIMITS))
    file = os.memfd_create("test")
    ahead = ReadAhead(file, subprocess.Popen(["sleep", "60"]))
    known = list[int]()
    for byte in data:
        os.write(file, bytes((byte,)))
        known.append(sum(ahead.documents(chunk.digest()) is not None for chunk in chunks(folder)))
    ahead.close()
    assert sum(known) == 3
    assert known[-1] == 1  # of the last file


def test_what_is_kept_in_memory_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(frames(folder, LIMITS))
    monkeypatch.setattr(ahead_worker, "MOST_BYTES", len(whole[0]) + len(whole[1]))
    assert list(frames(folder, LIMITS)) == whole[:2]


def test_unreadable_files_are_left_out(folder: Path) -> None:
    before = list(frames(folder, LIMITS))
    (folder / "broken.yaml").write_bytes(b"\xff\xfe\x00")
    (folder / "long.yaml").write_text("x: y\n" * 1_000)
    assert [each for each in frames(folder, Limits(file_bytes=1_000)) if each in before] == before


def test_the_process_ends_soon_after_its_parent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parents = iter((10, 10, 1))
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    file = os.memfd_create("test")
    main([str(folder), "recursive", str(file), "10"])
    written = os.fstat(file).st_size
    os.close(file)
    assert written == len(b"".join(list(frames(folder, LIMITS))[:2]))
