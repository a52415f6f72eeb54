"""Cases: objects as their authors write them, and whose proxy is looked at.

A case is a file of YAML documents. Its leading comment says what it is about; the comment's last paragraph is YAML too:

- `proxy`: the pod, as `namespace/name`; `role`: `own` (the default) for a sidecar, `edge` for a gateway.
- `keep`: by type of resource, patterns of the names of those that the case is about; `hosts`: of virtual hosts.
- `show`, `hide`: fields that are kept against, or left out beside, what `outcome.HIDDEN` says.
- `with`: files of `worlds/` with objects that several cases share.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

HERE = Path(__file__).parent
CASES = HERE / "cases"
WORLDS = HERE / "worlds"


class Header(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a case's comment says for the test."""

    proxy: str
    keep: dict[str, tuple[str, ...]]
    hosts: tuple[str, ...] = ("*",)
    role: Literal["own", "edge"] = "own"
    show: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    world: tuple[str, ...] = msgspec.field(default=("shop",), name="with")


class Case(msgspec.Struct, frozen=True):
    """One case; `bodies` are its objects as JSON types, those of its worlds first."""

    name: str
    header: Header
    bodies: tuple[Any, ...]


def names() -> list[str]:
    """The names of all cases, sorted."""
    return sorted(path.stem for path in CASES.glob("*.yaml"))


def read(name: str) -> Case:
    """A case by its name; ValueError, KeyError or msgspec.ValidationError where its file is no case."""
    text = (CASES / f"{name}.yaml").read_text()
    header = msgspec.convert(yaml.safe_load(_last_paragraph(text)), Header)
    worlds = [(WORLDS / f"{world}.yaml").read_text() for world in header.world]
    bodies = tuple(body for part in (*worlds, text) for body in yaml.safe_load_all(part) if body is not None)
    return Case(name, header, bodies)


def _last_paragraph(text: str) -> str:
    comment: list[str] = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comment.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(comment).rpartition("\n\n")[2]
