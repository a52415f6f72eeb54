"""The command line against the real API of a mesh in memory."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.unit.cli.mesh import MemoryMesh, served

from weft.base.places import Places
from weft.cli.commands import program

Run = Callable[..., Result]
Serve = Callable[[MemoryMesh], MemoryMesh]


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MemoryMesh, Path]]:
    """An API that runs as long as the tests do: its mesh, and its socket."""
    mesh, socket = MemoryMesh(), tmp_path_factory.mktemp("api") / "socket"
    with served(mesh, socket):
        yield mesh, socket


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Where the mesh is that `run` means."""
    state = tmp_path / "state"
    state.mkdir()
    return Places("default", state)


@pytest.fixture
def run(places: Places, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command line."""
    monkeypatch.setenv("WEFT_STATE_DIR", str(places.state))

    def invoke(*arguments: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(program(), list(arguments), input=stdin, catch_exceptions=False, prog_name="weft")

    return invoke


@pytest.fixture
def serve(places: Places, api: tuple[MemoryMesh, Path]) -> Serve:
    """Makes a mesh the running one; returns the one to change from then on."""

    def begin(mesh: MemoryMesh) -> MemoryMesh:
        running, socket = api
        places.controller_socket.symlink_to(socket)
        return running.take(mesh)

    return begin
