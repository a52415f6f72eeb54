"""Programs run for the user, with his input and output or in a terminal of their own."""

import contextlib
import os
import pty
import signal
import subprocess
import sys

from weft.cli.processes import run

ENVIRONMENT = {"PATH": os.environ["PATH"]}
SHELL = "/bin/sh"


def test_exit_codes_are_those_of_shells() -> None:
    assert run([SHELL, "-c", "exit 3"], ENVIRONMENT, stdin=False) == 3
    assert run([SHELL, "-c", "kill -TERM $$"], ENVIRONMENT, stdin=False) == 128 + signal.SIGTERM


def test_a_program_has_a_session_of_its_own() -> None:
    """So it can't type into the user's terminal."""
    assert run([SHELL, "-c", f'[ "$(ps -o sid= -p $$)" -ne {os.getsid(0)} ]'], ENVIRONMENT, stdin=False) == 0


def test_an_interrupt_is_passed_on() -> None:
    vector = [SHELL, "-c", "echo up; exec sleep 60"]
    script = f"from weft.cli.processes import run; raise SystemExit(run({vector}, {{}}, stdin=False))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 128 + signal.SIGINT


def in_terminal(*vector: str, typed: bytes = b"") -> tuple[bytes, int]:
    """Output and exit code of a program that runs in a terminal within a terminal."""
    code = f"from weft.cli.processes import run_in_terminal; raise SystemExit(run_in_terminal({vector!r}, {{}}))"
    master, other = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stdin=other, stdout=other, stderr=other) as process:
        os.close(other)
        os.write(master, typed)
        said = b""
        with contextlib.suppress(OSError):  # EIO: it has ended
            while block := os.read(master, 4096):
                said += block
        os.close(master)
        return said, process.wait(10)


def test_a_terminal_is_a_terminal_and_its_exit_code_is_passed_on() -> None:
    said, code = in_terminal(SHELL, "-c", "test -t 0 && test -t 1 && echo terminal; exit 5")
    assert (said, code) == (b"terminal\r\n", 5)


def test_what_is_typed_reaches_the_program_even_if_it_was_typed_ahead() -> None:
    said, code = in_terminal(SHELL, "-c", 'read line; echo "got $line"', typed=b"hello\n")
    assert b"got hello" in said
    assert code == 0


def test_a_program_that_can_not_be_run_says_so() -> None:
    said, code = in_terminal("/nowhere")
    assert b"/nowhere: No such file" in said
    assert code == 127
