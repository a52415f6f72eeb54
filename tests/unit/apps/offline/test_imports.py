"""Rendering and validating need nothing that only Linux, or only a running mesh, has."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.apps.offline.files import NAMESPACE, SIDECAR, WEB, write

ELSEWHERE = """
import sys

LINUX = {"fcntl", "grp", "pwd", "resource", "termios", "pyroute2"}
PURE = {"weft.node.addresses", "weft.node.ports"}
SERVERS = {"grpc", "starlette", "uvicorn"}

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in LINUX | SERVERS:
            raise ModuleNotFoundError(name)
        if name.startswith("weft.serve") or (name.startswith("weft.node.") and name not in PURE):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
for name in LINUX:
    sys.modules.pop(name, None)
import os
for name in ("pidfd_open", "setns", "unshare", "memfd_create", "posix_fadvise"):
    if hasattr(os, name):
        delattr(os, name)
os.geteuid = lambda: 501
sys.platform = "darwin"
from weft.apps.main import main
sys.argv = ["weft", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("arguments", [("render", "--node", SIDECAR), ("validate",)])
def test_it_works_where_there_is_no_linux(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    folder = write(tmp_path / "mesh", NAMESPACE, WEB)
    command = [sys.executable, "-c", ELSEWHERE, *arguments, "-f", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
