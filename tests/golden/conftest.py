"""Golden files are compared, or written again with `pytest tests/golden --update-golden`."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files instead of comparing them")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are written; never where this folder is not named on the command line."""
    return bool(request.config.getoption("--update-golden", default=False))
