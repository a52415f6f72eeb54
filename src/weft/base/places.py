"""Where a standalone mesh keeps what it knows: the one answer that all its processes and the command line share."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

DEFAULT_MESH: Final = "default"
MESH_VARIABLE: Final = "WEFT_MESH"
STATE_VARIABLE: Final = "WEFT_STATE_DIR"

_SYSTEM: Final = Path("/var/lib/weft")
# A pod's namespace is called weft-<mesh>-<10 hex digits>: no mesh may be called like a pod of another one.
_MESH: Final = re.compile(r"(?!.*-[0-9a-f]{10}$)[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


class PlaceError(ValueError):
    """The state folder can't be told; the message says what to change."""


class Places(Struct, frozen=True):
    """The folders and sockets of one mesh. `state` holds all of them and is for its owner alone (mode 0700)."""

    mesh: str
    state: Path

    @property
    def controller_socket(self) -> Path:
        """Where the controller's API listens."""
        return self.state / "controller.sock"

    @property
    def controller_log(self) -> Path:
        """What the controller's process writes."""
        return self.state / "logs" / "controller.log"

    @property
    def isolation(self) -> Path:
        """The file that says how pods are kept apart."""
        return self.state / "isolation"

    @property
    def forwards(self) -> Path:
        """The file that says which ports of a mesh in namespaces of its own are open outside."""
        return self.state / "forwards.json"

    @property
    def node(self) -> Path:
        """The folder of the node process: pods, their records, logs and Envoys."""
        return self.state / "node"


def places(
    mesh: str = DEFAULT_MESH, state_folder: str | None = None, *, environment: Mapping[str, str], root: bool
) -> Places:
    """The places of a mesh.

    `state_folder` is the mesh's own folder as the user named it; without one it is WEFT_STATE_DIR, else
    `/var/lib/weft/<mesh>` for root, else `weft/<mesh>` in XDG_STATE_HOME; that is `~/.local/state` by default and if it
    is no absolute path (XDG Base Directory Specification). Raises PlaceError.
    """
    check_mesh_name(mesh)
    named = state_folder or environment.get(STATE_VARIABLE)
    if named:
        return Places(mesh, Path(named).absolute())
    return Places(mesh, (_SYSTEM if root else _user_state(environment) / "weft") / mesh)


def check_mesh_name(mesh: str) -> None:
    """Refuses names that can't be part of a file's and a network namespace's name. Raises PlaceError."""
    if not _MESH.fullmatch(mesh):
        raise PlaceError(
            f"{mesh!r} can't be the name of a mesh: use at most 40 of a-z, 0-9 and -, "
            "and not a - and ten hexadecimal digits at the end"
        )


def _user_state(environment: Mapping[str, str]) -> Path:
    chosen = Path(environment.get("XDG_STATE_HOME", ""))
    if chosen.is_absolute():
        return chosen
    home = environment.get("HOME")
    if not home:
        raise PlaceError(f"there is no home folder to keep the mesh in: set HOME or {STATE_VARIABLE}")
    return Path(home) / ".local" / "state"
