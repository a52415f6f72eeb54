"""Whose a mesh's network is: namespaces are named after the mesh, so two meshes of one name would share them.

The hub's bridge bears the state folder of its mesh as alias (ip-link(8)): it goes with the network, whoever removes it.
"""

from hashlib import sha256
from pathlib import Path
from typing import Final

from weft.node.hub import BRIDGE, hub_name
from weft.node.links import alias_of, set_alias
from weft.node.namespaces import pinned_inode
from weft.node.settings import NodeSettings
from weft.node.tools import ToolError, Tools, find_tools

_LONGEST: Final = 255
"""Bytes of an alias (linux/if.h, IFALIASZ)."""


class ForeignMeshError(Exception):
    """Another mesh has the name; the message says where it keeps its state."""


async def note_owner(settings: NodeSettings, tools: Tools) -> None:
    """Writes on a mesh's network whose it is. Raises ToolError."""
    await set_alias(tools, hub_name(settings.mesh), BRIDGE, _owner(settings.state))


async def require_own_network(settings: NodeSettings) -> None:
    """Raises ForeignMeshError if there is a network of another mesh of this name; MissingToolsError.

    One whose state folder is gone is nobody's.
    """
    hub = hub_name(settings.mesh)
    if settings.isolation != "netns" or pinned_inode(hub) is None:
        return
    try:
        alias = await alias_of(find_tools(settings.search_path), hub, BRIDGE)
    except ToolError as error:
        raise ForeignMeshError(f"there is a mesh named {settings.mesh} that can't be looked at: {error}") from error
    if alias and alias != _owner(settings.state) and not _is_gone(alias):
        where = f" in {Path(alias).parent}" if alias.startswith("/") else " elsewhere"
        raise ForeignMeshError(f"there is a mesh named {settings.mesh} that keeps its state{where}")


def _owner(state: Path) -> str:
    """The folder of a mesh's node; of a path that is too long, a hash."""
    text = str(state)
    return text if len(text.encode()) <= _LONGEST else sha256(text.encode()).hexdigest()


def _is_gone(owner: str) -> bool:
    return owner.startswith("/") and not Path(owner).exists()
