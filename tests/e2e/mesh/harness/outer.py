"""The machine of a mesh: a network namespace with a loopback device and nothing else, so that no packet gets out."""

import json
import subprocess
from pathlib import Path
from typing import Final

from tests.e2e.mesh.harness.commands import run

PINS: Final = Path("/run/netns")
_NETWORKS: Final = (("unshare", "--net"), ("unshare", "--user", "--map-root-user", "--net"))
"""Ways to make one, as root and as an ordinary user."""
_HOLD: Final = "ip link set lo up && echo ready && exec cat"
"""What a holder does: it ends when its standard input does, so with the tests however those end."""


class OuterNamespace:
    """A network namespace that stands for the machine; an ordinary user is given one inside of a user namespace. Who
    can make neither has the machine itself: there a mesh leaves nothing but processes."""

    def __init__(self) -> None:
        self._own_user = False
        self._holder: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Makes it, with its loopback device up."""
        command = next(filter(_works, _NETWORKS), None)
        if command is None:
            return
        self._own_user = "--user" in command
        vector = [*command, "--", "sh", "-c", _HOLD]
        holder = self._holder = subprocess.Popen(vector, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n", "the machine's network did not come up"

    def remove(self) -> None:
        """Removes it."""
        if self._holder is not None:
            self._holder.communicate()

    def inside(self, *command: str) -> list[str]:
        """The command as it runs in there; its process id stays its own."""
        if self._holder is None:
            return list(command)
        entered = ("--user", "--preserve-credentials") if self._own_user else ()
        return ["nsenter", f"--target={self._holder.pid}", *entered, "--net", "--", *command]

    def links(self) -> list[str]:
        """The names of all interfaces but the loopback device; none where the machine is not ours."""
        if self._holder is None:
            return []
        found = json.loads(run(self.inside("ip", "-json", "link", "show")) or "[]")
        return [link["ifname"] for link in found if link["ifname"] != "lo"]


def _works(command: tuple[str, ...]) -> bool:
    return subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode == 0


def pinned(mesh: str) -> list[Path]:
    """The pins of a mesh's network namespaces: its hub and its pods."""
    names = PINS.iterdir() if PINS.is_dir() else ()
    return [path for path in names if path.name == f"weft-{mesh}" or path.name.startswith(f"weft-{mesh}-")]
