"""How much of a folder is read, so that no file can exhaust the machine."""

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Generous for what people write, far below what hurts.

    With what its aliases stand for, a document may have `nodes` fields and elements, and `growth` more for each
    character of its text. `documents` are those of one file, `folders` is how deep folders are nested.
    Folders below the root are read only where `recursive` says so.
    """

    file_bytes: int = 4 * 1024 * 1024
    depth: int = 100
    nodes: int = 1_000
    growth: int = 4
    documents: int = 20_000
    objects: int = 100_000
    files: int = 100_000
    folders: int = 20
    recursive: bool = True
