"""One pod: its network and rules, then its Envoy, then its containers; and their end in reverse.

Each pod has a worker of its own, so that what goes wrong in one stays there. All that a worker does may be repeated:
one that fails tries again, and what was under way when a node was killed is taken up by the next.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from weft.model.local import PodOrder, PodReport
from weft.node.backoff import retry_pauses
from weft.node.crew import Crew
from weft.node.parts import NodeParts
from weft.node.reports import pod_report
from weft.node.sandbox import Sandbox
from weft.node.tools import ToolError
from weft.node.waiting import wait_at_most

_log: Final = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0

SANDBOX_FAILED: Final = "FailedCreatePodSandBox"
TERMINATING: Final = "Terminating"
REMOVED: Final = "Removed"


class PodWorker:
    """Brings about what one pod's order says. `changed` is called whenever there is something new to report."""

    def __init__(self, order: PodOrder, parts: NodeParts, changed: Callable[[], None]) -> None:
        self._order = order
        self._parts = parts
        self._changed = changed
        self._sandbox = Sandbox(order, parts)
        self._crew: Crew | None = None
        self._services = ""
        self._trust_revision = 0
        self._wake = asyncio.Event()
        self._reason, self._message = "", ""

    @property
    def order(self) -> PodOrder:
        """The order that it was told last."""
        return self._order

    @property
    def report(self) -> PodReport | None:
        """How the pod is; None as long as nobody has looked at what a former node left."""
        if self._crew is None and not self._reason:
            return None
        return pod_report(
            self._order.uid,
            self._crew.containers if self._crew else {},
            self._crew.proxy if self._crew else None,
            created=self._sandbox.record.created,
            reason=self._reason,
            message=self._message,
        )

    def change(self, order: PodOrder) -> None:
        """Takes a changed order of this pod."""
        if order != self._order:
            self._order = order
            self._wake.set()

    def surroundings(self, services: str, trust_revision: int) -> None:
        """Says which table of virtual addresses (input of `nft -f`) and which revision of trust are in force."""
        self._trust_revision = trust_revision
        if self._crew and self._crew.keeper:
            self._crew.keeper.trust(trust_revision)
        if services != self._services:
            self._services = services
            self._wake.set()

    async def run(self) -> None:
        """Keeps the pod until cancelled; then its processes go on by themselves."""
        pauses = retry_pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
        while True:
            self._wake.clear()
            try:
                await self._live()
            except (ToolError, OSError, ValueError) as error:
                self._fail(str(error))
            except Exception as error:  # noqa: BLE001 - it is in the log, and stays in this pod
                self._fail(f"{type(error).__name__}: {error}")
                _log.exception("this is an error in Weft itself")
            await wait_at_most(next(pauses), self._wake)

    async def remove(self) -> None:
        """Ends and removes the pod. `run` must have been cancelled before. May be called again if it fails."""
        self._note(TERMINATING, "")
        with contextlib.suppress(ValueError):  # a pod with a name that can't be never had a process
            await self._muster().stop()
        await self._sandbox.remove_network()
        self._note(REMOVED, "")
        self._sandbox.remove_files()

    async def _live(self) -> None:
        self._sandbox.write_files(self._order)
        crew = self._muster()
        if not self._sandbox.is_whole:
            await crew.kill()
            await self._sandbox.create()
            await self._sandbox.apply(self._services)
        self._note("", "")
        self._wake.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(crew.run())
            group.create_task(self._keep_up(crew))

    async def _keep_up(self, crew: Crew) -> None:
        """Follows the order and the surroundings. If it can't, what runs goes on as it is, and it tries again."""
        pauses = retry_pauses(_FIRST_PAUSE, _LONGEST_PAUSE)
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                if self._order != self._sandbox.record.order:
                    self._sandbox.write_files(self._order)
                    crew.change(self._order)
                await self._sandbox.apply(self._services)
            except (ToolError, ValueError, OSError) as error:
                _log.warning("pod %s/%s can't be changed: %s", self._order.namespace, self._order.name, error)
                self._wake.set()
                await asyncio.sleep(next(pauses))

    def _muster(self) -> Crew:
        """The pod's processes: those that a former node started, and those to start."""
        if self._crew is None:
            self._crew = Crew(self._order, self._sandbox, self._parts, self._changed)
            if self._crew.keeper:
                self._crew.keeper.trust(self._trust_revision)
            self._changed()
        return self._crew

    def _fail(self, message: str) -> None:
        _log.warning("pod %s/%s: %s", self._order.namespace, self._order.name, message)
        self._note(SANDBOX_FAILED, message)

    def _note(self, reason: str, message: str) -> None:
        if (reason, message) != (self._reason, self._message):
            self._reason, self._message = reason, message
            self._changed()
