"""The processes of one pod, run together: Envoy with its credentials, and the containers."""

import asyncio
import contextlib
from collections.abc import Callable

from weft.base.families import LOOPBACK
from weft.model.local import ContainerOrder, PodOrder
from weft.node.admin import EnvoyAdmin
from weft.node.checks import PodChecker, RunCommand
from weft.node.draining import drain
from weft.node.execute import run_quietly
from weft.node.keeper import CredentialKeeper
from weft.node.launch import LaunchError
from weft.node.lifecycle import UnitRecord
from weft.node.parts import NodeParts
from weft.node.reports import is_done
from weft.node.sandbox import Sandbox
from weft.node.specs import PROXY_NAME, container_spec, proxy_spec
from weft.node.unit import Unit, UnitTools


class Crew:
    """All processes of a pod. Making it adopts those that a former node started."""

    def __init__(self, order: PodOrder, sandbox: Sandbox, parts: NodeParts, changed: Callable[[], None]) -> None:
        self._order = order
        self._sandbox = sandbox
        self._parts = parts
        self._report = changed
        self._done = asyncio.Event()
        self._may_begin = asyncio.Event()
        self._containers: dict[str, Unit] = {}
        self._assembled = False
        self.keeper = _keeper(order, sandbox, parts)
        self._proxy = self._make_proxy()
        for container in order.containers:
            self._containers[container.name] = self._make_container(container)
        self._assembled = True
        self._follow_on()

    @property
    def proxy(self) -> UnitRecord | None:
        """How Envoy is."""
        return self._proxy.record if self._proxy else None

    @property
    def containers(self) -> dict[str, UnitRecord]:
        """How the containers are, in the order of the pod."""
        return {name: unit.record for name, unit in self._containers.items()}

    def change(self, order: PodOrder) -> None:
        """Takes a changed order of the same pod, with the same containers."""
        self._order = order
        place = self._sandbox.place
        for container in order.containers:
            self._containers[container.name].change(container_spec(order, container, place))
        if self._proxy and order.proxy:
            self._proxy.change(proxy_spec(order, order.proxy, place))

    async def run(self) -> None:
        """Keeps all processes until cancelled; then they go on by themselves."""
        async with asyncio.TaskGroup() as group:
            for unit in self._containers.values():
                group.create_task(unit.run())
            if self._proxy:
                group.create_task(self._run_proxy(self._proxy))
            if self.keeper:
                group.create_task(self.keeper.run())

    async def stop(self) -> None:
        """Ends all processes: clients are sent away, then the containers end while Envoy still serves them, then
        Envoy. `run` must have been cancelled before."""
        proxy = self._order.proxy
        if proxy and self.proxy and self.proxy.state == "running":
            await drain(EnvoyAdmin(self._sandbox.place.admin_socket), proxy)
        await asyncio.gather(*(unit.stop() for unit in self._containers.values()))
        if self._proxy:
            await self._proxy.stop()

    async def kill(self) -> None:
        """Ends all processes at once."""
        units = [*self._containers.values(), *([self._proxy] if self._proxy else [])]
        await asyncio.gather(*(unit.stop(0) for unit in units))

    async def _run_proxy(self, proxy: Unit) -> None:
        """Keeps Envoy as long as there is a container that it serves, as a native sidecar."""
        if not self._done.is_set():
            running = asyncio.ensure_future(proxy.run())
            finished = asyncio.ensure_future(self._done.wait())
            try:
                await asyncio.wait([running, finished], return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    running.result()
            finally:
                finished.cancel()
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await running
        await proxy.stop()

    def _changed(self) -> None:
        if self._assembled:
            self._follow_on()
            self._report()

    def _follow_on(self) -> None:
        """What the state of one process begins or ends for another one."""
        proxy = self._order.proxy
        if proxy is None or not proxy.hold_application or (self.proxy and self.proxy.ready):
            self._may_begin.set()
        if is_done(self.containers):
            self._done.set()

    def _make_proxy(self) -> Unit | None:
        if self._order.proxy is None or self.keeper is None:
            return None
        folder = self._sandbox.folder
        spec = proxy_spec(self._order, self._order.proxy, self._sandbox.place)
        tools = self._tools(self.keeper.present, None)
        return Unit(spec, folder.proxy_record, folder.log(PROXY_NAME), tools)

    def _make_container(self, container: ContainerOrder) -> Unit:
        folder = self._sandbox.folder
        spec = container_spec(self._order, container, self._sandbox.place)
        tools = self._tools(self._may_begin, self._command_runner(container.name))
        return Unit(spec, folder.container_record(container.name), folder.log(container.name), tools)

    def _tools(self, begin: asyncio.Event, run_command: RunCommand | None) -> UnitTools:
        parts, order = self._parts, self._order
        checker = PodChecker(parts.threads, self._sandbox.namespace, order.address or LOOPBACK["IPv4"], run_command)
        return UnitTools(parts.launcher, checker, parts.settings.backoff, begin, self._changed)

    def _command_runner(self, name: str) -> RunCommand:
        async def run(command: tuple[str, ...]) -> int:
            unit = self._containers[name]
            process, launch = unit.record.process, unit.launch
            if process is None or launch is None:
                raise OSError(f"container {name} does not run")
            try:
                vector = self._parts.means.chain.execute(process, launch, command)
            except LaunchError as error:
                raise OSError(str(error)) from error
            return await run_quietly(vector)

        return run


def _keeper(order: PodOrder, sandbox: Sandbox, parts: NodeParts) -> CredentialKeeper | None:
    if order.proxy is None:
        return None
    owner = order.proxy.user if parts.means.only_user is None else None
    return CredentialKeeper(order.uid, sandbox.folder, owner, parts.controller)
