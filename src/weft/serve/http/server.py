"""The API's server: HTTP on a unix socket that only its owner may use."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette

_BACKLOG: Final = 128


class _Server(uvicorn.Server):
    """A server whose process decides itself when to end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to the process."""
        yield


@asynccontextmanager
async def serving(app: Starlette, path: Path) -> AsyncIterator[None]:
    """Serves the API on a unix socket while the block runs. A socket that a killed process left is replaced."""
    listener = _listen(path)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
        _remove(path)


def _listen(path: Path) -> socket.socket:
    """A listening socket of mode 0600, named below its open folder: an address has room for 107 bytes (unix(7))."""
    _remove(path)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
        os.close(folder)
    return listener


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
