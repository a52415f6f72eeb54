"""The machine's own tools (iproute2, iptables, nftables, util-linux): where they are, and how they are run."""

import asyncio
import shutil
import subprocess
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

_PACKAGES: Final = {
    "env": "coreutils",
    "ip": "iproute2",
    "iptables-restore": "iptables",
    "mount": "mount",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "sh": "dash",
    "unshare": "util-linux",
}
"""Each tool and the Debian package that has it."""

_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_TIMEOUT: Final = 30.0


class ToolError(Exception):
    """A tool failed; the message has its name and what it wrote to its standard error."""


class MissingToolsError(ToolError):
    """Tools are not installed; the message names the packages that have them."""


class Tools(Struct, frozen=True):
    """The full path of each tool."""

    paths: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.paths[name]

    async def run(self, name: str, *arguments: str, stdin: str = "") -> bytes:
        """Runs a tool to its end and returns its output. Raises ToolError if it fails or takes longer than 30 s."""
        return await asyncio.to_thread(self._run, name, arguments, stdin)

    def _run(self, name: str, arguments: tuple[str, ...], stdin: str) -> bytes:
        try:
            done = subprocess.run(
                [self[name], *arguments],
                input=stdin.encode(),
                capture_output=True,
                timeout=_TIMEOUT,
                check=False,
                env={"PATH": _SYSTEM_PATH, "LC_ALL": "C"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolError(f"{name}: {error}") from error
        if done.returncode:
            complaint = done.stderr.decode(errors="replace").strip()[:2_000]
            raise ToolError(f"{name} {' '.join(arguments)[:200]}: {complaint or f'exit status {done.returncode}'}")
        return done.stdout


def find_tools(search_path: str) -> Tools:
    """All tools, searched in the usual system folders and then in `search_path`.

    Raises MissingToolsError with the packages to install.
    """
    path = f"{_SYSTEM_PATH}:{search_path}"
    found = {name: shutil.which(name, path=path) for name in _PACKAGES}
    missing = sorted({_PACKAGES[name] for name, where in found.items() if where is None})
    if missing:
        raise MissingToolsError(f"tools are missing; on Debian: apt-get install {' '.join(missing)}")
    return Tools({name: where for name, where in found.items() if where is not None})
