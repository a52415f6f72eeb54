"""Texts of a large folder, read by a process of its own while this one is still starting.

To read YAML takes longest of a cold start, and depends on the text alone. What the other process has read is found by
the digest of the text, so it does not matter when it looked. Who has another text, or one that the other process did
not come to, reads it himself. The other one begins at the last file, where who starts at the first comes last.

It writes to a file in memory, and so never waits for a reader who is busy.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from msgspec import Raw, msgpack

from weft.sources.directory.limits import Limits
from weft.sources.directory.tree import list_files

WORKER: Final = "weft.sources.directory.ahead_worker"
LEAST_BYTES: Final = 1024 * 1024
"""A folder below is read before another process has started."""

_LENGTH_BYTES: Final = 4
_MANY: Final = 1 << 20

Reading = tuple[bytes, int, Raw]
"""The digest of a document's text, the line of its begin, and its value in MessagePack."""


def frame(readings: list[Reading]) -> bytes:
    """Readings as they stand in the file."""
    data = msgpack.encode(readings)
    return len(data).to_bytes(_LENGTH_BYTES, "little") + data


class ReadAhead:
    """What was read ahead, and who reads it, if anybody: for one thread. To be closed when all was asked for."""

    def __init__(self, file: int = -1, worker: subprocess.Popen[bytes] | None = None) -> None:
        """`file` is the descriptor of what the `worker` writes; it is closed with this object."""
        self.worker = worker
        self._file = file
        self._received = b""
        self._position = 0
        self._found: dict[bytes, tuple[int, Raw]] = {}

    def documents(self, digest: bytes) -> list[tuple[int, Any]] | None:
        """The lines and values of a text's documents, once; None if it was not read yet."""
        if self.worker is None:
            return None
        if digest not in self._found:
            self._receive()
        line, value = self._found.pop(digest, (0, None))
        return None if value is None else [(line, msgpack.decode(value))]

    def close(self) -> None:
        """Ends the reading; nothing is known any more."""
        if self.worker is None:
            return
        self.worker.kill()
        self.worker.wait()
        self.worker = None
        self._found.clear()
        self._received = b""
        os.close(self._file)

    def _receive(self) -> None:
        """Takes what was written since the last time; a frame that is not whole is left for the next time."""
        while data := os.pread(self._file, _MANY, self._position):
            self._position += len(data)
            self._received += data
        begin = 0
        while (start := begin + _LENGTH_BYTES) <= len(self._received):
            end = start + int.from_bytes(self._received[begin:start], "little")
            if end > len(self._received):
                break
            for digest, line, value in msgpack.decode(self._received[start:end], type=list[Reading]):
                self._found[digest] = (line, value)
            begin = end
        self._received = self._received[begin:]


def read_ahead(folder: Path, limits: Limits, *, least: int = LEAST_BYTES) -> ReadAhead:
    """Begins to read a folder ahead; does nothing where it is smaller than `least` bytes, or there is no processor for
    it."""
    if len(os.sched_getaffinity(0)) < 2 or _bytes_of(folder, limits) < least:
        return ReadAhead()
    file = os.memfd_create("weft-read-ahead", os.MFD_CLOEXEC)
    depth = "recursive" if limits.recursive else "flat"
    command = (sys.executable, "-m", WORKER, str(folder), depth, str(file), str(os.getpid()))
    try:
        worker = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(file,), start_new_session=True)
    except OSError:  # too many processes: then nobody helps
        os.close(file)
        return ReadAhead()
    return ReadAhead(file, worker)


def _bytes_of(folder: Path, limits: Limits) -> int:
    try:
        return sum(stamp.size for stamp in list_files(folder, limits).files.values())
    except OSError:
        return 0
