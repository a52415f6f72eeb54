"""Files that a command line names: read once, in a mesh's own order, wherever they come from."""

import io
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from weft.apps.pipeline import all_kinds
from weft.base.issues import Ref
from weft.sources.changes import Changes
from weft.sources.directory.limits import Limits
from weft.sources.directory.named import NamedFiles, missing_names


def scanned(*names: Path | str, recursive: bool = False) -> tuple[NamedFiles, Changes]:
    limits = Limits(recursive=recursive, file_bytes=10_000)
    source = NamedFiles([str(name) for name in names], all_kinds(), clock=lambda: 7.0, limits=limits)
    return source, source.scan()


def config_map(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def found_in(changes: Changes) -> list[str]:
    return sorted(ref.name for ref in changes.upserts)


def test_files_and_folders_are_read_and_folders_below_only_if_asked(tmp_path: Path) -> None:
    (tmp_path / "dir" / "below").mkdir(parents=True)
    (tmp_path / "single.txt").write_text(config_map("single"))
    (tmp_path / "dir" / "a.yaml").write_text(config_map("a"))
    (tmp_path / "dir" / "notes.txt").write_text("none")
    (tmp_path / "dir" / "below" / "b.yml").write_text(config_map("b"))
    assert found_in(scanned(tmp_path / "single.txt", tmp_path / "dir")[1]) == ["a", "single"]
    assert found_in(scanned(tmp_path / "dir", recursive=True)[1]) == ["a", "b"]


def test_a_place_names_the_file_as_the_command_line_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mesh").mkdir()
    Path("mesh/a.yaml").write_text("\n" + config_map("a"))
    source, _ = scanned("./mesh")
    assert str(source.position(Ref("ConfigMap", "default", "a"), "metadata.name")) == "mesh/a.yaml:4"


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(config_map("piped").encode() + b"spec: {}")))
    _, changes = scanned("-")
    assert found_in(changes) == ["piped"]
    assert [str(each.position) for each in changes.issues] == ["-:4"]


def test_a_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(config_map("piped")))
    writer.start()
    try:
        assert found_in(scanned(pipe)[1]) == ["piped"]
    finally:
        writer.join()


def test_a_file_that_is_being_written_is_read_all_the_same(tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open("w") as file:
        file.write(config_map("a"))
        file.flush()
        assert found_in(scanned(tmp_path)[1]) == ["a"]


@pytest.mark.parametrize("data", [b"a: b: c", b"\xff\xfe", b"x" * 10_001])
def test_what_can_not_be_read_is_told_and_the_rest_is_there(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.yaml").write_text(config_map("a"))
    (tmp_path / "b.yaml").write_bytes(data)
    _, changes = scanned(tmp_path)
    assert found_in(changes) == ["a"]
    assert [Path(each.position.file).name for each in changes.issues if each.position] == ["b.yaml"]


def test_names_that_lead_to_nothing_are_told_apart(tmp_path: Path) -> None:
    assert missing_names(["-", str(tmp_path), str(tmp_path / "gone")]) == [str(tmp_path / "gone")]
