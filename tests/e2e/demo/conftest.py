"""A machine for each demo: a network namespace with a loopback device and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.demo.driver import Demo


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo that must leave nothing behind."""
    made = Demo(tmp_path)
    made.machine.create()
    try:
        yield made
        assert made.remains() == []
    finally:
        made.clean_up()
        made.machine.remove()
