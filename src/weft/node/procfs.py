"""What /proc says about processes (proc(5))."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

NamespaceKind = Literal["net", "mnt", "user"]

TAG_VARIABLE: Final = "WEFT_PROCESS"
"""The variable that names mesh, pod and container to all descendants of a process: `<mark>/<pod>/<container>`."""

_PROC: Final = Path("/proc")
_START_TIME: Final = 22 - 3
"""Field 22 of /proc/PID/stat, counted from the third: the second one may hold anything and ends with the last `)`."""


def boot_id() -> str:
    """What differs from one boot of the machine to the next; process ids and inodes mean nothing across it."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int:
    """When the process started, in clock ticks since boot: with its id, this names a process for ever.

    Raises ProcessLookupError if there is none.
    """
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except FileNotFoundError:
        raise ProcessLookupError(f"no process {pid}") from None
    return int(text.rpartition(")")[2].split()[_START_TIME])


def namespace_file(pid: int | Literal["self"], kind: NamespaceKind) -> Path:
    """The file that stands for a namespace that the process is in; it holds on to the namespace while it is open."""
    return _PROC / str(pid) / "ns" / kind


def namespace_inode(pid: int | Literal["self"], kind: NamespaceKind) -> int:
    """The number of a namespace that the process is in. The kernel gives it to another one once nobody is in there.

    Raises OSError if the process is gone or not ours to see.
    """
    return os.stat(namespace_file(pid, kind)).st_ino


def mount_sources(pid: int) -> set[str]:
    """The sources of all mounts that a process sees (the field after the file system's type, behind a lone `-`).

    Raises OSError if the process is gone or not ours to see.
    """
    lines = (_PROC / str(pid) / "mountinfo").read_text(errors="replace").splitlines()
    return {line.partition(" - ")[2].split(" ")[1] for line in lines}


def tag_of(pid: int) -> str:
    """The value of TAG_VARIABLE in the environment that a process was started with; empty if there is none.

    Raises OSError if the process is gone or not ours to see.
    """
    start = f"{TAG_VARIABLE}=".encode()
    variables = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    return next((text[len(start) :].decode(errors="replace") for text in variables if text.startswith(start)), "")


def is_permitted(capability: int) -> bool:
    """Whether we have the capability of this number (linux/capability.h) and so may hand it on."""
    status = (_PROC / "self/status").read_text()
    permitted = next(line for line in status.splitlines() if line.startswith("CapPrm:"))
    return bool(int(permitted.split()[1], 16) >> capability & 1)


def pids() -> Iterator[int]:
    """The ids of all processes."""
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)
