"""Brings the pods of this machine to what the controller orders: starts the missing, changes the changed, removes the
rest. Level-triggered: orders come whole, and only the last ones count."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from weft.model.local import HostEntry, NodeOrders, PodOrder, PodReport
from weft.node.backoff import retry_pauses
from weft.node.parts import NodeParts
from weft.node.pod import REMOVED, PodWorker
from weft.node.remains import clear_remains
from weft.node.sandbox import PodRecord
from weft.node.state import read_record, write_record
from weft.redirect.nftables import render_services
from weft.redirect.services import service_plan

_log: Final = logging.getLogger(__name__)

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0


class Kubelet:
    """All pods of this machine."""

    def __init__(self, parts: NodeParts) -> None:
        self._parts = parts
        self._orders: NodeOrders | None = None
        self._workers: dict[str, PodWorker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leaving: set[str] = set()
        self._services = ""
        self._unsent: dict[str, PodReport] = {}
        self.restored = asyncio.Event()
        """Set once the pods of a former node are known; orders may be applied only then."""
        self.news = asyncio.Event()
        """Set when there is something to report."""

    async def run(self) -> None:
        """Goes on with the pods of a former node, then keeps all pods until cancelled; their processes go on."""
        try:
            await self._restore()
            self.restored.set()
            await asyncio.Event().wait()
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def apply(self, orders: NodeOrders) -> None:
        """Takes new orders, which replace the former ones. Raises OSError if they can't be written down."""
        if orders != self._orders:
            write_record(self._parts.state.orders, orders, durable=True)
            self._follow(orders)

    def tell_everything(self) -> None:
        """Makes news of how every pod is: for a controller that may know nothing."""
        self._unsent |= {uid: report for uid, worker in self._workers.items() if (report := worker.report)}
        self.news.set()

    def take_reports(self) -> list[PodReport]:
        """What was not reported yet."""
        reports, self._unsent = list(self._unsent.values()), {}
        self.news.clear()
        return reports

    def acknowledge(self, reports: Iterable[PodReport]) -> None:
        """Reports that did arrive: the last one of a pod need not be kept any longer."""
        for report in reports:
            if report.reason == REMOVED:
                self._parts.state.removal(report.uid).unlink(missing_ok=True)

    def give_back(self, reports: Iterable[PodReport]) -> None:
        """Reports that did not arrive: they are given out again, unless there are newer ones."""
        self._unsent = {report.uid: report for report in reports} | self._unsent
        self.news.set()

    async def _restore(self) -> None:
        """Finds what a former node left. Without its last orders everything found goes on as it is."""
        for folder in self._parts.state.pods():
            record = read_record(folder.record, PodRecord)
            if record is None:
                await clear_remains(folder, self._parts.means.networks)
            else:
                self._start(record.order)
        removed = (read_record(path, PodReport) for path in self._parts.state.removals())
        self._unsent |= {report.uid: report for report in removed if report}
        orders = read_record(self._parts.state.orders, NodeOrders)
        if orders is not None:
            self._follow(orders)

    def _follow(self, orders: NodeOrders) -> None:
        """Makes names and tables what these orders say, then every pod."""
        former, self._orders = self._orders, orders
        self._write_names(orders)
        if former is None or former.services != orders.services:
            try:
                self._services = render_services(service_plan(orders.services), self._parts.network.families)
            except ValueError:
                _log.exception("virtual addresses stay as they were")
        self._reconcile(orders)

    def _reconcile(self, orders: NodeOrders) -> None:
        wanted = {order.uid: order for order in orders.pods}
        for uid, order in wanted.items():
            worker = self._workers.get(uid)
            if worker is None:
                self._start(order)
            elif uid not in self._leaving and must_be_new(worker.order, order):
                self._leave(uid)
            elif uid not in self._leaving:
                worker.change(order)
        for uid in self._workers.keys() - wanted.keys() - self._leaving:
            self._leave(uid)
        for worker in self._workers.values():
            worker.surroundings(self._services, orders.trust_revision)

    def _start(self, order: PodOrder) -> None:
        uid = order.uid
        worker = PodWorker(order, self._parts, lambda: self._changed(uid))
        self._workers[uid] = worker
        self._tasks[uid] = asyncio.create_task(worker.run(), name=f"pod {order.namespace}/{order.name}")

    def _leave(self, uid: str) -> None:
        self._leaving.add(uid)
        self._tasks[uid] = asyncio.create_task(self._remove(uid, self._tasks[uid]))

    async def _remove(self, uid: str, running: asyncio.Task[None]) -> None:
        """Ends a pod; if it is wanted again meanwhile, it is then started anew."""
        running.cancel()
        await asyncio.wait([running])
        worker = self._workers[uid]
        for pause in retry_pauses(_FIRST_PAUSE, _LONGEST_PAUSE):
            try:
                await worker.remove()
                break
            except Exception as error:  # noqa: BLE001 - it is in the log, and tried again
                _log.warning("pod %s/%s can't be removed yet: %s", worker.order.namespace, worker.order.name, error)
                await asyncio.sleep(pause)
        del self._workers[uid], self._tasks[uid]
        self._leaving.discard(uid)
        if self._orders is not None:
            self._reconcile(self._orders)

    def _write_names(self, orders: NodeOrders) -> None:
        """Brings the hosts files up to date. One that can't be written keeps its former names."""
        used = {worker.order.namespace for worker in self._workers.values()}
        entries = {namespace: list(found) for namespace, found in orders.hosts}
        for order in orders.pods:
            entries.setdefault(order.namespace, []).extend(_own_name(order, entries.get(order.namespace, [])))
        for namespace, found in entries.items():
            try:
                self._parts.names.write(namespace, found, unused=namespace not in used)
            except (ValueError, OSError) as error:
                _log.error("names of namespace %s stay as they were: %s", namespace, error)

    def _changed(self, uid: str) -> None:
        report = self._workers[uid].report
        if report is None:
            return
        if report.reason == REMOVED:
            write_record(self._parts.state.removal(uid), report)
        self._unsent[uid] = report
        self.news.set()


def must_be_new(old: PodOrder, new: PodOrder) -> bool:
    """Whether the pod must be removed and made anew: its network or its set of processes is another one, or it is one
    that runs to its end."""
    return _identity(old) != _identity(new) or (old.restart != "Always" and old != new)


def _identity(order: PodOrder) -> tuple[object, ...]:
    proxy = order.proxy.user if order.proxy else None
    containers = [container.name for container in order.containers]
    return order.namespace, order.name, order.addresses, order.host_network, proxy, containers


def _own_name(order: PodOrder, entries: list[HostEntry]) -> list[HostEntry]:
    """The entry by which a pod finds itself by its hostname, unless a service has that name."""
    name = order.hostname or order.name
    if order.host_network or any(name in entry.names for entry in entries):
        return []
    return [HostEntry(order.addresses, (name,))]
