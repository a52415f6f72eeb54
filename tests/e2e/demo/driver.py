"""Runs `weft demo` as a user would, on a machine of its own."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.e2e.mesh.harness import processes
from tests.e2e.mesh.harness.outer import OuterNamespace, pinned

from weft.base.places import Places

PORT: Final = 8099
_WEFT: Final = (sys.executable, "-m", "weft.apps.main")
_ASK: Final = """
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
connection.request("GET", sys.argv[3], headers={"Host": sys.argv[2]})
answer = connection.getresponse()
print(answer.status, answer.read().decode())
"""


class Demo:
    """One demo, under another name and in another folder than a user's own."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(f"demo{os.getpid()}", folder / "state")
        self.machine = OuterNamespace()

    @property
    def files(self) -> Path:
        """The copy of the example that runs."""
        return self.places.state / "bookshop"

    def command(self, *arguments: str) -> list[str]:
        """A command of this mesh."""
        mesh = ("--mesh", self.places.mesh, "--state-dir", str(self.places.state))
        return self.machine.inside(*_WEFT, *mesh, *arguments)

    def check(self, *options: str, limit: float = 240) -> subprocess.CompletedProcess[str]:
        """Runs it where there is no terminal, to its end."""
        command = self.command("demo", *options)
        return subprocess.run(command, capture_output=True, text=True, timeout=limit, stdin=subprocess.DEVNULL)

    def ask(self, host: str, path: str) -> tuple[int, str]:
        """Status and body of the gateway's answer."""
        asking = self.machine.inside(sys.executable, "-c", _ASK, str(PORT), host, path)
        status, _, body = subprocess.run(asking, capture_output=True, text=True, check=True).stdout.partition(" ")
        return int(status), body

    def kill(self, pid: int) -> None:
        """kill -9 of everything that keeps the demo: first what would restart the rest."""
        keeper = processes.find(pid)
        assert keeper is not None
        below = [each for each in processes.descendants(pid) if _WEFT[-1] in processes.command(each.pid)]
        commands = {word for each in below for word in processes.command(each.pid)}
        assert {"controller", "node"} <= commands
        for process in (keeper, *below):
            if process.alive:  # in a user namespace some end with others
                process.kill()

    def remains(self) -> list[str]:
        """What there is of it: namespaces, links, processes, files."""
        found = [str(pin) for pin in pinned(self.places.mesh)] + self.machine.links()
        found += [f"process {process.pid}" for process in processes.mentioning(str(self.places.state))]
        return found + ([str(self.places.state)] if self.places.state.exists() else [])

    def clean_up(self) -> None:
        """For the end of a test that failed."""
        if self.remains():
            subprocess.run(self.command("down"), timeout=60, check=False)


class Terminal:
    """A command that runs on a terminal of its own."""

    def __init__(self, command: list[str]) -> None:
        self._master, slave = pty.openpty()
        environment = os.environ | {"TERM": "xterm", "NO_COLOR": "1", "COLUMNS": "100", "LINES": "50"}
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self.text = ""

    def wait_for(self, text: str, limit: float) -> None:
        """Reads until the text is shown."""
        end = time.monotonic() + limit
        while text not in self.text:
            assert time.monotonic() < end, f"{text!r} was not shown:\n{self.text}"
            self._read(end)

    def close(self) -> int:
        """Reads what is left, waits for the end of the command and returns its exit status."""
        while self._read(time.monotonic() + 30):
            pass
        os.close(self._master)
        return self.process.wait(timeout=30)

    def _read(self, end: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0, end - time.monotonic()))
        assert ready, f"nothing more was shown:\n{self.text}"
        try:
            block = os.read(self._master, 65536)
        except OSError:  # EIO: nobody has the terminal open any more (pty(7))
            block = b""
        self.text += block.decode(errors="replace")
        return bool(block)
