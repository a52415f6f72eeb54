"""A machine for one page: own network, processes, namespaces and state folder, and no way out. Nothing outlives it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

_INIT: Final = Path(__file__).with_name("init.py")
_ISOLATED: Final = (
    *("--net", "--mount", "--propagation", "private"),
    *("--pid", "--fork", "--kill-child", "--mount-proc"),
    "--",
)
_OWN_USER: Final = ("--user", "--map-root-user")
"""An ordinary user is given a machine by a namespace of users, in which he is root."""
_LIMIT: Final = 90.0
_TIMED_OUT: Final = 124  # as timeout(1)


class Answer(Struct, frozen=True):
    """What a command said, on both outputs, and its exit code."""

    output: str
    code: int


class Machine:
    """Runs commands as a shell on the machine does; a change of folder lasts."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._own_user = bool(os.geteuid())

    def __enter__(self) -> Self:
        command = ["unshare", *(_OWN_USER if self._own_user else ()), *_ISOLATED, sys.executable, str(_INIT)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n", "the machine did not start"
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        self._pid = int(children.split()[0])
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        if process is not None and process.stdin is not None and process.stdout is not None:
            process.stdin.close()
            process.wait()
            process.stdout.close()

    def run(self, command: str) -> Answer:
        """Runs a command line, with nothing to read."""
        script = f'cd "$WEFT_DOCS_FOLDER" || exit\n{command}\ncode=$?\nprintf "\\0%s" "$PWD"\nexit $code'
        user = ("--user", "--preserve-credentials") if self._own_user else ()
        entered = ["nsenter", f"--target={self._pid}", *user, "--net", "--mount", "--pid", "--"]
        try:
            done = subprocess.run(
                [*entered, "bash", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PATH": _search_path(), "WEFT_DOCS_FOLDER": self._folder, "LC_ALL": "C.UTF-8"},
                timeout=_LIMIT,
            )
        except subprocess.TimeoutExpired as error:
            said = (error.output or b"").decode(errors="replace")
            return Answer(f"{said}\n(it takes longer than {_LIMIT:.0f} s)", _TIMED_OUT)
        said, ended, folder = done.stdout.decode(errors="replace").rpartition("\0")
        if not ended:
            return Answer(folder, done.returncode)
        self._folder = folder
        return Answer(said, done.returncode)


def _search_path() -> str:
    """Where this very Weft is found first, as after `pip install`."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
