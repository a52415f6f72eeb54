"""Whose a process is: by the mark of its mesh on its mounts, or in its environment where it has none of its own."""

import contextlib
from collections.abc import Callable

from weft.node.processes import ProcessRecord, record_of
from weft.node.procfs import mount_sources, tag_of

Recognize = Callable[[int], ProcessRecord | None]
"""Gives the record of the process with this id if it is one of a mesh, also if nothing else is known of it."""


def by_mounts(mark: str) -> Recognize:
    """Knows the processes of a mesh by this mark on their mounts."""

    def recognize(pid: int) -> ProcessRecord | None:
        with contextlib.suppress(OSError):
            record = record_of(pid)
            return record if mark in mount_sources(pid) else None
        return None

    return recognize


def by_tag(mark: str) -> Recognize:
    """Knows the processes of a mesh by a tag that begins with this mark."""

    def recognize(pid: int) -> ProcessRecord | None:
        with contextlib.suppress(OSError):
            tag = tag_of(pid)
            return record_of(pid, tag) if tag.startswith(f"{mark}/") else None
        return None

    return recognize
