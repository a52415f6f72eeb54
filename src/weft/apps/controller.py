"""`weft controller`: watches the folder, compiles it, serves proxies, the node and the command line."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

from weft.apps.assembly import PodRanges, assemble, base_settings
from weft.apps.authority import Identity
from weft.apps.bootstraps import MONITORING_PORT, XDS_PORT, ProxyBootstraps
from weft.apps.endings import signals_call
from weft.apps.garbage import undisturbed
from weft.apps.pipeline import all_kinds
from weft.apps.serving_limits import ServingLimits
from weft.apps.state import ControllerParts, ControllerState
from weft.base.families import host_port
from weft.base.places import Places
from weft.model.local import Isolation, proxy_mark
from weft.node.addresses import MeshNetwork
from weft.node.namespaces import NamespaceThread, pin
from weft.serve.callers import Pod
from weft.serve.http.app import create_app
from weft.serve.http.monitor import MonitorServer
from weft.serve.http.server import serving
from weft.serve.transport import SecureServer
from weft.sources.directory.ahead import ReadAhead
from weft.sources.directory.limits import Limits
from weft.sources.directory.source import DirectorySource
from weft.sources.directory.watch import follow
from weft.sources.state import StateStore

_log: Final = logging.getLogger(__name__)
_HOUSEKEEPING: Final = 30.0
_GRACE: Final = 5.0
_CONFIG_MAP: Final = "ConfigMap"
_LOOK: Final = 0.5


class ControllerOptions(Struct, frozen=True, kw_only=True):
    """What a controller is told. It listens for proxies in the hub's namespace of the `network`, if it has one, at its
    gateway's primary address."""

    places: Places
    folder: Path
    recursive: bool
    network: MeshNetwork
    isolation: Isolation = "netns"
    gateway_addresses: tuple[str, ...] = ()
    certificate_lifetime: timedelta = timedelta(hours=24)
    limits: ServingLimits = ServingLimits()


async def run_controller(options: ControllerOptions, ahead: ReadAhead) -> None:
    """Serves until SIGTERM or SIGINT. What it knows is in the state folder: the next one goes on from there. `ahead` is
    what was read of the folder already."""
    folder = options.places.state / "controller"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tables = StateStore(folder / "state.db")
    with undisturbed():
        state, identity, source = await _load(options, folder, tables, ahead)
    try:
        await _serve(options, state, identity, source)
    finally:
        tables.close()


async def _load(
    options: ControllerOptions, folder: Path, tables: StateStore, ahead: ReadAhead
) -> tuple[ControllerState, Identity, DirectorySource]:
    """A controller that knows its folder, and serves nobody yet."""
    kinds = all_kinds()
    limits = Limits(recursive=options.recursive)
    source = DirectorySource(options.folder, kinds, tables, limits=limits, ahead=ahead)
    assembly = assemble(
        kinds,
        source,
        tables,
        settings=base_settings(options.gateway_addresses, options.isolation),
        pods=PodRanges.of(options.network),
        clock=time.time,
    )
    pipeline = assembly.pipeline
    lookup = _PodLookup()
    with closing(ahead):
        found = await asyncio.to_thread(source.scan)
    for ref, value in found.upserts.items():
        if ref.kind == _CONFIG_MAP:  # the mesh's own settings name the trust domain that identities are made for
            pipeline.objects.set(ref, value)
    settings = pipeline.settings.get(None)
    identity = Identity(
        folder,
        options.places.mesh,
        settings.trust_domain.name,
        lookup.pod,
        lifetime=options.certificate_lifetime,
    )
    parts = ControllerParts(
        mesh=options.places.mesh,
        folder=str(options.folder),
        kinds=kinds,
        pipeline=pipeline,
        cluster=assembly.cluster,
        identity=identity,
        bootstraps=ProxyBootstraps(settings, str(options.network.gateway), XDS_PORT, proxy_mark(options.isolation)),
        isolation=options.isolation,
        limits=options.limits,
    )
    state = ControllerState(parts)
    lookup.state = state
    state.take_files(found)
    return state, identity, source


class _PodLookup:
    """Tells pods to the token reviewer, which is made before the state that knows them."""

    def __init__(self) -> None:
        self.state: ControllerState | None = None

    def pod(self, uid: str) -> Pod | None:
        return self.state.pod(uid) if self.state is not None else None


async def _serve(
    options: ControllerOptions, state: ControllerState, identity: Identity, source: DirectorySource
) -> None:
    server = SecureServer(state.discovery.methods(), options.limits.server)
    gateway = options.network.gateway
    certificate = identity.serving((str(gateway),))
    threads = NamespaceThread()
    address = host_port(str(gateway), XDS_PORT)
    namespace = pin(options.network.namespace) if options.network.namespace else None
    await threads.call(namespace, lambda: server.listen(address, certificate.context))
    state.observation.ask_server(server, options.limits.server)
    monitor = MonitorServer(state.metrics)
    await threads.call(namespace, lambda: listen_if_free(monitor, host_port(str(gateway), MONITORING_PORT)))
    ended = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.enter_context(signals_call(ended.set))
        stack.callback(threads.close)
        await server.start()
        stack.push_async_callback(_stop, server, state)
        await stack.enter_async_context(
            serving(create_app(state, state, state, state), options.places.controller_socket)
        )
        stack.callback(state.end)
        monitor.start()
        stack.callback(monitor.close)
        _log.info("controller of mesh %s serves %s", options.places.mesh, options.folder)
        work = [
            asyncio.create_task(follow(source, state.take_files)),
            asyncio.create_task(state.pushes.run()),
            asyncio.create_task(identity.secrets.run()),
            asyncio.create_task(_keep_time(state)),
            asyncio.create_task(state.gateway_ports.run()),
        ]
        stop = asyncio.create_task(ended.wait())
        done, _ = await asyncio.wait((*work, stop), return_when=asyncio.FIRST_COMPLETED)
        for task in (*work, stop):
            task.cancel()
        for task in done - {stop}:
            task.result()


def listen_if_free(monitor: MonitorServer, address: str) -> None:
    """Opens the monitoring port. If others have taken it, a mesh goes on without; this is said in the log."""
    try:
        monitor.listen(address)
    except OSError as error:
        _log.warning("metrics are on the API's socket only: %s", error)


async def _stop(server: SecureServer, state: ControllerState) -> None:
    """Takes no more streams, and ends those that are open before gRPC would cancel them."""
    stopping = asyncio.create_task(server.stop(_GRACE))
    await asyncio.sleep(0)
    state.registry.close_all()
    await stopping


async def _keep_time(state: ControllerState) -> None:
    """Does what is due although nothing changed: soon while pods are ending, else from time to time."""
    last = time.monotonic()
    while True:
        await asyncio.sleep(_LOOK)
        if state.unsettled or time.monotonic() - last > _HOUSEKEEPING:
            last = time.monotonic()
            state.tick()
