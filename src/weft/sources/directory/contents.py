"""The bytes of a file whose writer has finished."""

import fcntl
import os
import signal
import stat
import time
from pathlib import Path
from typing import Final

from weft.sources.directory.text import BusyError, UnreadableError, too_large
from weft.sources.directory.tree import Stamp

MAX_WRITING_SECONDS: Final = 5.0
"""A file that somebody holds open for writing is read all the same when nothing was written for so long."""


def read_bytes(path: Path, limit: int) -> tuple[bytes, Stamp]:
    """The whole content of a file and its stamp.

    Raises BusyError while it is being written, UnreadableError when it is larger than `limit` bytes, OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError("is no regular file")
        if time.time() - status.st_mtime < MAX_WRITING_SECONDS and _has_writer(descriptor):
            raise BusyError(str(path))
        if status.st_size > limit:
            raise too_large(status.st_size, limit)
        data = _read(descriptor, limit)
        if Stamp.of(os.fstat(descriptor)) != Stamp.of(status):
            raise BusyError(str(path))
        return data, Stamp.of(status)
    finally:
        os.close(descriptor)


def _read(descriptor: int, limit: int) -> bytes:
    data = bytearray()
    while piece := os.read(descriptor, 1 << 20):
        data += piece
        if len(data) > limit:
            raise too_large(len(data), limit)
    return bytes(data)


def _has_writer(descriptor: int) -> bool:
    """Whether anybody has the file open for writing: then the kernel refuses a read lease (fcntl(2), F_SETLEASE).

    Where leases can't be had (a network file system, somebody else's file), the answer is no.
    """
    try:
        # Who opens the file for writing while the lease is held breaks it: the default signal would end this process.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
