"""What all pods of a node share."""

from pathlib import Path

from msgspec import Struct

from weft.node.addresses import MeshNetwork
from weft.node.controller import Controller
from weft.node.means import Means
from weft.node.names import Names
from weft.node.namespaces import NamespaceThread
from weft.node.settings import NodeSettings
from weft.node.spawn import Launcher
from weft.node.state import StateFolder


class NodeParts(Struct, frozen=True, kw_only=True):
    """The means and places of one node; `envoy` is a binary that every user may run."""

    settings: NodeSettings
    state: StateFolder
    means: Means
    threads: NamespaceThread
    network: MeshNetwork
    launcher: Launcher
    names: Names
    controller: Controller
    envoy: Path

    @property
    def hidden(self) -> Path:
        """The folder that no application may see."""
        return self.settings.hidden or self.settings.state
