"""TLS of one connection without I/O: what comes is opened, what goes is sealed.

The event loop's own TLS would cost several times as much CPU for a small message, and 256 kB for each connection.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Final

from weft.serve.http2.errors import Code, ConnectionFaultError

ALPN: Final = "h2"

_RECORD: Final = 16_384
"""Bytes of content in a record (RFC 8446, section 5.1)."""

_PART: Final = 4_096
"""Bytes that OpenSSL is given at a time. It takes them all, but keeps the memory in which it got them."""


class Sealed:
    """Where connections put what they have sealed, one after the other: each takes all out before it returns.

    OpenSSL never gives memory back that it once had for this. So there is one of it, and not one for each connection.
    """

    def __init__(self) -> None:
        self.bio = ssl.MemoryBIO()

    def take(self) -> bytes:
        """Returns what is there, and leaves nothing."""
        return self.bio.read() if self.bio.pending else b""


class Tls:
    """The server's side. `established` after the handshake, `ended` when the client says that it sends no more."""

    def __init__(self, context: ssl.SSLContext, sealed: Sealed) -> None:
        self.established = False
        self.ended = False
        self._incoming = ssl.MemoryBIO()
        self._sealed = sealed
        self._unsent = b""
        self._object = context.wrap_bio(self._incoming, sealed.bio, server_side=True)

    def open(self, data: bytes) -> bytes:
        """Takes what came; returns the content in it. There may be something to send for it: see `take`.

        ConnectionFaultError where it is no TLS, or not for HTTP/2 (RFC 9113, section 3.2).
        """
        try:
            if len(data) <= _PART:
                return self._open(data)
            view = memoryview(data)
            return b"".join([self._open(view[start : start + _PART]) for start in range(0, len(data), _PART)])
        except ssl.SSLError as error:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, f"TLS: {error.reason or error}") from error
        finally:
            self._unsent += self._sealed.take()

    def seal(self, data: bytes) -> bytes:
        """Returns what is to be sent for this content."""
        self._object.write(data)
        return self.take() + self._sealed.take() if self._unsent else self._sealed.take()

    def take(self) -> bytes:
        """Returns what is to be sent for TLS' own sake."""
        found, self._unsent = self._unsent, b""
        return found

    def goodbye(self) -> bytes:
        """Returns what ends our side."""
        with suppress(ssl.SSLError):  # the client has not said good-bye yet, or never was greeted
            self._object.unwrap()
        return self.take() + self._sealed.take()

    def _open(self, data: bytes | memoryview) -> bytes:
        self._incoming.write(data)
        try:
            if not self.established:
                self._shake_hands()
            return self._read()
        except ssl.SSLWantReadError:
            return b""

    def _shake_hands(self) -> None:
        self._object.do_handshake()
        self.established = True
        if self._object.selected_alpn_protocol() != ALPN:
            raise ConnectionFaultError(Code.PROTOCOL_ERROR, "TLS: the client does not speak HTTP/2")

    def _read(self) -> bytes:
        found: list[bytes] = []
        try:
            while self._object.pending() or self._incoming.pending:
                content = self._object.read(_RECORD)
                if not content:
                    self.ended = True
                    break
                found.append(content)
        except ssl.SSLWantReadError:
            pass  # a part of a record
        except ssl.SSLZeroReturnError:
            self.ended = True
        return found[0] if len(found) == 1 else b"".join(found)
