"""`weft up`: makes the mesh's network, keeps controller and node running, and takes everything down at its end."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import structs

from weft.apps.children import Keeper
from weft.apps.claim import claimed, clear, maker, running_pid
from weft.apps.endings import until_signal
from weft.apps.mesh_children import controller_child, node_child
from weft.apps.outside import keep_outside, remove_outside
from weft.apps.up_options import UpOptions
from weft.base.places import Places
from weft.node.agent import make_network
from weft.node.envoy import find_envoy
from weft.node.hub import require_same_families
from weft.node.ownership import require_own_network
from weft.node.settings import node_settings, store_isolation
from weft.node.teardown import remove_everything

_STOP_WAIT: Final = 60.0


async def keep_mesh(options: UpOptions, meanwhile: Callable[[], Awaitable[int]]) -> int:
    """Claims a mesh and runs it as `run_claimed` does.

    Raises MeshRunningError or ForeignFolderError, and what `run_claimed` raises.
    """
    with claimed(options.places, "up"):
        return await run_claimed(options, meanwhile)


async def run_claimed(options: UpOptions, meanwhile: Callable[[], Awaitable[int]]) -> int:
    """Runs a mesh while `meanwhile` runs, or until SIGTERM or SIGINT, then removes it; returns what that returned.

    The claim on the mesh must be held. Raises NoEnvoyError, FamiliesError, ForeignMeshError, or what `make_network`
    raises, where this machine can't run a mesh.
    """
    settings = node_settings(options.places, options.envoy, options.families)
    find_envoy(settings.envoy, settings.search_path)
    require_same_families(settings)
    await require_own_network(structs.replace(settings, isolation=options.isolation))
    store_isolation(options.places, options.isolation)
    try:
        return await (keep_outside if options.isolation == "userns" else keep_inside)(options, meanwhile)
    finally:
        if not options.keep:
            await remove_claimed(options.places)


async def keep_inside(options: UpOptions, meanwhile: Callable[[], Awaitable[int]]) -> int:
    """Runs a mesh in the namespaces that we are in; its pods and its network stay. Raises what `make_network` does."""
    settings = node_settings(options.places, options.envoy, options.families)
    async with Keeper() as keeper:
        network = await make_network(settings)
        keeper.start(controller_child(options, network))
        keeper.start(node_child(options))
        return await until_signal(meanwhile())


async def remove_claimed(places: Places) -> None:
    """Stops what is left of a mesh's pods, and removes its network and its state. The claim must be held."""
    settings = node_settings(places)
    await (remove_outside if settings.isolation == "userns" else remove_everything)(settings)
    clear(places)


async def stop_mesh(places: Places) -> bool:
    """Ends a mesh: asks the process that keeps it, and cleans up what it left. False if there is none.

    Raises TimeoutError if the process does not end, ForeignFolderError, ForeignMeshError.
    """
    await require_own_network(node_settings(places))
    pid = running_pid(places)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        await _ended(places, pid)
    there = pid is not None or places.state.exists()
    with claimed(places, maker(places) or "down"):
        await remove_claimed(places)
    return there


async def _ended(places: Places, pid: int) -> None:
    end = time.monotonic() + _STOP_WAIT
    while running_pid(places) is not None:
        if time.monotonic() > end:
            raise TimeoutError(f"process {pid} does not end; kill it and run `weft down` again")
        await asyncio.sleep(0.1)
