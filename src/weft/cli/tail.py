"""Output of a process that is kept in files: the end of it, and what comes while one watches."""

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

_PAUSE: Final = 0.2
_BLOCK: Final = 64 * 1024


def tail(parts: Sequence[Path], count: int | None) -> Iterator[bytes]:
    """The last `count` lines (None: all) of files that follow each other, oldest first. Raises OSError."""
    return _last(chain.from_iterable(map(_lines, parts)), count)


def follow(parts: Sequence[Path], count: int | None, pause: float = _PAUSE) -> Iterator[bytes]:
    """As `tail`, and then what is added to the last file, until it is removed or another one takes its place.

    The file may be cut to nothing meanwhile, as the node does with long ones: what follows is then new. `pause` is in
    seconds. Raises OSError.
    """
    *older, last = parts
    with last.open("rb") as file:
        yield from _last(chain(tail(older, None), file), count)
        goes_on = True
        while goes_on:
            time.sleep(pause)
            goes_on = _goes_on(last, file)  # asked first: what was written before the end is still to be read
            yield from iter(lambda: file.read(_BLOCK), b"")


def _last(lines: Iterable[bytes], count: int | None) -> Iterator[bytes]:
    return iter(lines) if count is None else iter(deque(lines, maxlen=count))


def _goes_on(path: Path, file: BinaryIO) -> bool:
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    if status.st_ino != os.fstat(file.fileno()).st_ino:
        return False
    if status.st_size < file.tell():
        file.seek(0)
    return True


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file
