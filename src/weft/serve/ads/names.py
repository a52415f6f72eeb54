"""Sets of names. Streams of equal proxies hold equal ones, thousands of names each: there is one object for all."""

import sys
from typing import Final

from weft.serve.ads.recent import Recent

SIZE: Final = 250_000
"""Names in the sets that are kept in case that another stream has the same."""

Names = frozenset[str]

NONE: Final[Names] = frozenset()


class NameSets:
    """One object for sets that are equal. What streams do alike to the same set is done once."""

    def __init__(self, size: int = SIZE) -> None:
        self._sets: Recent[Names, Names] = Recent(size)
        self._changed: Recent[tuple[Names, Names, Names], Names] = Recent(size)

    def same(self, names: Names) -> Names:
        """The set that all others have for this one."""
        found = self._sets.get(names)
        if found is None:
            found = frozenset(map(sys.intern, names))  # sets that differ have most of their names in common
            self._sets.put(found, found, len(found) + 1)
        return found

    def changed(self, names: Names, more: Names, less: Names = NONE) -> Names:
        """A set with `more` names, and then without `less`."""
        if not names and not less:
            return more
        key = (names, more, less)
        found = self._changed.get(key)
        if found is None:
            found = self.same((names | more) - less)
            self._changed.put(key, found, len(found) + 1)
        return found
