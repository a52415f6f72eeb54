"""What streams tell of themselves while they work. It is told often: an observer only counts."""

import time
from typing import Protocol


class StreamObserver(Protocol):
    """Hears what streams do. Times are seconds, of `time.monotonic` where they name a moment."""

    def change_time(self) -> float:
        """When what views tell now has changed."""

    def waited(self, seconds: float) -> None:
        """A stream has its turn after waiting for it."""

    def sent(self, type_url: str, size: int, making: float, sending: float) -> None:
        """A response was sent: its bytes, and the seconds that it took."""

    def converged(self, seconds: float) -> None:
        """A proxy was sent all that follows from a change, so long after it."""

    def expired(self, type_url: str) -> None:
        """An answer came to no response that is waited for."""


class Unobserved:
    """Nobody wants to know."""

    def change_time(self) -> float:
        """As in `StreamObserver`."""
        return time.monotonic()

    def waited(self, seconds: float) -> None:
        """As in `StreamObserver`."""

    def sent(self, type_url: str, size: int, making: float, sending: float) -> None:
        """As in `StreamObserver`."""

    def converged(self, seconds: float) -> None:
        """As in `StreamObserver`."""

    def expired(self, type_url: str) -> None:
        """As in `StreamObserver`."""
