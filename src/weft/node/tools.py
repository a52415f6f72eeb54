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
    "mount": "mount",
    "nft": "nftables",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "sh": "dash",
    "unshare": "util-linux",
}
"""Each tool and the Debian package that has it."""

_USERNS_PACKAGES: Final = {**_PACKAGES, "hostname": "hostname"}
_USERNS_NAMES: Final = {"iptables-restore": "iptables-nft-restore", "ip6tables-restore": "ip6tables-nft-restore"}
"""The variant of iptables that works on nftables: the legacy one wants a lock in a folder of root's."""

_PLAIN_PACKAGES: Final = {"env": "coreutils", "ln": "coreutils", "sh": "dash"}

OPTIONAL: Final = ("iptables-restore", "ip6tables-restore")
"""Used where they are installed; nft does the same."""

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

    def __contains__(self, name: object) -> bool:
        """Whether the tool is installed; only those of OPTIONAL may be missing."""
        return name in self.paths

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


def find_tools(search_path: str, *, userns: bool = False) -> Tools:
    """All tools, searched in the usual system folders and then in `search_path`; those that work in the user namespace
    of an ordinary user, if that is asked for.

    Raises MissingToolsError with the packages to install.
    """
    packages, names = (_USERNS_PACKAGES, _USERNS_NAMES) if userns else (_PACKAGES, {})
    return _found(packages, names, search_path)


def find_plain_tools(search_path: str) -> Tools:
    """Those that need no privilege, as `find_tools`."""
    return _found(_PLAIN_PACKAGES, {}, search_path)


def _found(packages: Mapping[str, str], names: Mapping[str, str], search_path: str) -> Tools:
    path = f"{_SYSTEM_PATH}:{search_path}"
    found = {name: shutil.which(names.get(name, name), path=path) for name in (*packages, *OPTIONAL)}
    missing = sorted({packages[name] for name, where in found.items() if where is None and name not in OPTIONAL})
    if missing:
        raise MissingToolsError(f"tools are missing; on Debian: apt-get install {' '.join(missing)}")
    return Tools({name: where for name, where in found.items() if where is not None})
