"""What all tests share: those that need more isolation than there is are skipped, and say so."""

import os
from typing import Final

import pytest
from hypothesis import HealthCheck, settings
from tests.isolation import LEVELS, best, lacking

from weft.apps.up_options import ISOLATION_VARIABLE

_LEVEL: Final = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--isolation",
        choices=("auto", *LEVELS),
        default=os.environ.get(ISOLATION_VARIABLE, "auto"),
        help="isolation of the meshes under test; auto is the best that works here",
    )
    parser.addoption("--soak-minutes", type=float, default=0.4, help="how long tests/e2e/soak changes a mesh")
    parser.addoption("--soak-seed", type=int, help="what its changes follow from; by default another one each time")


def pytest_configure(config: pytest.Config) -> None:
    """Every `weft up` and `weft demo` of tests runs at the level in force: they read it from the environment."""
    chosen: str = config.getoption("--isolation")
    # No test is one of speed: the machine may be shared.
    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("thorough", settings.get_profile("untimed"), max_examples=10_000)
    settings.load_profile(config.getoption("--hypothesis-profile", None) or "untimed")
    level = config.stash[_LEVEL] = best() if chosen == "auto" else chosen
    os.environ[ISOLATION_VARIABLE] = level


def pytest_report_header(config: pytest.Config) -> str:
    return f"isolation: {config.stash[_LEVEL]}"


@pytest.hookimpl(trylast=True)  # after those that mark tests
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        reason = lacking(item, config.stash[_LEVEL])
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def isolation(pytestconfig: pytest.Config) -> str:
    """The level in force."""
    return pytestconfig.stash[_LEVEL]
