"""The program h2spec: as it is installed, or built once by Go into a cache outside of the repository."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

VERSION: Final = "v2.2.1+incompatible"
"""The last one that Go installs by name: later ones have a go.mod that does not name their major version."""

MODULE: Final = f"github.com/summerwind/h2spec/cmd/h2spec@{VERSION}"
_PATIENCE: Final = 180.0
"""Seconds for the download and the compiler."""


class MissingError(Exception):
    """There is no h2spec, and none can be made; the message says why."""


def h2spec() -> Path:
    """Returns where h2spec is; raises MissingError."""
    installed = shutil.which("h2spec")
    if installed is not None:
        return Path(installed)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "weft-tests" / f"h2spec-{VERSION}"
    program = cache / "h2spec"
    if not program.exists():
        go = shutil.which("go")
        if go is None:
            raise MissingError("neither h2spec nor Go, which could build it, is installed")
        cache.mkdir(parents=True, exist_ok=True)
        _build(go, program)
    return program


def _build(go: str, program: Path) -> None:
    """Builds beside the program and moves it there, so that what is there is whole."""
    with tempfile.TemporaryDirectory(dir=program.parent) as place:
        environment = {**os.environ, "GOBIN": place, "GOFLAGS": "", "GOTOOLCHAIN": "local"}
        command = (go, "install", MODULE)
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            raise MissingError(f"`go install {MODULE}` took longer than {_PATIENCE:.0f} s") from None
        if done.returncode:
            raise MissingError(f"`go install {MODULE}` failed: {done.stderr.strip()[-300:]}")
        (Path(place) / program.name).replace(program)
