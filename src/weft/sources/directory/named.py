"""Files and folders that a command line names, read once."""

import os
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from weft.model.kinds import Kinds
from weft.sources.directory.limits import Limits
from weft.sources.directory.objects import FileObjects, FilesAccess
from weft.sources.directory.text import UnreadableError, too_large
from weft.sources.directory.tree import Listing, Stamp, list_files
from weft.sources.state import MemoryTables

STANDARD_INPUT: Final = "-"

_NO_STAMP: Final = Stamp(0, 0, 0, 0, 0)
_HERE: Final = Path()


class NamedFiles(FileObjects):
    """The objects of files, of the files of folders, and of standard input (`-`).

    Folders are read as a mesh reads its own: the same files, limits and order. `clock` gives Unix seconds, the time of
    creation of objects that state none. Positions name files as the command line does.
    """

    def __init__(self, names: Sequence[str], kinds: Kinds, *, clock: Callable[[], float], limits: Limits) -> None:
        def listing(_: Path, limits: Limits) -> Listing:
            return _named(names, limits)

        access = FilesAccess(listing, _read_bytes)
        super().__init__(_HERE, kinds, MemoryTables(), access=access, clock=clock, limits=limits)


def missing_names(names: Sequence[str]) -> list[str]:
    """The names that lead to nothing."""
    return [name for name in names if name != STANDARD_INPUT and not os.path.exists(name)]


def _named(names: Sequence[str], limits: Limits) -> Listing:
    """What can't be looked at has no name of a folder: no former content of it counts."""
    files: dict[str, Stamp] = {}
    problems: dict[str, str] = {}
    for name in (os.path.normpath(each) for each in names):
        try:
            if os.path.isdir(name):
                found = list_files(Path(name), limits)
                files |= {os.path.join(name, each): stamp for each, stamp in found.files.items()}
                problems |= {os.path.join(name, each).rstrip("/"): reason for each, reason in found.problems.items()}
            else:
                files[name] = _NO_STAMP if name == STANDARD_INPUT else Stamp.of(os.stat(name))
        except OSError as error:
            problems[name] = error.strerror or str(error)
    return Listing(dict(sorted(files.items())), problems, linked=False)


def _read_bytes(path: Path, limit: int) -> tuple[bytes, Stamp]:
    """The content of a file, or of a pipe (`<(...)` in shells), as it is now."""
    if str(path) == STANDARD_INPUT:
        return _within(sys.stdin.buffer.read(limit + 1), limit), _NO_STAMP
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode)):
            raise UnreadableError("is no regular file")
        return _within(file.read(limit + 1), limit), Stamp.of(status)


def _within(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise too_large(len(data), limit)
    return data
