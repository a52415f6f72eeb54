"""A hosts file (hosts(5)) that changes while programs read it; pure.

Pods see the file through a bind mount, which holds on to the inode: the file can't be replaced, only edited in place.
An edit is such that whoever reads at the same time sees whole lines: lines are added at the end and put out of use by
turning their first byte into a `#`. The kernel lets readers see a write page by page, so no line that is added and no
edit crosses the border of a page. New lines are added before old ones go: a name that stays is never missing.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

PAGE: Final = 4096
_LINE_LIMIT: Final = 500
"""musl reads lines of at most 511 bytes (its `name_from_hosts`)."""


class Edit(Struct, frozen=True):
    """Bytes to write at a place in the file."""

    offset: int
    data: bytes


def host_lines(address: str, names: Iterable[str]) -> Iterator[str]:
    """The lines that give an address these names, each one short enough for every C library."""
    line = address
    for name in names:
        if line != address and len(line) + 1 + len(name) > _LINE_LIMIT:
            yield line
            line = address
        line += f" {name}"
    if line != address:
        yield line


def edits(content: bytes, wanted: Iterable[str]) -> list[Edit]:
    """What to write, in this order, so that exactly the wanted lines are in use."""
    used = dict(_used_lines(content))
    lines = dict.fromkeys(line.encode() for line in wanted)
    present = set(used.values())
    added = [line for line in lines if line not in present]
    seen: set[bytes] = set()
    blanked = []
    for offset, line in used.items():
        if line not in lines or line in seen:
            blanked.append(Edit(offset, b"#"))
        seen.add(line)
    torn = [b"\n"] if content and not content.endswith(b"\n") else []
    return [*_appended(len(content), [*torn, *(line + b"\n" for line in added)]), *blanked]


def _used_lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Offset and text of each line that is neither empty nor a comment."""
    offset = 0
    for line in content.split(b"\n"):
        if line and not line.startswith(b"#"):
            yield offset, line
        offset += len(line) + 1


def _appended(offset: int, lines: Iterable[bytes]) -> Iterator[Edit]:
    """One write for each page; the rest of a page that the next line does not fit in becomes a comment."""
    data = b""
    for line in lines:
        room = PAGE - (offset + len(data)) % PAGE
        if len(line) > room:
            filled = data + b"#" * (room - 1) + b"\n"
            yield Edit(offset, filled)
            offset, data = offset + len(filled), b""
        data += line
        if (offset + len(data)) % PAGE == 0:
            yield Edit(offset, data)
            offset, data = offset + len(data), b""
    if data:
        yield Edit(offset, data)
