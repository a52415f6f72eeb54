"""Bounds of a connection, and the allowance that floods run out of."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from weft.serve.http2.errors import Code, ConnectionFaultError


class Limits(Struct, frozen=True):
    """What one connection may cost. Sizes in bytes.

    `header_block` is the size of compressed headers, `header_list` of decompressed ones, `header_frames` in how many
    frames they may come. `streams` may be open at once. `message` is the largest message of a caller that was let in.
    `overhead` frames (all that carry no data: pings, settings, resets, window updates, new streams) are free, then
    `overhead_rate` a second; each frame of data that is sent allows for `overhead_for_data` more. `unread` bytes of
    answers to such frames may wait for a client that does not read.
    """

    header_block: int = 16 * 1024
    header_list: int = 16 * 1024
    header_frames: int = 8
    streams: int = 16
    message: int = 32 * 1024 * 1024
    overhead: float = 1_000.0
    overhead_rate: float = 100.0
    overhead_for_data: float = 4.0
    unread: int = 64 * 1024


DEFAULT_LIMITS: Final = Limits()


class Allowance:
    """A token bucket for frames that cost us more than their sender."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._left = limits.overhead
        self._since = clock()

    def spend(self) -> None:
        """Takes one frame off."""
        self._left -= 1
        if self._left < 0:
            now = self._clock()
            self.earn((now - self._since) * self._limits.overhead_rate)
            self._since = now
            if self._left < 0:
                raise ConnectionFaultError(Code.ENHANCE_YOUR_CALM, "too many frames that carry no data")

    def earn(self, frames: float) -> None:
        """Allows for more frames."""
        self._left = min(self._left + frames, self._limits.overhead)
