"""Flow control of what comes in (RFC 9113, section 5.2)."""

from typing import Final

from weft.serve.http2.errors import Code, ConnectionFaultError

MAX_WINDOW: Final = (1 << 31) - 1
DEFAULT_WINDOW: Final = 65_535
"""Bytes that a stream, and a connection, may carry at first."""


class ReceiveWindow:
    """How much a peer may send: `size` bytes beyond what was consumed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._consumed = 0

    def take(self, count: int) -> None:
        """Notes bytes that came."""
        self._left -= count
        if self._left < 0:
            raise ConnectionFaultError(Code.FLOW_CONTROL_ERROR, "more data than the window has room for")

    def consume(self, count: int) -> int:
        """Notes bytes that are done with; returns by how much to open the window now, seldom but in time."""
        self._consumed += count
        if self._consumed * 2 < self._size:
            return 0
        opened, self._consumed = self._consumed, 0
        self._left += opened
        return opened
