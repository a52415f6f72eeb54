"""Bounds of chance, so that a test of random choices fails for a wrong share and not for bad luck."""

from math import ceil, floor, sqrt
from typing import Final

_DEVIATIONS: Final = 3.2905
"""Standard deviations that 99.9 % of a normal distribution lie within, on both sides together."""


def within_chance(found: int, total: int, share: float) -> bool:
    """Whether `found` of `total` is what 99.9 % of all samples of a binomial distribution with this share show."""
    mean, deviation = total * share, sqrt(total * share * (1 - share))
    return floor(mean - _DEVIATIONS * deviation) <= found <= ceil(mean + _DEVIATIONS * deviation)
