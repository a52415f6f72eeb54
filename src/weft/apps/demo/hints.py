"""What to try while the demo is up."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from weft.base.places import Places, places

_SET_STARS: Final = "python3 -m bookshop.ask SET stars/1 ines=1"


class Hint(Struct, frozen=True):
    """A command that works with the running demo, and what it shows."""

    about: str
    command: str


def hints(weft: str, folder: Path) -> tuple[Hint, ...]:
    """Commands to try; `weft` is how commands of this mesh begin, `folder` holds the files of the demo."""
    rollout = shlex.quote(str(folder / "more" / "finish-rollout.yaml"))
    return (
        Hint("what runs, and whether each Envoy has what it should", f"{weft} get pods -A"),
        Hint("what the visitor gets, every five seconds", f"{weft} logs -n visitors deploy/visitor --tail 4"),
        Hint("who was refused at ratings, and why", f"{weft} logs -n bookshop deploy/ratings -c istio-proxy --tail 4"),
        Hint(
            "where the product page's Envoy sends requests",
            f"{weft} proxy-config routes deploy/productpage -n bookshop",
        ),
        Hint("change stars, as the one service that may", f"{weft} exec -n bookshop deploy/ratings -- {_SET_STARS}"),
        Hint("give everybody v3, with golden stars", f"{weft} apply -f {rollout}"),
    )


def weft_command(found: Places, *, prefix: Path, environment: Mapping[str, str], root: bool) -> str:
    """How commands of this mesh begin in the user's own shell.

    `prefix` is that of Python. A program in a virtual environment that is not active is named by its path, and a user
    who came by sudo needs it again.
    """
    words = ["sudo"] if "SUDO_UID" in environment else []
    words.append("weft" if _is_found(prefix, environment) else _near(prefix / "bin" / "weft"))
    words += ["--mesh", found.mesh]
    if found != places(found.mesh, environment=environment, root=root):
        words += ["--state-dir", str(found.state)]
    return shlex.join(words)


def _is_found(prefix: Path, environment: Mapping[str, str]) -> bool:
    is_virtual = (prefix / "pyvenv.cfg").exists()
    return not is_virtual or environment.get("VIRTUAL_ENV") == str(prefix)


def _near(program: Path) -> str:
    """The shorter one of a path from here, and the whole path."""
    return min(os.path.relpath(program), str(program), key=len)
