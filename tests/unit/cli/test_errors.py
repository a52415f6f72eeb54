"""What a command says when it can't do what was asked, and its exit code."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Run

from weft.base.places import Places
from weft.cli.commands import program
from weft.cli.errors import colour, print_error


def answer_with(path: Path, answer: bytes) -> threading.Thread:
    """A server that gives one answer, whatever it is asked."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        connection, _ = listener.accept()
        with listener, connection:
            connection.recv(65536)
            connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "arguments", [["get", "pods"], ["status"], ["proxy-status"], ["logs", "a"], ["pc", "log", "a"]]
)
def test_without_a_mesh_the_way_to_one_is_told(run: Run, places: Places, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 3
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: no mesh named default is running (")
    assert str(places.state) in error
    assert hint == "hint: start one with `weft up DIR`"


def test_a_socket_that_a_killed_controller_left_is_no_mesh(run: Run, places: Places) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(places.controller_socket))
    assert run("get", "pods").exit_code == 3


def test_the_mesh_is_named_before_or_after_the_command(run: Run) -> None:
    assert "no mesh named shop is" in run("--mesh", "shop", "get", "pods").stderr
    assert "no mesh named shop is" in run("get", "pods", "--mesh", "shop").stderr
    assert "no mesh named shop is" in run("--mesh", "other", "get", "pods", "--mesh", "shop").stderr


def test_the_environment_names_the_mesh_unless_the_command_line_does(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEFT_MESH", "shop")
    assert "no mesh named shop is" in run("get", "pods").stderr
    assert "no mesh named other is" in run("get", "pods", "--mesh", "other").stderr


def test_the_state_folder_is_named_by_option(run: Run, tmp_path: Path) -> None:
    assert str(tmp_path / "elsewhere") in run("get", "pods", "--state-dir", str(tmp_path / "elsewhere")).stderr


def test_a_name_that_no_mesh_can_have_is_misuse(run: Run) -> None:
    result = run("get", "pods", "--mesh", "../../etc")
    assert result.exit_code == 2
    assert "can't be the name of a mesh" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"), [(["nonsense"], "weft"), (["get", "--nonsense"], "weft get"), (["get"], "weft get")]
)
def test_misuse_points_at_the_help(run: Run, arguments: list[str], hint: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    error, way_out = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert way_out == f"hint: see `{hint} --help`"


def test_the_bare_program_shows_its_commands(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert "Commands:" in result.stderr


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "the controller does not answer"),
        (b"nonsense\r\n\r\n", "the controller does not answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n[1]", "the controller's answer can't be read"),
        (b"HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops", "the controller failed (HTTP status 500)"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[1]", "the controller does not answer"),
    ],
)
def test_an_answer_that_is_none_is_an_error(run: Run, places: Places, answer: bytes, message: str) -> None:
    thread = answer_with(places.controller_socket, answer)
    result = run("get", "pods")
    thread.join(10)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {message}")


def test_a_socket_may_be_deep_in_the_file_system(run: Run, tmp_path: Path) -> None:
    folder = tmp_path.joinpath(*["long" * 10] * 5)
    folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        descriptor = os.open(folder, os.O_PATH)
        listener.bind(f"/proc/self/fd/{descriptor}/controller.sock")
        os.close(descriptor)
    assert "no controller answers" in run("get", "pods", "--state-dir", str(folder)).stderr


def test_errors_are_one_line_that_can_not_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("\x1b[2Jgone\nnext", "two\nlines")
    assert capsys.readouterr().err == "error: \N{REPLACEMENT CHARACTER}[2Jgone next\nhint: two lines\n"


def test_colours_are_for_terminals_and_not_with_no_color() -> None:
    assert colour({"NO_COLOR": "1"}) is False
    assert colour({"NO_COLOR": ""}) is None
    assert colour({}) is None


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    dump = Path(__file__).parent / "proxy" / "data" / "config_dump.json"
    script = "from weft.cli.commands import program; program().main(prog_name='weft')"
    command = [sys.executable, "-c", script, "pc", "all", "-o", "json", "-f", str(dump)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    """Commands are loaded when they are used: their texts stand twice."""
    for command in program().commands.values():
        loaded = command.load()  # type: ignore[attr-defined]
        assert loaded.name == command.name
        assert loaded.help is not None
