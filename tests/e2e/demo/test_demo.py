"""`weft demo` shows what it claims, fails where something is missing, and leaves nothing behind."""

import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.demo.driver import PORT, Demo, Terminal

from weft.apps.demo.example import packaged_example
from weft.apps.demo.hints import hints

pytestmark = pytest.mark.isolation("loopback")

READY = 120.0
"""Seconds that are too long even for a machine that has much else to do; as all such limits here."""


def test_it_stays_up_on_a_terminal_and_after_a_kill_the_next_one_starts_anew(demo: Demo) -> None:
    terminal = Terminal(demo.command("demo", "--port", str(PORT)))
    terminal.wait_for("Ctrl-C closes the shop", READY)
    assert "checks passed" in terminal.text
    assert_hints_work(demo)
    assert_saved_files_take_effect(demo)
    demo.kill(terminal.process.pid)
    terminal.close()
    assert demo.remains()

    result = demo.check("--port", str(PORT))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "A former demo was not ended" in result.stdout
    assert "checks passed" in result.stdout
    assert "FAILED" not in result.stdout


def assert_hints_work(demo: Demo) -> None:
    """Every command that is shown does what is said of it; the last one gives everybody v3."""
    weft = shlex.join(demo.command())
    for hint in hints(weft, demo.files):
        done = subprocess.run(["sh", "-c", hint.command], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{hint.command}: {done.stderr}"
        assert done.stdout.strip(), hint.command
    eventually(lambda: all('"version": "v3"' in demo.ask("bookshop.example", "/api/products/1")[1] for _ in range(8)))
    assert '"stars": 1' in demo.ask("bookshop.example", "/api/products/1")[1]


def assert_saved_files_take_effect(demo: Demo) -> None:
    """What the user saves in the copy is in force."""
    assert demo.ask("another.example", "/")[0] == 404
    traffic = demo.files / "20-traffic.yaml"
    traffic.write_text(traffic.read_text().replace("bookshop.localhost", "another.example"))
    eventually(lambda: demo.ask("another.example", "/")[0] == 200)


def eventually(check: Callable[[], bool], limit: float = 5.0) -> None:
    end = time.monotonic() + limit
    while not check():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_it_fails_and_names_what_is_missing(demo: Demo, tmp_path: Path) -> None:
    """Without its DENY policy a visitor is still refused at ratings, but for another reason."""
    folder = tmp_path / "changed"
    shutil.copytree(packaged_example(), folder)
    security = folder / "30-security.yaml"
    documents = security.read_text().split("\n---\n")
    kept = [text for text in documents if "name: no-visitors-at-ratings" not in text]
    assert len(kept) == len(documents) - 1
    security.write_text("\n---\n".join(kept))

    result = demo.check("--folder", str(folder))
    assert result.returncode == 1, result.stdout + result.stderr
    said = " ".join(result.stdout.split())
    assert "FAILED visitor is refused at ratings it should get 403 (DENY in no-visitors-at-ratings)" in said
    assert "but got 403 (no rule in allow-nothing, ratings-callers)" in said
    assert said.count("FAILED") == 1


def test_a_demo_that_is_interrupted_while_it_starts_leaves_nothing(demo: Demo) -> None:
    terminal = Terminal(demo.command("demo"))
    terminal.wait_for("start pods", READY)
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.close() == 130
    assert "Nothing is left of it" in terminal.text


def test_a_taken_port_is_said_before_anything_starts(demo: Demo) -> None:
    holder = subprocess.Popen(
        demo.machine.inside("python3", "-c", _HOLD, str(PORT)), stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        result = demo.check("--port", str(PORT))
    finally:
        holder.communicate()
    assert result.returncode == 1
    assert f"port {PORT} of this machine is taken" in result.stderr
    assert f"--port {PORT + 1}" in result.stderr
    assert result.stdout == ""


_HOLD = """
import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
print("ready", flush=True)
sys.stdin.read()
"""
