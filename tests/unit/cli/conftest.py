"""The command line against the real API of a mesh in memory."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.unit.cli.mesh import MemoryMesh, served

from weft.cli.commands import program

Run = Callable[..., Result]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder of the mesh that `run` means."""
    folder = tmp_path / "state"
    folder.mkdir()
    return folder


@pytest.fixture
def run(state: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command line."""
    monkeypatch.setenv("WEFT_STATE_DIR", str(state))

    def invoke(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(program(), list(arguments), input=stdin, catch_exceptions=False, prog_name="weft")

    return invoke


@pytest.fixture
def serve(state: Path) -> Iterator[Callable[[MemoryMesh], MemoryMesh]]:
    """Lets a mesh run until the end of the test."""
    with ExitStack() as stack:

        def begin(mesh: MemoryMesh) -> MemoryMesh:
            stack.enter_context(served(mesh, state))
            return mesh

        yield begin
