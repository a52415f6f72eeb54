"""HTTP over a unix socket, wherever in the file system it is."""

import asyncio
import os
import socket
from pathlib import Path

from weft.node.http import Answer, Call, exchange


async def ask(path: Path, call: Call) -> Answer:
    """One request to the server at a unix socket. Raises HttpError or OSError."""
    reader, writer = await _connect(path)
    return await exchange(reader, writer, call)


async def _connect(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection. An address has room for 107 bytes (unix(7)), a path may be longer: so the socket is named below
    the open folder."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            await asyncio.get_running_loop().sock_connect(made, f"/proc/self/fd/{folder}/{path.name}")
            return await asyncio.open_unix_connection(sock=made)
        except BaseException:
            made.close()
            raise
    finally:
        os.close(folder)
