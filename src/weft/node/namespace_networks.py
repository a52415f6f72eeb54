"""Networks of namespaces, one for each pod and one for the hub between them."""

import re

from weft.node.addresses import MeshNetwork
from weft.node.hub import hub_name, prepare_network, remove_network
from weft.node.namespaces import PINS, NamespaceThread
from weft.node.ownership import note_owner
from weft.node.podnet import PodNetwork, remove_pod_network
from weft.node.settings import NodeSettings
from weft.node.tools import Tools


class NamespaceNetworks:
    """Implements `networks.Networks`."""

    def __init__(self, settings: NodeSettings, tools: Tools, threads: NamespaceThread) -> None:
        self._settings = settings
        self._tools = tools
        self._threads = threads
        self._hub = hub_name(settings.mesh)

    async def prepare(self) -> MeshNetwork:
        """As in `Networks`."""
        network = await prepare_network(self._settings, self._tools, self._threads)
        await note_owner(self._settings, self._tools)
        return network

    def of_pod(self, network: MeshNetwork, identifier: str) -> PodNetwork:
        """As in `Networks`."""
        return PodNetwork(network, identifier, self._tools, self._threads)

    def remaining(self) -> set[str]:
        """As in `Networks`."""
        if not PINS.is_dir():
            return set()
        pattern = re.compile(rf"{re.escape(self._hub)}-([0-9a-f]{{10}})")
        return {match[1] for path in PINS.iterdir() if (match := pattern.fullmatch(path.name))}

    async def remove_pod(self, identifier: str) -> None:
        """As in `Networks`."""
        await remove_pod_network(self._hub, identifier, self._tools)

    async def remove(self) -> None:
        """As in `Networks`."""
        await remove_network(self._settings, self._tools)
