"""How pods resolve names: a hosts file and a resolv.conf for each Kubernetes namespace, mounted into its pods."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from weft.base.families import parse_address
from weft.model.local import HostEntry
from weft.node.hosts import edits, host_lines
from weft.node.state import checked_label, write_atomically

RESOLVER: Final = "127.0.0.1"
"""The one server that pods ask for names; nobody is there unless Envoy answers."""

_LABEL: Final = r"[A-Za-z0-9_]([-A-Za-z0-9_]*[A-Za-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")
_HOSTS_LINE: Final = re.compile(r"^hosts:.*$", re.MULTILINE)

_HEADER: Final = b"# Weft keeps this file: names of the mesh.\n"
_LOCALHOST: Final = ("127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback")


class Names:
    """The files below one folder.

    `switch` is the machine's nsswitch.conf. A pod sees it with `hosts: files dns`: the machine's own services
    (systemd-resolved, mDNS) know nothing of the mesh and would be asked past the pod's network.
    """

    def __init__(self, folder: Path, cluster_domain: str, switch: Path = Path("/etc/nsswitch.conf")) -> None:
        self._folder = folder
        self._domain = cluster_domain
        self._switch = switch

    def mounts(self, namespace: str) -> tuple[tuple[str, str], ...]:
        """The files for pods of a namespace, each with the place where a pod sees it; they exist afterwards."""
        folder = self._prepared(namespace)
        pairs = [(folder / "hosts", Path("/etc/hosts"))]
        if Path("/etc/resolv.conf").exists():
            pairs.append((folder / "resolv.conf", Path("/etc/resolv.conf")))
        if self._switch.exists():
            pairs.append((self._folder / "nsswitch.conf", self._switch))
        return tuple((str(source), str(target)) for source, target in pairs)

    def write(self, namespace: str, entries: Iterable[HostEntry], *, unused: bool = False) -> None:
        """Brings a namespace's hosts file up to date. `unused`: no pod has it mounted, so it may be made anew.

        Raises ValueError naming the entry that is none; then nothing is changed.
        """
        lines = [*_LOCALHOST, *_lines(entries)]
        hosts = self._prepared(namespace) / "hosts"
        if unused:
            write_readable(hosts, _HEADER)
        with hosts.open("r+b", buffering=0) as file:
            for edit in edits(file.read(), lines):
                os.pwrite(file.fileno(), edit.data, edit.offset)

    def _prepared(self, namespace: str) -> Path:
        """The folder of a namespace, with its files."""
        folder = self._folder / checked_label(namespace)
        folder.mkdir(mode=0o755, exist_ok=True)
        if not (folder / "hosts").exists():
            write_readable(folder / "hosts", _HEADER)
        write_readable(folder / "resolv.conf", resolver_text(namespace, self._domain).encode())
        if self._switch.exists():
            write_readable(self._folder / "nsswitch.conf", switch_text(self._switch.read_text()).encode())
        return folder


def write_readable(path: Path, data: bytes) -> None:
    """Puts `data` in the place of the file, readable for everybody; left alone if it is there already."""
    if path.exists() and path.read_bytes() == data:
        return
    write_atomically(path, data)
    path.chmod(0o644)


def resolver_text(namespace: str, domain: str) -> str:
    """resolv.conf(5) with a cluster's search list. Nobody answers at 127.0.0.1:53 of a pod, and the kernel says so at
    once: a name that is not in the hosts file fails quickly instead of after the resolver's patience."""
    search = f"{namespace}.svc.{domain} svc.{domain} {domain}"
    return f"search {search}\nnameserver {RESOLVER}\noptions ndots:5 timeout:1 attempts:1\n"


def switch_text(machine: str) -> str:
    """The machine's nsswitch.conf(5) with the hosts file before DNS and nothing else."""
    if _HOSTS_LINE.search(machine):
        return _HOSTS_LINE.sub("hosts: files dns", machine)
    return machine + "\nhosts: files dns\n"


def _lines(entries: Iterable[HostEntry]) -> Iterator[str]:
    for entry in entries:
        for name in entry.names:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} can't be the name of a host")
        for address in entry.addresses:
            yield from host_lines(str(parse_address(address)), entry.names)
