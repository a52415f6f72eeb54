"""The node process: puts its parts together and keeps them until it is cancelled."""

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from weft.node.addresses import MeshNetwork
from weft.node.backoff import retry_pauses
from weft.node.controller import Controller, ControllerError
from weft.node.envoy import find_envoy, usable_by_others
from weft.node.http_controller import HttpController
from weft.node.kubelet import Kubelet
from weft.node.lock import locked
from weft.node.logs import keep_logs_small
from weft.node.means import means_of
from weft.node.names import Names
from weft.node.namespaces import NamespaceThread
from weft.node.parts import NodeParts
from weft.node.procfs import is_permitted
from weft.node.settings import NodeSettings
from weft.node.spawn import SystemLauncher
from weft.node.specs import CAPABILITY_NUMBERS, PROXY_MARK
from weft.node.state import StateFolder
from weft.node.waiting import wait_at_most

_log: Final = logging.getLogger(__name__)

_MERGE: Final = 0.05
"""Seconds that changes are collected before they are reported together."""
_HEARTBEAT: Final = 10.0
"""Seconds without news after which everything is reported again, should a report have been lost."""
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0


async def run_node(settings: NodeSettings, controller: Controller | None = None) -> None:
    """Keeps the pods that the controller orders. Cancel it to leave: the pods go on, and the next node adopts them.

    `controller` is for tests; by default it is the one behind the unix socket that the settings name. Raises
    MissingToolsError, NoEnvoyError, NoRoomError or NodeRunningError where this machine can't run a node, with what to
    do about it; ToolError or OSError if the mesh's network can't be made.
    """
    state = StateFolder(settings.state)
    state.create()
    threads = NamespaceThread()
    try:
        with locked(state.lock):
            parts = await _prepare(settings, state, threads, controller or HttpController(settings.controller))
            kubelet = Kubelet(parts)
            async with asyncio.TaskGroup() as group:
                group.create_task(kubelet.run())
                group.create_task(_follow_orders(kubelet, parts.controller))
                group.create_task(_report(kubelet, parts.controller))
                group.create_task(keep_logs_small(lambda: _logs(state), settings.logs))
    finally:
        threads.close()


async def make_network(settings: NodeSettings) -> MeshNetwork:
    """Makes the mesh's network before a node runs, so that a controller can be told its addresses and listen there.

    A node that starts later finds it made. Raises what `run_node` raises for it.
    """
    threads = NamespaceThread()
    try:
        return await means_of(settings, threads).networks.prepare()
    finally:
        threads.close()


async def _prepare(
    settings: NodeSettings, state: StateFolder, threads: NamespaceThread, controller: Controller
) -> NodeParts:
    means = means_of(settings, threads)
    envoy = find_envoy(settings.envoy, settings.search_path)
    if means.only_user is None and not is_permitted(CAPABILITY_NUMBERS[PROXY_MARK]):
        _log.warning("applications that run as root can read Envoys' credentials: CAP_BLOCK_SUSPEND is missing here")
    return NodeParts(
        settings=settings,
        state=state,
        means=means,
        threads=threads,
        network=await means.networks.prepare(),
        launcher=SystemLauncher(means.tools, means.chain.start),
        names=Names(state.names, settings.cluster_domain),
        controller=controller,
        envoy=await asyncio.to_thread(usable_by_others, envoy, state.envoy) if means.only_user is None else envoy,
    )


async def _follow_orders(kubelet: Kubelet, controller: Controller) -> None:
    """Orders come once for every connection too: then another controller may ask, who needs to hear of all pods."""
    await kubelet.restored.wait()
    async for orders in controller.orders():
        try:
            kubelet.apply(orders)
        except OSError as error:
            _log.error("orders can't be carried out: %s", error)
        kubelet.tell_everything()


async def _report(kubelet: Kubelet, controller: Controller) -> None:
    """Reports what changes soon, and everything from time to time."""
    pauses = retry_pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
    while True:
        if await wait_at_most(_HEARTBEAT, kubelet.news):
            await asyncio.sleep(_MERGE)
        else:
            kubelet.tell_everything()
        reports = kubelet.take_reports()
        try:
            await controller.report(reports)
            kubelet.acknowledge(reports)
            pauses = retry_pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
        except ControllerError as error:
            _log.debug("reports are kept: %s", error)
            kubelet.give_back(reports)
            await asyncio.sleep(next(pauses))


def _logs(state: StateFolder) -> Iterable[Path]:
    return (path for folder in state.pods() for path in (folder.root / "logs").glob("*.log"))
