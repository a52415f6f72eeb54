"""What follows from what views show, worked out once for all streams that ask for it, and forgotten when it changes."""

from collections.abc import Callable, Hashable
from operator import is_
from typing import Any, Final, TypeVar

from weft.apps.parts import Contents, PartKey
from weft.serve.ads.recent import Recent

T = TypeVar("T")

SIZE: Final = 250_000
"""Names that are remembered for each table. One that asks for ever other names does not fill the memory."""


class _Follows:
    """What follows from some tables."""

    def __init__(self, tables: tuple[Contents, ...]) -> None:
        self.tables = tables
        self.answers: Recent[Hashable, Any] = Recent(SIZE)


class Recollection:
    """Answers to questions about tables; tables are told apart by identity, for they never change."""

    def __init__(self) -> None:
        self._of: dict[PartKey, _Follows] = {}

    def answer(
        self,
        key: PartKey,
        tables: tuple[Contents, ...],
        question: tuple[Hashable, frozenset[str]],
        ask: Callable[[], T],
    ) -> T:
        """What `ask` returns, or returned when it was asked for the same tables. `key` says which tables these are."""
        follows = self._of.get(key)
        if follows is None or len(follows.tables) != len(tables) or not all(map(is_, follows.tables, tables)):
            follows = self._of[key] = _Follows(tables)
        found: T | None = follows.answers.get(question)
        return follows.answers.put(question, ask(), len(question[1]) + 1) if found is None else found

    def forget(self) -> None:
        """Forgets all: when nobody may ask for some time."""
        self._of.clear()
