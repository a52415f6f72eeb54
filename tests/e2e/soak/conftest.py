"""How long, and what is drawn."""

import random

import pytest

_BEFORE_AND_AFTER = 180.0


@pytest.fixture
def soak_minutes(pytestconfig: pytest.Config) -> float:
    """How long the mesh is changed."""
    return float(pytestconfig.getoption("--soak-minutes"))


@pytest.fixture
def soak_seed(pytestconfig: pytest.Config) -> int:
    """What all that is random follows from."""
    given = pytestconfig.getoption("--soak-seed")
    return random.SystemRandom().randrange(10**6) if given is None else int(given)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The limit of time follows from how long is asked for."""
    for item in items:
        if "soak_minutes" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(60 * config.getoption("--soak-minutes") + _BEFORE_AND_AFTER))
