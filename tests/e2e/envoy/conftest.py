"""Every test here runs real Envoys in a network of its own."""

from collections.abc import Iterator

import pytest
from tests.e2e.envoy.network import own_network


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e/envoy/" in item.path.as_posix():
            item.add_marker(pytest.mark.isolation("userns", here=True))


@pytest.fixture(autouse=True)
def network() -> Iterator[None]:
    with own_network():
        yield
