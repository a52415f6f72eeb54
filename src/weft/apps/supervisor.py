"""`weft up`: makes the mesh's network, keeps controller and node running, and takes everything down at its end."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from weft.apps.children import Child, Keeper
from weft.base.places import Places
from weft.node.addresses import MeshNetwork
from weft.node.agent import make_network
from weft.node.settings import DEFAULT_SEARCH_PATH, NodeSettings
from weft.node.teardown import remove_everything

_log: Final = logging.getLogger(__name__)
_STOP_WAIT: Final = 60.0


class MeshRunningError(Exception):
    """Another process keeps this mesh."""


class UpOptions(Struct, frozen=True, kw_only=True):
    """What to run. `certificate_seconds` is the lifetime of workloads' certificates; None leaves the default."""

    places: Places
    folder: Path
    recursive: bool = False
    envoy: Path | None = None
    certificate_seconds: int | None = None


def node_settings(places: Places, envoy: Path | None = None) -> NodeSettings:
    """The settings of a mesh's node process.

    Applications find the interpreter that runs Weft before any other: a mesh must not depend on shims in PATH.
    """
    own = str(Path(sys.executable).resolve().parent)
    return NodeSettings(
        mesh=places.mesh,
        state=places.node,
        controller=places.controller_socket,
        hidden=places.state,
        envoy=envoy,
        search_path=f"{own}:{DEFAULT_SEARCH_PATH}",
    )


async def keep_mesh(options: UpOptions, meanwhile: Callable[[], Awaitable[int]]) -> int:
    """Runs a mesh while `meanwhile` runs, or until SIGTERM or SIGINT, then removes it; returns what that returned.

    Raises MeshRunningError, and what `make_network` raises where this machine can't run a mesh.
    """
    places = options.places
    places.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(places.state / "up.pid"):
        settings = node_settings(places, options.envoy)
        network = await make_network(settings)
        keeper = Keeper()
        try:
            keeper.start(_controller(options, network))
            keeper.start(_node(options))
            return await _until_signal(meanwhile)
        finally:
            await keeper.stop()
            await remove_mesh(places)


async def remove_mesh(places: Places) -> None:
    """Stops what is left of a mesh's pods, and removes its network and its state."""
    await remove_everything(node_settings(places))
    shutil.rmtree(places.state, ignore_errors=True)


def running_pid(places: Places) -> int | None:
    """The process that keeps a mesh, None if there is none."""
    try:
        with open(places.state / "up.pid", "rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return int((places.state / "up.pid").read_text())
    except OSError:
        return None
    return None


async def stop_mesh(places: Places) -> bool:
    """Ends a mesh: asks the process that keeps it, or cleans up after one that was killed. False if there is none."""
    pid = running_pid(places)
    if pid is None:
        there = places.state.is_dir()
        await remove_mesh(places)
        return there
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + _STOP_WAIT
    while running_pid(places) is not None:
        if time.monotonic() > end:
            raise TimeoutError(f"process {pid} does not end; kill it and run `weft down` again")
        await asyncio.sleep(0.1)
    return True


def _controller(options: UpOptions, network: MeshNetwork) -> Child:
    lifetime = options.certificate_seconds
    command = (
        *_weft(options.places, "controller"),
        *("--folder", str(options.folder), "--namespace", network.namespace, "--pod-cidr", str(network.cidr)),
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


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process for each mesh; the lock goes with the process, however that ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MeshRunningError("the mesh runs already") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


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
