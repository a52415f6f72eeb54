"""The processes that `weft up` starts have begun before they import what they need."""

import subprocess
import sys

import pytest

from weft.cli.lazy import load

_HEAVY = ("weft.dialects", "weft.envoy", "weft.mesh", "weft.serve", "weft.node.agent", "uvicorn", "cryptography")
_NODE = ("weft.node.agent", "weft.node.kubelet")


def imported(module: str) -> list[str]:
    program = f"import sys, {module}; print(*sys.modules)"
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.parametrize(
    ("module", "others"),
    [
        ("weft.apps.processes", _HEAVY),
        ("weft.apps.controller_process", _NODE),
        ("weft.sources.directory.ahead_worker", (*_HEAVY, "asyncio")),
    ],
)
def test_a_process_imports_nothing_of_what_comes_later(module: str, others: tuple[str, ...]) -> None:
    assert [name for name in imported(module) if name.startswith(others)] == []


@pytest.mark.parametrize("target", ["weft.apps.controller_process:run", "weft.apps.node_process:run"])
def test_what_comes_later_is_there(target: str) -> None:
    assert callable(load(target))
