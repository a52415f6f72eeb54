"""How many pods more and fewer there may be: Kubernetes' numbers, shares and defaults."""

import pytest

from weft.model.kubernetes import Deployment, DeploymentStrategy, LabelSelector, PodTemplate, RollingUpdate
from weft.sources.local.rollout import Wanted
from weft.sources.local.strategy import is_bound, wanted

Bound = int | str | None


def bounds(replicas: int, surge: Bound = None, unavailable: Bound = None) -> tuple[int, int]:
    strategy = DeploymentStrategy(rolling_update=RollingUpdate(surge, unavailable))
    found = wanted(Deployment(LabelSelector(), PodTemplate(), replicas, strategy), "hash")
    return found.surge, found.unavailable


@pytest.mark.parametrize(("replicas", "expected"), [(0, (0, 0)), (1, (1, 0)), (3, (1, 0)), (4, (1, 1)), (10, (3, 2))])
def test_a_quarter_is_rounded_up_for_the_surge_and_down_for_those_that_may_be_missing(
    replicas: int, expected: tuple[int, int]
) -> None:
    assert bounds(replicas) == expected


def test_numbers_and_shares_are_taken_as_stated() -> None:
    assert bounds(10, 2, "50%") == (2, 5)
    assert bounds(3, "100%", 1) == (3, 1)


def test_without_any_room_one_pod_may_be_missing() -> None:
    assert bounds(2, 0, "10%") == (0, 1)


def test_no_more_pods_may_be_missing_than_are_wanted() -> None:
    assert bounds(2, 0, 5) == (0, 2)


@pytest.mark.parametrize("value", ["25", "-1%", "a%", "25 %", "", "9" * 20 + "%", -1])
def test_what_is_no_bound_is_told(value: Bound) -> None:
    assert not is_bound(value)
    with pytest.raises(ValueError, match="neither a number nor a share"):
        bounds(3, value)


def test_recreate_is_taken_over() -> None:
    spec = Deployment(LabelSelector(), PodTemplate(), 2, DeploymentStrategy("Recreate"))
    assert wanted(spec, "hash") == Wanted(template="hash", replicas=2, surge=1, unavailable=0, recreate=True)
