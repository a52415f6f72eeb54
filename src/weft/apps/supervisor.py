"""`weft up`: makes the mesh's network, keeps controller and node running, and takes everything down at its end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from weft.apps.children import Child, Keeper
from weft.apps.claim import claimed, clear, maker, running_pid
from weft.base.places import Places
from weft.node.addresses import MeshNetwork
from weft.node.agent import make_network
from weft.node.envoy import find_envoy
from weft.node.settings import node_settings
from weft.node.teardown import remove_everything

_STOP_WAIT: Final = 60.0


class UpOptions(Struct, frozen=True, kw_only=True):
    """What to run. `certificate_seconds` is the lifetime of workloads' certificates; None leaves the default. With
    `keep` pods and state outlive us, as if we had been killed."""

    places: Places
    folder: Path
    recursive: bool = False
    envoy: Path | None = None
    certificate_seconds: int | None = None
    gateway_address: str = "127.0.0.1"
    keep: bool = False


async def keep_mesh(options: UpOptions, meanwhile: Callable[[], Awaitable[int]]) -> int:
    """Claims a mesh and runs it as `run_claimed` does.

    Raises MeshRunningError or ForeignFolderError, and what `run_claimed` raises.
    """
    with claimed(options.places, "up"):
        return await run_claimed(options, meanwhile)


async def run_claimed(options: UpOptions, meanwhile: Callable[[], Awaitable[int]]) -> int:
    """Runs a mesh while `meanwhile` runs, or until SIGTERM or SIGINT, then removes it; returns what that returned.

    The claim on the mesh must be held. Raises NoEnvoyError, or what `make_network` raises, where this machine can't run
    a mesh.
    """
    settings = node_settings(options.places, options.envoy)
    find_envoy(settings.envoy, settings.search_path)
    keeper = Keeper()
    try:
        network = await make_network(settings)
        keeper.start(_controller(options, network))
        keeper.start(_node(options))
        return await _until_signal(meanwhile)
    finally:
        await keeper.stop()
        if not options.keep:
            await remove_claimed(options.places)


async def remove_claimed(places: Places) -> None:
    """Stops what is left of a mesh's pods, and removes its network and its state. The claim must be held."""
    await remove_everything(node_settings(places))
    clear(places)


async def stop_mesh(places: Places) -> bool:
    """Ends a mesh: asks the process that keeps it, and cleans up what it left. False if there is none.

    Raises TimeoutError if the process does not end, ForeignFolderError.
    """
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


def _controller(options: UpOptions, network: MeshNetwork) -> Child:
    lifetime = options.certificate_seconds
    command = (
        *_weft(options.places, "controller"),
        *("--folder", str(options.folder), "--namespace", network.namespace, "--pod-cidr", str(network.cidr)),
        *("--gateway-address", options.gateway_address),
        *(("--recursive",) if options.recursive else ()),
        *(("--certificate-seconds", str(lifetime)) if lifetime is not None else ()),
    )
    return Child("controller", command, options.places.state / "logs" / "controller.log")


def _node(options: UpOptions) -> Child:
    envoy = ("--envoy", str(options.envoy)) if options.envoy is not None else ()
    return Child("node", (*_weft(options.places, "node"), *envoy), options.places.state / "logs" / "node.log")


def _weft(places: Places, command: str) -> tuple[str, ...]:
    place = ("--mesh", places.mesh, "--state-dir", str(places.state))
    return (sys.executable, "-m", "weft.apps.main", command, *place, "--parent", str(os.getpid()))


async def _until_signal(meanwhile: Callable[[], Awaitable[int]]) -> int:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    work = asyncio.ensure_future(meanwhile())
    stop = asyncio.create_task(ended.wait())
    try:
        await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else 0
    finally:
        for task in (work, stop):
            task.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)
