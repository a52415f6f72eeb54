"""From measured values to figures: percentiles, medians with their spread, ratios."""

import math
import statistics
from collections.abc import Sequence

from msgspec import Struct


class Spread(Struct, frozen=True):
    """The middle of some values, and their ends."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Returns the spread of values, of which there must be one at least."""
    return Spread(statistics.median(values), min(values), max(values))


def percentile(values: Sequence[float], percent: float) -> float:
    """Returns the value that `percent` (above 0, to 100) of all values do not exceed, by nearest rank.

    It is one of the values, not a mean of two. Raises ValueError where there is none.
    """
    if not values:
        raise ValueError("there is no value")
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[max(rank, 1) - 1]


def ratios(values: Sequence[float], others: Sequence[float]) -> Spread:
    """Returns the spread of the ratios of values to those of the same round: what disturbs a round disturbs both."""
    return spread([value / other for value, other in zip(values, others, strict=True)])
