"""Where the node keeps what it must know after a restart, and how it writes it.

Everything is written to a new file that then takes the place of the old one, so that a reader, and the next start after
a kill at any point, sees the old or the new text. What only matters until the next boot is not flushed to the disk.
"""

import logging
import os
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

_log: Final = logging.getLogger(__name__)
_T = TypeVar("_T")

# RFC 1123 labels: the names of containers and of Kubernetes' namespaces, and safe as names of files.
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def checked_label(name: str) -> str:
    """The name itself, if it is an RFC 1123 label and so safe in a path; raises ValueError."""
    if not _LABEL.fullmatch(name):
        raise ValueError(f"{name!r} is no valid name: use at most 63 of a-z, 0-9 and -")
    return name


def pod_id(uid: str) -> str:
    """The short name of a pod in files, namespaces and links: ten hexadecimal digits."""
    return sha256(uid.encode()).hexdigest()[:10]


class PodFolder:
    """The files of one pod."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.record = root / "pod.json"
        self.proxy = root / "proxy"
        self.proxy_record = root / "proxy.json"
        self.credentials_record = root / "credentials.json"

    def container_record(self, container: str) -> Path:
        """What is known of a container's process."""
        return self.root / "containers" / f"{checked_label(container)}.json"

    def log(self, container: str) -> Path:
        """The output of a container."""
        return self.root / "logs" / f"{checked_label(container)}.log"

    def create(self) -> None:
        """Makes the folders."""
        for folder in (self.root, self.root / "containers", self.root / "logs", self.proxy):
            folder.mkdir(mode=0o700, exist_ok=True)


class StateFolder:
    """The files of one node process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lock = root / "lock"
        self.orders = root / "orders.json"
        self.network = root / "network.json"
        self.names = root / "names"
        self.envoy = root / "envoy"
        self._pods = root / "pods"
        self._removed = root / "removed"

    def create(self) -> None:
        """Makes the folders, for nobody but their owner."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.names, self._pods, self._removed):
            folder.mkdir(mode=0o700, exist_ok=True)

    def pod(self, uid: str) -> PodFolder:
        """The files of the pod with this uid, whether they exist or not."""
        return PodFolder(self._pods / pod_id(uid))

    def pods(self) -> list[PodFolder]:
        """The files of all pods that there is anything of."""
        if not self._pods.is_dir():
            return []
        return [PodFolder(path) for path in sorted(self._pods.iterdir()) if path.is_dir()]

    def removal(self, uid: str) -> Path:
        """The last report of a pod that was removed, as long as the controller has not got it."""
        return self._removed / f"{pod_id(uid)}.json"

    def removals(self) -> list[Path]:
        """All last reports that the controller has not got."""
        return sorted(self._removed.glob("*.json"))


def write_atomically(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Puts `data` in the place of the file, mode 0600. `durable` waits until it would survive a loss of power."""
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        if durable:
            os.fsync(descriptor)
    new.replace(path)
    if durable:
        _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_record(path: Path, value: object, *, durable: bool = False) -> None:
    """Puts the value, as JSON, in the place of the file."""
    write_atomically(path, msgspec.json.encode(value, enc_hook=str), durable=durable)


def read_record(path: Path, kind: type[_T]) -> _T | None:
    """The value in a JSON file, or None if there is none that can be read, which is logged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind, dec_hook=_from_text)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        _log.warning("%s is ignored: %s", path, error)
        return None


def _from_text(kind: Callable[[Any], Any], text: Any) -> Any:
    """Values that JSON has no type for (addresses, paths) are written as what `str` makes of them."""
    return kind(text)
