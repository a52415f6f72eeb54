"""Ports of gateways that somebody else on this machine listens on, who then gets their connections, or some of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from weft.apps.pipeline import Pipeline
from weft.apps.related import workload_uid
from weft.base.issues import Issue, Ref
from weft.envoy.names import ADMIN_PORT, ANY_ADDRESS, METRICS_PORT, READINESS_PORT
from weft.model import codes
from weft.model.local import Isolation
from weft.node.port_holders import Bind, Holder, other_holders
from weft.sources.local.cluster import LocalCluster
from weft.sources.local.pods import PodRecord

_log: Final = logging.getLogger(__name__)
_PAUSE: Final = 2.0
_OWN: Final = (Bind(ANY_ADDRESS, READINESS_PORT), Bind(ANY_ADDRESS, METRICS_PORT), Bind("127.0.0.1", ADMIN_PORT))
"""Where each Envoy listens in the machine's network, besides its servers' ports (`envoy.bootstrap.local_listeners`)."""

REASON: Final = "PortTaken"

Look = Callable[[Collection[Bind], Iterable[int]], list[Holder]]
"""`node.port_holders.other_holders`, or what stands for it in tests."""


class GatewayPod(Struct, frozen=True):
    """A gateway, and where it shall listen."""

    ref: Ref
    binds: tuple[Bind, ...]


class GatewayPorts:
    """Looks after the ports of all gateways."""

    def __init__(
        self, pipeline: Pipeline, cluster: LocalCluster, isolation: Isolation, look: Look = other_holders
    ) -> None:
        self._mesh = pipeline.mesh
        self._pipeline = pipeline
        self._cluster = cluster
        self._own = () if isolation == "loopback" else _OWN  # there each Envoy has an address of its own
        self._look = look
        self._suspects: dict[Ref, set[Holder]] = {}
        self._found: dict[Ref, list[Holder]] = {}

    async def run(self) -> None:
        """Looks again and again; never ends."""
        while True:
            try:
                await self.look()
            except OSError as error:
                _log.warning("the ports of gateways can't be looked at: %s", error)
            await asyncio.sleep(_PAUSE)

    async def look(self) -> None:
        """Takes note of who listens on ports of gateways now."""
        gateways, own = self._gateways(), self._processes()
        found = await asyncio.to_thread(self._holders, gateways, own)
        # An Envoy that was just started is not known to be ours yet: so only who is met twice is somebody else.
        sure = {ref: [each for each in held if each in self._suspects.get(ref, ())] for ref, held in found.items()}
        self._suspects = {ref: set(held) for ref, held in found.items()}
        self._note({ref: held for ref, held in sure.items() if held})

    def issues(self) -> Iterator[Issue]:
        """What is wrong with ports of gateways."""
        for ref, held in self._found.items():
            for holder in held:
                effect = "connections may come there instead of to the gateway"
                port = holder.bind.port
                advice = f"end it, or take another port; `ss -ltnp sport = :{port}` shows who listens"
                yield Issue(codes.PORT_TAKEN, "error", ref, "", _told(holder), effect, advice)

    def _gateways(self) -> list[GatewayPod]:
        records = (r for r in self._cluster.pods.records() if r.deleted is None and r.injected == "gateway")
        return [GatewayPod(record.ref, (*self._own, *self._servers(record))) for record in records]

    def _servers(self, record: PodRecord) -> Iterator[Bind]:
        workload = self._mesh.inventory.workload(workload_uid(self._pipeline, record.namespace, record.name))
        for each in self._mesh.gateway_listeners(self._mesh.key(workload, "edge")) if workload is not None else ():
            yield from (Bind(address, each.port) for address in (each.bind or ANY_ADDRESS, *each.also))

    def _processes(self) -> list[int]:
        """All Envoys of gateways, those that are ending too: while one takes another's place they share their ports."""
        gateways = (record for record in self._cluster.pods.records() if record.injected == "gateway")
        reports = (self._cluster.pods.report(record.uid) for record in gateways)
        proxies = (report.proxy for report in reports if report is not None)
        return [proxy.pid for proxy in proxies if proxy is not None and proxy.pid is not None]

    def _holders(self, gateways: Sequence[GatewayPod], own: Sequence[int]) -> dict[Ref, list[Holder]]:
        return {gateway.ref: self._look(gateway.binds, own) for gateway in gateways}

    def _note(self, found: Mapping[Ref, list[Holder]]) -> None:
        for ref, held in found.items():
            for holder in held:
                if holder not in self._found.get(ref, ()):
                    self._cluster.events.add(ref, REASON, _told(holder), "Warning")
        self._found = dict(found)


def _told(holder: Holder) -> str:
    return f"{holder} listens on {holder.bind.address}:{holder.bind.port}, which is a port of this gateway"
