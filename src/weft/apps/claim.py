"""Who keeps a mesh: one process at a time holds the claim on its state folder.

The claim is a locked file, so it ends with the process, however that ends. It also tells which command made the mesh,
and is removed last: whoever finds remains knows whose they are.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from weft.base.places import Places

_FILE: Final = "up.pid"
_BEFORE_THE_CLAIM: Final = frozenset({"logs"})
"""What may stand in the state folder of a mesh that nobody has claimed yet: `weft up --detach` writes its log there."""


class MeshRunningError(Exception):
    """Another process keeps this mesh."""


class ForeignFolderError(Exception):
    """What is to be the state folder of a mesh holds something else, which must not be removed with it."""


@contextlib.contextmanager
def claimed(places: Places, maker: str) -> Iterator[None]:
    """Holds the claim for the time of a `with` block; the state folder goes with it unless something is left in it.

    `maker` is the command that makes the mesh. Raises MeshRunningError or ForeignFolderError.
    """
    require_home(places)
    descriptor = _lock(places)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()} {maker}".encode())
        yield
    finally:
        _remove_if_last(places.state)
        os.close(descriptor)


def running_pid(places: Places) -> int | None:
    """The process that keeps a mesh, None if there is none, or one that only begins or ends to keep it."""
    with contextlib.suppress(OSError), open(places.state / _FILE, "rb+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            words = file.read().split()  # of this very file: another one may be in its place by now, or none
            return int(words[0]) if words else None
    return None


def maker(places: Places) -> str | None:
    """The command that made the mesh which the state folder is of, None if that is of none."""
    words = _words(places)
    return words[1] if len(words) > 1 else None


def is_empty(places: Places) -> bool:
    """Whether there is nothing of a mesh in the state folder, but a claim perhaps."""
    return not places.state.is_dir() or {path.name for path in places.state.iterdir()} <= {_FILE}


def require_home(places: Places) -> None:
    """Raises ForeignFolderError if the state folder holds things, but not those of a mesh."""
    names = {path.name for path in places.state.iterdir()} if places.state.is_dir() else set()
    if _FILE not in names and names - _BEFORE_THE_CLAIM:
        raise ForeignFolderError(f"{places.state} is not empty and no state folder of a mesh")


def clear(places: Places) -> None:
    """Removes everything from the state folder but the claim, which must be held."""
    for path in places.state.iterdir():
        if path.name == _FILE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _lock(places: Places) -> int:
    """A descriptor of the file, locked. A file that was removed before we had its lock is no claim on anything."""
    path = places.state / _FILE
    while True:
        places.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise MeshRunningError("the mesh runs already") from None
        if _is_file(descriptor, path):
            return descriptor
        os.close(descriptor)


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _remove_if_last(state: Path) -> None:
    if [path.name for path in state.iterdir()] == [_FILE]:
        (state / _FILE).unlink()
        with contextlib.suppress(OSError):
            state.rmdir()


def _words(places: Places) -> list[str]:
    try:
        return (places.state / _FILE).read_text().split()
    except OSError:
        return []
