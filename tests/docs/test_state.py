"""The files of a running mesh are those of the reference page."""

from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path

import pytest
from tests.docs.machine import Machine
from tests.docs.pages import DOCS, File, read_page
from tests.docs.test_pages import write
from tools.reference.state import ENTRIES

STATE = "/var/lib/weft/default"
WITHOUT_ROOT = {"holder.json", "forwarder.lock", "forwards.json"}
SOMETIMES = WITHOUT_ROOT | {"node/envoy", "node/removed/*.json", "node/pods/*/proxy/bootstrap.json"}


@pytest.mark.isolation("userns")
def test_a_running_mesh_keeps_what_the_page_says_and_for_whom(tmp_path: Path) -> None:
    for step in takewhile(lambda step: isinstance(step, File), read_page(DOCS / "guides" / "first-mesh.md").steps):
        assert isinstance(step, File)
        write(tmp_path / step.name, step.text)
    with Machine(tmp_path) as machine:
        assert machine.run("weft up -d hello").code == 0
        found = machine.run(f"find {STATE} ! -type d -printf '%m %P\\n'").output.splitlines()
        machine.run("weft down")
    files = {name: mode for mode, _, name in (line.partition(" ") for line in found)}
    for entry in ENTRIES:
        matching = [name for name in files if fnmatchcase(name, entry.pattern)]
        assert matching or entry.pattern in SOMETIMES, f"there is no {entry.pattern}"
        if entry.secret:
            assert all(files[name].endswith("00") or files[name] == "777" for name in matching), entry.pattern
    unknown = [name for name in files if not any(fnmatchcase(name, entry.pattern) for entry in ENTRIES)]
    assert not unknown
