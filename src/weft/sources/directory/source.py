"""A folder of YAML and JSON files as a source of objects that is followed while people and programs change it."""

import time
from collections.abc import Callable
from pathlib import Path

from weft.model.kinds import Kinds
from weft.sources.directory.ahead import ReadAhead
from weft.sources.directory.contents import read_bytes
from weft.sources.directory.limits import Limits
from weft.sources.directory.objects import FileObjects, FilesAccess
from weft.sources.directory.tree import list_files, look_again
from weft.sources.state import Tables


class DirectorySource(FileObjects):
    """Reads a folder; a file that is being written is looked at again later. `ahead` knows texts already."""

    def __init__(
        self,
        root: Path,
        kinds: Kinds,
        tables: Tables,
        *,
        clock: Callable[[], float] = time.time,
        limits: Limits | None = None,
        ahead: ReadAhead | None = None,
    ) -> None:
        access = FilesAccess(list_files, read_bytes, look_again, (ahead or ReadAhead()).documents)
        super().__init__(root, kinds, tables, access=access, clock=clock, limits=limits or Limits())
