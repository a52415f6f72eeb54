"""The end of a mesh on this machine: afterwards nothing of it is left."""

import asyncio
import logging
import re
import shutil
from typing import Final

from weft.node.hub import hub_name, remove_network
from weft.node.lock import locked
from weft.node.namespaces import PINS
from weft.node.podnet import remove_pod_network
from weft.node.remains import end_processes, marked_processes
from weft.node.settings import NodeSettings
from weft.node.state import StateFolder
from weft.node.tools import find_tools

_log: Final = logging.getLogger(__name__)


async def remove_everything(settings: NodeSettings) -> None:
    """Ends all processes of the mesh's pods and removes namespaces, links and the node's files.

    Works from whatever is left, and may be repeated. Raises NodeRunningError while a node process keeps the pods,
    ToolError or OSError if something can't be removed.
    """
    tools = find_tools(settings.search_path)
    state = StateFolder(settings.state)
    hub = hub_name(settings.mesh)
    state.create()
    with locked(state.lock):
        await end_processes(marked_processes(hub))
        identifiers = {folder.root.name for folder in state.pods()} | _pinned_pods(hub)
        await asyncio.gather(*(remove_pod_network(hub, identifier, tools) for identifier in identifiers))
        await remove_network(settings, tools)
        shutil.rmtree(settings.state)
    _log.info("mesh %s is gone", settings.mesh)


def _pinned_pods(hub: str) -> set[str]:
    """Pods that have a namespace, even if their files are gone."""
    if not PINS.is_dir():
        return set()
    pattern = re.compile(rf"{re.escape(hub)}-([0-9a-f]{{10}})")
    return {match[1] for path in PINS.iterdir() if (match := pattern.fullmatch(path.name))}
