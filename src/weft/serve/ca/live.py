"""The authority in force, and who must hear when it changes."""

from collections.abc import Callable
from datetime import UTC, datetime

from weft.identity.authority import Authority


def utc_now() -> datetime:
    """Returns the time now, aware."""
    return datetime.now(UTC)


class LiveAuthority:
    """Holds the present authority. `save` makes a new one last before it counts."""

    def __init__(
        self, authority: Authority, save: Callable[[Authority], None], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.clock = clock
        self._authority = authority
        self._save = save
        self._listeners: list[Callable[[], None]] = []

    @property
    def current(self) -> Authority:
        """The authority in force."""
        return self._authority

    def listen(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after every change."""
        self._listeners.append(listener)

    def replace(self, authority: Authority) -> None:
        """Puts another one in force: the result of `prepare`, `switch` or `retire` on the current one."""
        self._save(authority)
        self._authority = authority
        for listener in self._listeners:
            listener()
