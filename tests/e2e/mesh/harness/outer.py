"""The machine of a mesh: a network namespace with a loopback device and nothing else, so that no packet gets out."""

import json
from pathlib import Path
from typing import Final

from tests.e2e.mesh.harness.commands import run

PINS: Final = Path("/run/netns")


class OuterNamespace:
    """A named network namespace that stands for the machine."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create(self) -> None:
        """Makes it, with its loopback device up."""
        run(["ip", "netns", "add", self.name])
        run(self.inside("ip", "link", "set", "lo", "up"))

    def remove(self) -> None:
        """Removes it."""
        run(["ip", "netns", "delete", self.name])

    def inside(self, *command: str) -> list[str]:
        """The command as it runs in there; its process id stays its own."""
        return ["nsenter", f"--net={PINS / self.name}", "--", *command]

    def links(self) -> list[str]:
        """The names of all interfaces but the loopback device."""
        found = json.loads(run(self.inside("ip", "-json", "link", "show")) or "[]")
        return [link["ifname"] for link in found if link["ifname"] != "lo"]


def pinned(mesh: str) -> list[Path]:
    """The pins of a mesh's network namespaces: its hub and its pods."""
    names = PINS.iterdir() if PINS.is_dir() else ()
    return [path for path in names if path.name == f"weft-{mesh}" or path.name.startswith(f"weft-{mesh}-")]
