"""A controller over an empty folder."""

from pathlib import Path

import pytest
from tests.unit.apps.controller import Controller


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    return Controller(tmp_path)
