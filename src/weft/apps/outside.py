"""What `weft up` does without root: all of the mesh runs in namespaces of the user's own; outside of them are this
process, which keeps the two others alive, and the forwarder.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable

from weft.apps.children import Keeper
from weft.apps.endings import until_signal
from weft.apps.mesh_children import forwarder_child, inside_child
from weft.apps.up_options import UpOptions
from weft.node.holder import Namespaces, enter
from weft.node.lock import locked
from weft.node.processes import Running
from weft.node.settings import NodeSettings, node_settings
from weft.node.state import StateFolder
from weft.node.tools import find_tools


async def keep_outside(options: UpOptions, meanwhile: Callable[[], Awaitable[int]]) -> int:
    """Runs a mesh while `meanwhile` runs, or until a signal; its namespaces and what runs in there stay.

    Raises ToolError where namespaces or the network in them can't be made.
    """
    settings = node_settings(options.places, options.envoy)
    tools = find_tools(settings.search_path, userns=True)
    holding = _Holding(Namespaces(settings))
    await holding.begin()
    async with Keeper({"WEFT_PROCESS": f"{settings.mark}/weft"}) as keeper:
        keeper.start(inside_child(options, lambda: tuple(enter(holding.pid, tools))))
        keeper.start(forwarder_child(options))
        watching = asyncio.create_task(holding.keep())
        try:
            return await until_signal(meanwhile(), keeper.failure)
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching


async def remove_outside(settings: NodeSettings) -> None:
    """Ends all that runs in the namespaces, and removes the node's files. Networks end with their processes.

    Raises NodeRunningError.
    """
    state = StateFolder(settings.state)
    await Namespaces(settings).end_members()
    state.create()
    with locked(state.lock):
        shutil.rmtree(settings.state)


class _Holding:
    """The holder of the namespaces, and another one if it is killed."""

    def __init__(self, namespaces: Namespaces) -> None:
        self._namespaces = namespaces
        self._holder: Running | None = None

    @property
    def pid(self) -> int:
        """The holder's process id."""
        assert self._holder is not None, "begin comes first"
        return self._holder.record.pid

    async def begin(self) -> None:
        """Finds or starts the holder. Raises ToolError."""
        self._holder = await self._namespaces.hold()

    async def keep(self) -> None:
        """Puts another one in its place when it ends; never ends."""
        while self._holder is not None:
            await self._holder.wait()
            await self.begin()
