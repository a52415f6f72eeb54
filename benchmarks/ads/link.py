"""The socket of one simulated proxy: connects, shakes hands, reads and writes, and never waits."""

import errno
import os
import select
import socket
import ssl
from typing import Final

_READ: Final = 256 * 1024
_RECORD: Final = 16 * 1024
"""The most that TLS gives at once."""

_WAITING: Final = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)


class LinkError(Exception):
    """A connection was refused, or broke."""


class Link:
    """A connection that is being made. `context` is None for plaintext."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None, server_name: str) -> None:
        self._address = address
        self._context = context
        self._server_name = server_name
        self._shaken = False
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.events = select.EPOLLOUT

    def connect(self) -> None:
        """Begins to connect. Raises LinkError."""
        error = self.socket.connect_ex(self._address)
        if error not in (0, errno.EINPROGRESS):
            raise LinkError(f"can't connect: {errno.errorcode[error]}")

    def ready(self) -> bool:
        """Goes on with connecting and the handshake; True when they are over. Raises LinkError."""
        if self._shaken:
            return True
        try:
            self._handshake()
        except ssl.SSLWantReadError:
            self.events = select.EPOLLIN
        except ssl.SSLWantWriteError:
            self.events = select.EPOLLOUT
        except OSError as error:
            raise LinkError(f"no connection: {error}") from error
        else:
            self._shaken = True
        return self._shaken

    def _handshake(self) -> None:
        if not isinstance(self.socket, ssl.SSLSocket):
            error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error))
            if self._context is None:
                return
            self.socket = self._context.wrap_socket(
                self.socket, server_hostname=self._server_name, do_handshake_on_connect=False
            )
        self.socket.do_handshake()

    def read(self, buffer: memoryview) -> memoryview:
        """Returns the part of the buffer that it could fill. Raises LinkError where nothing will ever come again."""
        size = 0
        while size + _RECORD <= len(buffer):
            try:
                got = self.socket.recv_into(buffer[size:])
            except _WAITING:
                break
            except OSError as error:
                raise LinkError(f"can't read: {error}") from error
            if not got and not size:
                raise LinkError("the server closed the connection")
            size += got
            if got < _RECORD // 2:  # little was there: the next look would find nothing
                break
        return buffer[:size]

    def write(self, outgoing: bytearray) -> None:
        """Writes as much as the socket takes, and removes that. Raises LinkError."""
        while outgoing:
            try:
                sent = self.socket.send(outgoing)
            except _WAITING:
                break
            except OSError as error:
                raise LinkError(f"can't write: {error}") from error
            del outgoing[:sent]
        self.events = select.EPOLLIN | (select.EPOLLOUT if outgoing else 0)


def buffer() -> memoryview:
    """Returns memory to read into; one serves all links."""
    return memoryview(bytearray(_READ))
