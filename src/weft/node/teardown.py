"""The end of a mesh on this machine: afterwards nothing of it is left."""

import asyncio
import logging
import shutil
from typing import Final

from weft.node.lock import locked
from weft.node.means import Means, means_of
from weft.node.namespaces import NamespaceThread
from weft.node.remains import end_processes, marked_processes
from weft.node.settings import NodeSettings
from weft.node.state import StateFolder

_log: Final = logging.getLogger(__name__)


async def remove_everything(settings: NodeSettings) -> None:
    """Ends all processes of the mesh's pods and removes namespaces, links and the node's files.

    Works from whatever is left, and may be repeated. Raises NodeRunningError while a node process keeps the pods,
    ToolError or OSError if something can't be removed.
    """
    threads = NamespaceThread()
    try:
        await _remove(settings, means_of(settings, threads))
    finally:
        threads.close()
    _log.info("mesh %s is gone", settings.mesh)


async def _remove(settings: NodeSettings, means: Means) -> None:
    state = StateFolder(settings.state)
    state.create()
    with locked(state.lock):
        await end_processes(marked_processes(means.recognize))
        identifiers = {folder.root.name for folder in state.pods()} | means.networks.remaining()
        await asyncio.gather(*(means.networks.remove_pod(identifier) for identifier in identifiers))
        await means.networks.remove()
        shutil.rmtree(settings.state)
