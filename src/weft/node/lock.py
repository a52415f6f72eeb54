"""One node process at a time for each state folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class NodeRunningError(Exception):
    """Another node process keeps the same pods."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds the lock for the time of a `with` block; the kernel frees it when we die. Raises NodeRunningError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise NodeRunningError(f"another node process has {path}: end it first") from None
    finally:
        os.close(descriptor)
