"""Durations: integer milliseconds inside Weft, protobuf's JSON form (`1.5s`) or Go's (`1h2m3.5s`) at the edges."""

import re
from typing import Final

Milliseconds = int

_UNITS: Final = {
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
    "us": 0.001,
    "µs": 0.001,
    "ns": 0.000001,
}
_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|h|m|s)")


def parse_duration(text: str) -> Milliseconds:
    """Milliseconds of a duration like `5s`, `1.5h`, `1m30s` or `100ms`, as Go's `time.ParseDuration` reads it.

    Fractions of a millisecond are rounded up, so that a positive duration never becomes zero (which often means "off").
    Raises ValueError with the accepted form.
    """
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    position, total = 0, 0.0
    while position < len(rest):
        match = _PART.match(rest, position)
        if match is None:
            break
        total += float(match[1]) * _UNITS[match[2]]
        position = match.end()
    if not rest or position != len(rest):
        raise ValueError(f"{text!r} is no duration: write a number and a unit (h, m, s, ms), such as 5s or 1m30s")
    return sign * -int(-round(total, 6) // 1)


def format_duration(milliseconds: Milliseconds) -> str:
    """A duration in protobuf's JSON form: 1500 is `1.500s`, 5000 is `5s`."""
    seconds, rest = divmod(abs(milliseconds), 1_000)
    sign = "-" if milliseconds < 0 else ""
    return f"{sign}{seconds}.{rest:03d}s" if rest else f"{sign}{seconds}s"
