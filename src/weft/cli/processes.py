"""Running a program for the user: with his input and output, or with a terminal of its own."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

_BLOCK: Final = 64 * 1024
_WINDOW_SIZE: Final = 8  # struct winsize: four unsigned shorts (ioctl_tty(2))


def run(vector: Sequence[str], environment: Mapping[str, str], *, stdin: bool) -> int:
    """Runs a program to its end and returns its exit code, 128 + n after signal n as a shell has it.

    It is in a session of its own, so that it can't type into the user's terminal (ioctl_tty(2), TIOCSTI); signals that
    ask it to end are passed on. Raises OSError if it can't be started.
    """
    source = None if stdin else subprocess.DEVNULL
    early: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int) -> None:
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    with _handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), pass_on):
        process = subprocess.Popen(vector, env=environment, stdin=source, start_new_session=True)
        for number in early:
            process.send_signal(number)
        return _shell_code(process.wait())


def run_in_terminal(vector: Sequence[str], environment: Mapping[str, str]) -> int:
    """As `run`, in a new terminal that shows and is typed to through the user's own, which standard input must be."""
    pid, master = pty.fork()
    if pid == 0:
        _become(vector, environment)
    try:
        with _raw(sys.stdin.fileno()), _handled((signal.SIGWINCH,), lambda _: _resize(master)):
            _resize(master)
            _relay(master)
    finally:
        os.close(master)
    _, status = os.waitpid(pid, 0)
    return _shell_code(os.waitstatus_to_exitcode(status))


def _become(vector: Sequence[str], environment: Mapping[str, str]) -> None:
    try:
        os.execve(vector[0], list(vector), dict(environment))
    except OSError as error:
        os.write(2, f"{vector[0]}: {error.strerror}\r\n".encode())
    finally:
        os._exit(127)


def _relay(master: int) -> None:
    """Copies both ways until the program's side of the terminal is closed."""
    ends = {master: sys.stdout.fileno(), sys.stdin.fileno(): master}
    while master in ends:
        for source in select.select(list(ends), [], [])[0]:
            block = _read(source)
            if block:
                _write_all(ends[source], block)
            else:
                del ends[source]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _BLOCK)
    except OSError:  # EIO: nobody has the terminal's other side open (pty(7))
        return b""


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _resize(master: int) -> None:
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(sys.stdin.fileno(), termios.TIOCGWINSZ, bytes(_WINDOW_SIZE))
        fcntl.ioctl(master, termios.TIOCSWINSZ, size)


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor, termios.TCSADRAIN)  # what was typed ahead is kept
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _handled(numbers: Sequence[signal.Signals], handle: Callable[[int], None]) -> Iterator[None]:
    before = {number: signal.signal(number, lambda caught, _: handle(caught)) for number in numbers}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _shell_code(code: int) -> int:
    return 128 - code if code < 0 else code
