"""HTTP over a unix socket: one request, one answer."""

import http.client
import os
import socket
from pathlib import Path
from typing import Final

from msgspec import Struct

DEFAULT_TIMEOUT: Final = 10.0
_LIMIT: Final = 256 * 2**20


class NoAnswerError(Exception):
    """Nobody answered as HTTP has it."""


class NobodyListensError(NoAnswerError):
    """There is no such socket, or the process that made it has ended."""


class NotAllowedError(NoAnswerError):
    """The socket, or a folder on the way to it, is somebody else's."""


class Request(Struct, frozen=True):
    """What to ask for; `target` is path and query."""

    target: str
    method: str = "GET"
    body: bytes = b""
    content_type: str = "application/json"


class Answer(Struct, frozen=True):
    """Status and body of an answer."""

    status: int
    body: bytes


def ask(path: Path, request: Request, timeout: float = DEFAULT_TIMEOUT) -> Answer:
    """Asks the server at a unix socket; `timeout` in seconds is for each step. Raises NoAnswerError."""
    connection = _UnixConnection(path, timeout)
    headers = {"Content-Type": request.content_type} if request.body else {}
    try:
        connection.request(request.method, request.target, request.body or None, headers)
        response = connection.getresponse()
        body = response.read(_LIMIT + 1)
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise NobodyListensError(f"nothing listens at {path}") from error
    except PermissionError as error:
        raise NotAllowedError(f"{path}: permission denied") from error
    except TimeoutError as error:
        raise NoAnswerError(f"{path} did not answer within {timeout:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(f"{path}: {str(error) or type(error).__name__}") from error
    finally:
        connection.close()
    if len(body) > _LIMIT:
        raise NoAnswerError(f"the answer of {path} is longer than {_LIMIT >> 20} MiB")
    if response.length:
        raise NoAnswerError(f"{path} ended its answer {response.length} bytes too early")
    return Answer(response.status, body)


class _UnixConnection(http.client.HTTPConnection):
    """The address of a unix socket has room for 107 bytes (unix(7)) and a path may be longer: so the socket is named
    below its open folder."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connects to the socket in place of a TCP port."""
        folder = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")
        finally:
            os.close(folder)
