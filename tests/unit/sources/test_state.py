"""State survives the process, changes at once or not at all, and is readable by its owner alone."""

import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from weft.sources.state import MemoryTables, StateStore, Tables


@pytest.fixture(params=["file", "memory"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tables]:
    if request.param == "memory":
        yield MemoryTables()
        return
    store = StateStore(tmp_path / "state.db")
    yield store
    store.close()


def test_entries_are_set_replaced_and_removed(tables: Tables) -> None:
    tables.write("a", {"x": b"1", "y": b"2"})
    tables.write("b", {"x": b"3"})
    tables.write("a", {"x": b"4", "y": None, "z": None})
    assert tables.load("a") == {"x": b"4"}
    assert tables.load("b") == {"x": b"3"}
    assert tables.get("a", "x") == b"4"
    assert tables.get("a", "y") is None
    assert tables.load("c") == {}


def test_state_survives_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = StateStore(path)
    store.write("a", {"x": b"1"})
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    store.close()
    assert modes == {0o600}
    again = StateStore(path)
    assert again.load("a") == {"x": b"1"}
    assert again.recovered is None
    again.close()


def test_what_was_written_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    script = (
        "import os, pathlib, sys; from weft.sources.state import StateStore\n"
        "store = StateStore(pathlib.Path(sys.argv[1])); store.write('a', {'x': b'1'}); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    store = StateStore(path)
    assert store.load("a") == {"x": b"1"}
    store.close()


def test_a_damaged_file_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"no database" * 1_000)
    store = StateStore(path)
    assert store.load("a") == {}
    assert store.recovered == tmp_path / "state.damaged"
    assert store.recovered.read_bytes().startswith(b"no database")
    store.close()


def test_what_is_written_together_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    store, other = StateStore(tmp_path / "state.db"), StateStore(tmp_path / "state.db")
    with store.together():
        store.write("a", {"x": b"1"})
        with store.together():
            store.write("b", {"y": b"2"})
        assert other.load("b") == {}
        assert store.load("b") == {"y": b"2"}
    assert (other.load("a"), other.load("b")) == ({"x": b"1"}, {"y": b"2"})
    with suppress(ZeroDivisionError), store.together():
        store.write("a", {"x": None})
        1 / 0  # noqa: B018 - something else goes wrong
    assert store.load("a") == other.load("a") == {"x": b"1"}
    store.write("a", {"x": b"3"})
    assert other.load("a") == {"x": b"3"}
    store.close()
    other.close()
