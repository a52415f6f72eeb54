"""Network namespaces: their pins below /run/netns, and doing things inside of one.

`setns` moves a single thread (setns(2)), and a socket stays in the namespace that it was made in. So one thread steps
into a namespace, makes the socket or writes the setting, and steps back; the event loop then uses the socket like any
other one.
"""

import asyncio
import contextlib
import ctypes
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from weft.base.families import family_of

_T = TypeVar("_T")

PINS: Final = Path("/run/netns")
"""Where iproute2 keeps named network namespaces (ip-netns(8))."""

_OWN: Final = Path("/proc/self/ns/net")
_SETTINGS: Final = Path("/proc/sys/net")
"""Shows the settings of the namespace that the asking thread is in."""
_CLONE_NEWNET: Final = 0x40000000


def pin(name: str) -> Path:
    """The file that holds the named network namespace."""
    return PINS / name


def has_ipv6() -> bool:
    """Whether the kernel has IPv6 (it may be started with ipv6.disable=1, or be built without)."""
    return (_SETTINGS / "ipv6").is_dir()


def pinned_inode(name: str) -> int | None:
    """The number of the named network namespace, or None if the file is missing or half made (no namespace)."""
    try:
        status = pin(name).stat()
    except FileNotFoundError:
        return None
    return status.st_ino if status.st_dev == _OWN.stat().st_dev else None


class NamespaceThread:
    """The thread that steps into network namespaces."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="network-namespace")
        self._libc = ctypes.CDLL(None, use_errno=True)

    async def call(self, namespace: Path | None, function: Callable[[], _T]) -> _T:
        """What `function`, which must be quick, returns when it is called inside of that namespace (None: our own).

        Raises OSError if there is no such namespace.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._inside, namespace, function)

    async def connect(self, namespace: Path | None, host: str, port: int) -> socket.socket:
        """A TCP connection made inside of that namespace. Raises OSError. `host` must be an address."""
        family = socket.AF_INET6 if family_of(host) == "IPv6" else socket.AF_INET
        making = asyncio.ensure_future(self.call(namespace, lambda: socket.socket(family, socket.SOCK_STREAM)))
        try:
            made = await asyncio.shield(making)
        except asyncio.CancelledError:
            making.add_done_callback(_close_result)
            raise
        try:
            made.setblocking(False)
            await asyncio.get_running_loop().sock_connect(made, (host, port))
        except BaseException:
            made.close()
            raise
        return made

    async def write_settings(self, namespace: Path | None, settings: Mapping[str, str]) -> None:
        """Writes kernel settings (paths below /proc/sys/net) of that namespace, as far as they differ; one that does
        not exist is skipped."""

        def write() -> None:
            for name, value in settings.items():
                with contextlib.suppress(FileNotFoundError):
                    if (_SETTINGS / name).read_text().strip() != value:
                        (_SETTINGS / name).write_text(value)

        await self.call(namespace, write)

    def close(self) -> None:
        """Ends the thread."""
        self._executor.shutdown(wait=False)

    def _inside(self, namespace: Path | None, function: Callable[[], _T]) -> _T:
        if namespace is None:
            return function()
        with _descriptor(Path("/proc/thread-self/ns/net")) as home, _descriptor(namespace) as target:
            self._enter(target)
            try:
                return function()
            finally:
                self._enter(home)

    def _enter(self, descriptor: int) -> None:
        if self._libc.setns(descriptor, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, f"setns: {os.strerror(number)}")


def _close_result(making: "asyncio.Future[socket.socket]") -> None:
    """Closes a socket that nobody waits for any more."""
    if not making.cancelled() and making.exception() is None:
        making.result().close()


@contextlib.contextmanager
def _descriptor(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
