"""An ordinary user: ourselves, or where we are root one that root becomes, on a machine without a way out.

Root of a user namespace that holds nobody else, which is what `./dev test` gives to ordinary users, becomes one by
entering another user namespace, in which root's own number is another one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest
from msgspec import Struct
from tests.e2e.mesh.harness.commands import run

import weft

USER: Final = 4242
_SOURCES: Final = Path(weft.__file__).parents[1]
_PACKAGES: Final = Path(msgspec.__file__).parents[1]
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BECOME: Final = ("setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", "--")
_RENAME: Final = ("unshare", "--user", f"--map-user={USER}", f"--map-group={USER}", "--")
_HOLD: Final = 'ip link set lo up && exec "$@" sh -c "echo ready && exec cat"'


class User(Struct, frozen=True):
    """Whose programs run in `home`. `number` is his as this process sees it. `machine` is what enters the network of
    his machine, empty where that is ours; `become` makes him of us."""

    home: Path
    number: int
    python: str
    machine: tuple[str, ...] = ()
    become: tuple[str, ...] = ()

    def command(self, *words: str, **variables: str) -> list[str]:
        """A command as he runs it."""
        return [*self.machine, *self.become, *self.environment(variables), *words]

    def weft(self, *arguments: str, **variables: str) -> list[str]:
        """A command of `weft` as he runs it."""
        return self.command(self.python, "-m", "weft.apps.main", *arguments, **variables)

    def environment(self, variables: Mapping[str, str]) -> list[str]:
        """What he has in his environment, and nothing of ours."""
        own = {"HOME": str(self.home), "PATH": _PATH, "PYTHONPATH": f"{_SOURCES}:{_PACKAGES}", "LC_ALL": "C.UTF-8"}
        return ["env", "-i", "-C", str(self.home), *(f"{name}={value}" for name, value in {**own, **variables}.items())]

    def own(self, *paths: Path) -> None:
        """Gives him files and folders."""
        if self.number != os.geteuid():
            for path in (inner for given in paths for inner in (given, *given.rglob("*"))):
                os.chown(path, self.number, self.number)


@contextmanager
def ordinary_user() -> Iterator[User]:
    """A user with an empty home folder, which goes with what is in it."""
    home = Path(tempfile.mkdtemp(prefix="weft-user-"))
    number = os.geteuid()
    become: tuple[str, ...] = ()
    if number == 0 and not is_alone():
        number, become = USER, _BECOME
    try:
        with _machine() as machine:
            user = User(home, number, _python(become), machine, become)
            user.own(home)
            yield user
    finally:
        shutil.rmtree(home)


@contextmanager
def _machine() -> Iterator[tuple[str, ...]]:
    """Root makes a machine with a loopback device and nothing else; it ends with the tests. Who is root alone
    is that no more once it is entered."""
    if os.geteuid() != 0:
        yield ()
        return
    rename, user = (_RENAME, ("--user", "--preserve-credentials")) if is_alone() else ((), ())
    command = ["unshare", "--net", "--", "sh", "-c", _HOLD, "sh", *rename]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"ready\n", "the machine's network did not come up"
    yield ("nsenter", f"--target={holder.pid}", *user, "--net", "--")
    holder.communicate()


def is_alone() -> bool:
    """Whether we are root of a user namespace without any other user."""
    return os.geteuid() == 0 and subprocess.run([*_BECOME, "true"], stderr=subprocess.DEVNULL).returncode != 0


def _python(become: tuple[str, ...]) -> str:
    """A Python that he can run with our packages: that of the tests may be in a home that is closed to him."""
    for found in filter(None, (sys.executable, shutil.which("python3", path=_PATH))):
        user = User(Path("/"), USER, found, become=become)
        trial = user.command(found, "-c", "import msgspec, google.protobuf, weft, ssl")
        if subprocess.run(trial, capture_output=True, timeout=20).returncode == 0:
            return found
    pytest.skip("an ordinary user can't run the Python of the tests, nor the system's with its packages")


def output(command: list[str], *, code: int = 0, limit: float = 40.0) -> str:
    """What a command says."""
    return run(command, code=code, timeout=limit)
