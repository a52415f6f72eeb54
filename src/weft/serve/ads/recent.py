"""Values that were used last, as many as fit: what streams have in common is made once, and not kept for ever."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from msgspec import Struct

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Kept(Struct, Generic[V], frozen=True):
    value: V
    size: int


class Recent(Generic[K, V]):
    """The values that were used last, of `size` together in whatever unit they are put in with."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held = 0
        self._kept: OrderedDict[K, _Kept[V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value of a key; None if it is not there (any more)."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found.value

    def put(self, key: K, value: V, size: int) -> V:
        """Keeps a value that is not there yet, and returns it. One that is too large alone is not kept."""
        self._kept[key] = _Kept(value, size)
        self._held += size
        while self._held > self._size:
            _, dropped = self._kept.popitem(last=False)
            self._held -= dropped.size
        return value
