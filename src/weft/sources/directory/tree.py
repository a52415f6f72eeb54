"""Which files of a folder hold objects, found by looking at all of it.

Notifications only say when to look: what is there is always read from the folder itself, so that a lost notification, a
rename, or a link that now leads elsewhere changes nothing.
"""

import os
import stat
from collections.abc import Set
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from weft.sources.directory.limits import Limits

SUFFIXES: Final = (".yaml", ".yml", ".json")


class Stamp(Struct, frozen=True):
    """By which a change of a file is noticed: its place on the disk, its size, when its content and rights changed."""

    device: int
    inode: int
    size: int
    content_ns: int
    rights_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Stamp":
        """The stamp of a file."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class Listing(Struct, frozen=True):
    """The files below a root, by their path from it, and the folders that were looked at, the root as "".

    `problems` maps what can't be looked at to the reason; below a folder among them nothing is known. `linked` tells
    that symbolic links are followed, whose targets nobody notifies of.
    """

    files: dict[str, Stamp]
    problems: dict[str, str]
    linked: bool
    folders: tuple[str, ...] = ("",)


def list_files(root: Path, limits: Limits) -> Listing:
    """Looks at a folder, and below it if so asked. Hidden files and folders, and all but YAML and JSON, are left out.

    Raises OSError when the root itself can't be read.
    """
    walk = _Walk(limits)
    walk.folder(root, "", ())
    return Listing(dict(sorted(walk.files.items())), walk.problems, walk.linked, tuple(walk.folders))


def look_again(root: Path, former: Listing, names: Set[str], limits: Limits) -> Listing | None:
    """A listing with some files as they are now, by their paths; for the price of these.

    None where all has to be looked at: behind links, where something could not be looked at, and at what is no file.
    """
    if former.linked or former.problems:
        return None
    files = dict(former.files)
    for name in filter(_holds_objects, names):
        try:
            status = os.lstat(root / name)
        except FileNotFoundError:
            files.pop(name, None)
            continue
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        files[name] = Stamp.of(status)
    return structs.replace(former, files=files) if len(files) <= limits.files else None


def _holds_objects(path: str) -> bool:
    name = path.rpartition("/")[2]
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


class _Walk:
    def __init__(self, limits: Limits) -> None:
        self.files: dict[str, Stamp] = {}
        self.folders: list[str] = []
        self.problems: dict[str, str] = {}
        self.linked = False
        self._limits = limits

    def folder(self, path: Path, relative: str, above: tuple[tuple[int, int], ...]) -> None:
        """Looks at one folder; `above` are the identities of those that it is in, to notice loops of links."""
        status = path.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            return
        if len(above) > self._limits.folders:
            self.problems[relative] = f"folders are nested more than {self._limits.folders} deep"
            return
        self.folders.append(relative)
        with os.scandir(path) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    self._entry(entry, f"{relative}{entry.name}", (*above, identity))

    def _entry(self, entry: os.DirEntry[str], relative: str, above: tuple[tuple[int, int], ...]) -> None:
        try:
            self.linked = self.linked or entry.is_symlink()
            if entry.is_dir():
                if self._limits.recursive:
                    self.folder(Path(entry.path), f"{relative}/", above)
            elif _holds_objects(entry.name):
                self._file(entry, relative)
        except OSError as error:
            self.problems[relative] = error.strerror or str(error)

    def _file(self, entry: os.DirEntry[str], relative: str) -> None:
        status = entry.stat()
        if not stat.S_ISREG(status.st_mode):
            self.problems[relative] = "is no regular file"
        elif len(self.files) >= self._limits.files:
            self.problems[relative] = f"the folder holds more than {self._limits.files:,} files"
        else:
            self.files[relative] = Stamp.of(status)
