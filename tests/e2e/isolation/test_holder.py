"""The process that holds the namespaces: what it finds on the machine, and what becomes of them when it is killed."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.e2e.isolation.users import User, output
from tests.e2e.mesh.harness import processes
from tests.e2e.mesh.harness.waiting import eventually

pytestmark = pytest.mark.isolation("userns")

_HOLD = """
import asyncio, sys
from pathlib import Path
from weft.base.places import Places
from weft.node.holder import Namespaces
from weft.node.settings import node_settings, store_isolation
places = Places("held", Path(sys.argv[2]))
places.state.mkdir(exist_ok=True)
store_isolation(places, "userns")
namespaces = Namespaces(node_settings(places))
async def main():
    if sys.argv[1] == "hold":
        print((await namespaces.hold()).record.pid)
    else:
        await namespaces.end_members()
asyncio.run(main())
"""


class Held:
    """The namespaces of a mesh without processes."""

    def __init__(self, user: User, machine: tuple[str, ...] = ()) -> None:
        self.user = user
        self._machine = machine

    def hold(self) -> int:
        """The process id of the holder."""
        return int(self._run("hold"))

    def end(self) -> None:
        """Ends it."""
        self._run("end")

    def inside(self, pid: int, *command: str) -> str:
        """What a command says in the namespaces of a process."""
        enter = ("nsenter", f"--target={pid}", "--preserve-credentials", "--user", "--net", "--mount", "--")
        return output(self._command(*enter, *command))

    def _run(self, what: str) -> str:
        return output(self._command(self.user.python, "-c", _HOLD, what, str(self.user.home / "held")))

    def _command(self, *words: str) -> list[str]:
        own = self.user.command(*words)[len(self.user.machine) :]
        return [*self.user.machine, *self._machine, *own]


@pytest.fixture
def held(user: User) -> Iterator[Held]:
    found = Held(user)
    yield found
    found.end()


def namespaces(pid: int) -> list[str]:
    return [os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("user", "net", "mnt")]


def test_who_comes_again_finds_the_same(held: Held) -> None:
    pid = held.hold()
    assert held.hold() == pid
    assert namespaces(pid) != namespaces(os.getpid())
    assert held.inside(pid, "id", "-u").strip() == "0"
    assert "LOOPBACK,UP" in held.inside(pid, "ip", "link", "show", "lo")


def test_another_one_takes_its_place_if_somebody_is_still_inside(held: Held) -> None:
    pid = held.hold()
    before = namespaces(pid)
    with sleeping(held, pid):
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: alive(pid, wanted=False))
        other = held.hold()
        assert namespaces(other) == before
        assert other != pid


def test_new_ones_are_made_if_nobody_is(held: Held) -> None:
    pid = held.hold()
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: alive(pid, wanted=False))
    other = held.hold()
    assert held.inside(other, "id", "-u").strip() == "0"


def test_nothing_is_left_after_its_end(held: Held) -> None:
    pid = held.hold()
    held.end()
    eventually(lambda: alive(pid, wanted=False))


@pytest.mark.isolation("netns")
def test_a_machine_without_a_folder_for_namespaces_keeps_the_rest_of_run(user: User) -> None:
    """As root, for the test makes a machine whose /run is another one."""
    run = "mkdir -p /run/resolve /run/closed /run/.dot && echo here > /run/resolve/conf && chmod 700 /run/closed"
    script = f'mount -t tmpfs t /run && {run} && ln -s resolve/conf /run/link && : > /run/file && exec "$@"'
    machine = ("unshare", "--mount", "--propagation", "private", "--", "sh", "-c", script, "sh")
    held = Held(user, machine)
    pid = held.hold()
    try:
        look = ("nsenter", f"--target={pid}", "--preserve-credentials", "--user", "--net", "--mount", "--")
        said = output(user.command(*look, "sh", "-c", "cat /run/link; ls -A /run; ip netns add x; ls /run/netns"))
        assert said.split() == ["here", ".dot", "closed", "file", "link", *_made(said), "netns", "resolve", "x"]
    finally:
        held.end()


def _made(said: str) -> list[str]:
    """mount(8) keeps notes in /run/mount."""
    return ["mount"] if "mount" in said.split() else []


def alive(pid: int, *, wanted: bool) -> None:
    assert (processes.find(pid) is not None) == wanted


@contextmanager
def sleeping(held: Held, pid: int) -> Iterator[None]:
    """A process that is in the namespaces of another one during the block."""
    enter = ("nsenter", f"--target={pid}", "--preserve-credentials", "--user", "--net", "--mount", "--")
    process = subprocess.Popen(held.user.command(*enter, "sleep", "60"))
    try:
        eventually(lambda: _is_asleep(process.pid))
        yield
    finally:
        process.kill()
        process.wait()


def _is_asleep(pid: int) -> None:
    assert Path(f"/proc/{pid}/cmdline").read_text().startswith("sleep")
