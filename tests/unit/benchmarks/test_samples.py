"""Figures of the benchmarks: what is the middle, and what counts as a ratio."""

import pytest
from benchmarks.lab.samples import Spread, percentile, ratios, spread
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.lists(st.floats(0, 1e6), min_size=1)


def test_the_middle_and_the_ends() -> None:
    assert spread([3.0, 1.0, 8.0]) == Spread(3.0, 1.0, 8.0)
    assert spread([1.0, 3.0]).median == 2.0


@pytest.mark.parametrize(("percent", "expected"), [(50, 5), (90, 9), (91, 10), (99, 10), (100, 10), (1, 1)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile([10, 1, 9, 2, 8, 3, 7, 4, 6, 5], percent) == expected


def test_of_nothing_there_is_no_percentile() -> None:
    with pytest.raises(ValueError, match="no value"):
        percentile([], 50)


@given(VALUES, st.floats(0.001, 100))
def test_enough_values_are_not_above_a_percentile(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-6


def test_ratios_are_taken_round_by_round() -> None:
    """A machine that is half as fast in one round is so for both ways: the ratio stays."""
    assert ratios([90.0, 45.0, 90.0], [100.0, 50.0, 100.0]) == Spread(0.9, 0.9, 0.9)


def test_ratios_need_as_many_rounds_of_both() -> None:
    with pytest.raises(ValueError):
        ratios([1.0], [1.0, 2.0])
