"""The bounds of a split are those of the binomial distribution."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.apps.demo.split import TAIL, bounds


def below(count: int, share: float, number: int) -> float:
    """The probability of less than `number`."""
    return sum(comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(number))


@given(count=st.integers(1, 300), share=st.floats(0.01, 0.99), tail=st.sampled_from([1e-6, 1e-3, 0.05]))
def test_each_tail_has_at_most_its_probability_and_no_bound_could_be_closer(
    count: int, share: float, tail: float
) -> None:
    low, high = bounds(count, share, tail)
    slack = 1 + 1e-6
    assert below(count, share, low) <= tail * slack
    assert below(count, share, low + 1) >= tail / slack
    assert below(count, 1 - share, count - high) <= tail * slack
    assert below(count, 1 - share, count - high + 1) >= tail / slack


@pytest.mark.parametrize(("share", "wrong"), [(0.80, 400), (0.80, 200), (0.15, 0), (0.05, 0), (0.05, 60)])
def test_a_wrong_split_of_the_demos_pages_is_seen(share: float, wrong: int) -> None:
    low, high = bounds(400, share)
    assert low <= round(400 * share) <= high
    assert not low <= wrong <= high


def test_chance_alone_fails_the_demo_once_in_a_hundred_thousand_runs_at_most() -> None:
    assert 3 * 2 * TAIL < 1e-5
