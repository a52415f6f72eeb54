"""How long ago something was, in few characters: the steps are kubectl's."""

from typing import Final

UNKNOWN: Final = "<unknown>"

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_YEAR: Final = 365 * _DAY

_STEPS: Final = (
    # below this many seconds, this unit, and the smaller one of the rest, if it is shown
    (2 * _MINUTE, 1, None),
    (10 * _MINUTE, _MINUTE, 1),
    (3 * _HOUR, _MINUTE, None),
    (8 * _HOUR, _HOUR, _MINUTE),
    (2 * _DAY, _HOUR, None),
    (8 * _DAY, _DAY, _HOUR),
    (2 * _YEAR, _DAY, None),
    (8 * _YEAR, _YEAR, _DAY),
)
_LETTERS: Final = {1: "s", _MINUTE: "m", _HOUR: "h", _DAY: "d", _YEAR: "y"}


def age(since: float | None, now: float) -> str:
    """`5m30s` between two times in Unix seconds; `<unknown>` where the first is not known (None or 0)."""
    return duration(now - since) if since else UNKNOWN


def duration(seconds: float) -> str:
    """`95s`, `5m30s`, `170m`, `3h20m`, `47h`, `3d4h`, `400d`, `3y10d`, `9y`; a time ahead counts as now."""
    whole = max(0, int(seconds))
    unit, rest = next(((unit, rest) for limit, unit, rest in _STEPS if whole < limit), (_YEAR, None))
    count, left = divmod(whole, unit)
    text = f"{count}{_LETTERS[unit]}"
    return f"{text}{left // rest}{_LETTERS[rest]}" if rest and left >= rest else text
