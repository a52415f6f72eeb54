"""Memory that is bounded in size and time: what strangers can make us remember."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ExpiringCache(Generic[K, V]):
    """Values with an end, at most `size` of them; those not used for longest go first. Times are those of `clock`."""

    def __init__(self, size: int, clock: Callable[[], float]) -> None:
        self._size = size
        self._clock = clock
        self._entries: OrderedDict[K, tuple[V, float]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """Returns the value of a key; None if it has none (any more)."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] <= self._clock():
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: K, value: V, until: float) -> None:
        """Keeps a value until a time."""
        self._entries[key] = (value, until)
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)


class Buckets(Generic[K]):
    """A token bucket for each key: `burst` at once, `rate` a second in the long run; at most `size` keys are known.

    A key that is forgotten begins with a full bucket: size must be well above the keys that one attacker has.
    """

    def __init__(self, rate: float, burst: float, size: int, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst
        self._size = size
        self._clock = clock
        self._levels: OrderedDict[K, tuple[float, float]] = OrderedDict()

    def empty(self, key: K) -> bool:
        """True if nothing is left for the key now."""
        return self._level(key) < 1

    def take(self, key: K) -> None:
        """Takes one from the key's bucket."""
        self._levels[key] = (max(self._level(key) - 1, 0.0), self._clock())
        self._levels.move_to_end(key)
        if len(self._levels) > self._size:
            self._levels.popitem(last=False)

    def _level(self, key: K) -> float:
        level, since = self._levels.get(key, (self._burst, self._clock()))
        return min(level + (self._clock() - since) * self._rate, self._burst)
