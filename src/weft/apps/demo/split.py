"""How far a share of requests may be from what is expected before it is no chance any more."""

from __future__ import annotations

from math import exp, lgamma, log
from typing import Final

TAIL: Final = 1e-6
"""How seldom chance alone may be beyond one of the bounds: the demo must not fail for it in anybody's lifetime."""


def bounds(count: int, share: float, tail: float = TAIL) -> tuple[int, int]:
    """The least and the most of `count` requests that a destination with that share (between 0 and 1) may get.

    The number follows the binomial distribution; with a probability of less than `tail` it is below, and with less than
    `tail` above.
    """
    chances = [_chance(count, share, number) for number in range(count + 1)]
    return _cut(chances, tail), count - _cut(chances[::-1], tail)


def _cut(chances: list[float], tail: float) -> int:
    """How many values at the beginning have less than `tail` together."""
    total = 0.0
    for index, chance in enumerate(chances):
        total += chance
        if total >= tail:
            return index
    return len(chances) - 1


def _chance(count: int, share: float, number: int) -> float:
    ways = lgamma(count + 1) - lgamma(number + 1) - lgamma(count - number + 1)
    return exp(ways + number * log(share) + (count - number) * log(1 - share))
