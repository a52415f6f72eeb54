"""The output of processes in files: of the present run and of the one before, both bounded.

A process that runs can't be told to open another log file, but it appends (O_APPEND): so the file is copied and then
cut to nothing, and its next line begins a new one. A line that is written between the two steps is lost.
"""

import asyncio
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from weft.node.settings import LogLimits

_log: Final = logging.getLogger(__name__)

_TAIL: Final = 65_536
_COMPLAINT_LIMIT: Final = 300
_FIELDS: Final = re.compile(r"^(\[[^]]*\] ?)+")


async def keep_logs_small(files: Callable[[], Iterable[Path]], limits: LogLimits) -> None:
    """Looks at the files again and again and cuts those that have grown too long; never ends."""
    while True:
        await asyncio.sleep(limits.interval)
        for path in files():
            try:
                if path.stat().st_size > limits.size:
                    await asyncio.to_thread(rotate, path, limits.files)
            except FileNotFoundError:
                continue  # its pod was removed meanwhile
            except OSError as error:
                _log.warning("%s can't be cut: %s", path, error)


def rotate(path: Path, files: int) -> None:
    """Moves the content to `<name>.1`, that of `.1` to `.2`, and so on: at most `files` with the current one."""
    for number in range(files - 1, 1, -1):
        older = _part(path, number - 1)
        if older.exists():
            older.replace(_part(path, number))
    if files > 1:
        shutil.copyfile(path, _part(path, 1))
        _part(path, 1).chmod(0o600)
    os.truncate(path, 0)


def begin_run(path: Path) -> None:
    """Puts the output of the former run aside, for a process that is about to start again; that of the run before it
    is removed, as the kubelet keeps one dead container.
    """
    aside = previous_run(path)
    for part in parts_of(aside):
        part.unlink()
    for part in parts_of(path):
        part.replace(aside.with_name(f"{aside.name}{part.name.removeprefix(path.name)}"))


def complaint(path: Path, mark: str) -> str:
    """The first line with this mark near the end of a run's output, without its fields in brackets, and cut where it is
    long; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL))
            lines = file.read(_TAIL).decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((_FIELDS.sub("", line)[:_COMPLAINT_LIMIT] for line in lines if mark in line), "")


def previous_run(path: Path) -> Path:
    """Where the output of the run before the present one is."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def parts_of(path: Path) -> list[Path]:
    """All that is left of the output of a run, oldest first."""
    older = sorted(path.parent.glob(f"{path.name}.[0-9]*"), key=lambda part: -int(part.suffix[1:]))
    return [*older, *([path] if path.exists() else [])]


def _part(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")
