"""One network and one Envoy with all cases, for the whole package."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.authorization import cases
from tests.e2e.authorization.namespace import own_network
from tests.e2e.authorization.proxy import Proxy, running_proxy

from weft.ir.access import Authorization

Cases = dict[str, tuple[Authorization, ...]]
Inside = Callable[[Callable[[], Any]], Any]


@pytest.fixture(scope="session")
def policies() -> Cases:
    """What requests are judged by, in the order of the case header's numbers."""
    return cases.table() | cases.mixtures(40)


@pytest.fixture(scope="session")
def byte_policies() -> Cases:
    """What bytes are judged by, in the order of ports."""
    return cases.table()


@pytest.fixture(scope="session")
def inside() -> Iterator[Inside]:
    """Runs a function in the network."""
    with own_network() as run:
        yield run


@pytest.fixture(scope="session")
def proxy(
    tmp_path_factory: pytest.TempPathFactory, policies: Cases, byte_policies: Cases, inside: Inside
) -> Iterator[Proxy]:
    """The running Envoy."""
    folder: Path = tmp_path_factory.mktemp("authorization")
    with running_proxy(
        folder,
        policies=tuple(policies.values()),
        byte_policies=tuple(byte_policies.values()),
        domains=cases.DOMAINS,
        inside=inside,
    ) as running:
        yield running
