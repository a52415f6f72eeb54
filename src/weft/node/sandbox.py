"""What a pod's processes run in: its files, its network and its rules. Made before the first of them, removed after the
last."""

import os
import shutil
import time
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from weft.base.families import parse_address
from weft.model.local import PodOrder, RedirectOrder
from weft.node.envoy import BINARY_NAME, BOOTSTRAP_FILE, fits_in_argument
from weft.node.names import RESOLVER
from weft.node.networks import PodNet
from weft.node.parts import NodeParts
from weft.node.specs import PodPlace
from weft.node.state import pod_id, read_record, write_atomically, write_record


class PodRecord(Struct, frozen=True, kw_only=True):
    """What is known of a pod: its last order, when it was made, the network namespace (inode) that was finished for it
    and the redirection that is in force there."""

    order: PodOrder
    created: float
    network: int | None = None
    redirect: RedirectOrder | None = None


class Sandbox:
    """The surroundings of one pod."""

    def __init__(self, order: PodOrder, parts: NodeParts) -> None:
        self.folder: Final = parts.state.pod(order.uid)
        self._parts = parts
        self._network = None if order.host_network else _network(order, parts)
        former = read_record(self.folder.record, PodRecord)
        self.record = replace(former, order=order) if former else PodRecord(order=order, created=time.time())
        self._loaded = ""

    @property
    def namespace(self) -> Path | None:
        """The file of the pod's network namespace; None is ours."""
        return self._network.pin if self._network else None

    @property
    def is_whole(self) -> bool:
        """Whether processes may run here."""
        return self._network is None or self._network.inode == self.record.network is not None

    @property
    def place(self) -> PodPlace:
        """Where the pod's processes run. Raises ValueError for a namespace with no proper name."""
        order, parts = self.record.order, self._parts
        return PodPlace(
            namespace=str(self.namespace) if self.namespace else None,
            mark=parts.settings.mark,
            names=parts.names.mounts(order.namespace) if self.namespace else (),
            hidden=parts.hidden,
            proxy=self.folder.proxy,
            envoy=parts.envoy,
            search_path=parts.settings.search_path,
            only_user=parts.means.only_user,
            tag=f"{parts.means.tag}/{self.folder.root.name}" if parts.means.tag else "",
        )

    def write_files(self, order: PodOrder) -> None:
        """Writes what the processes of this order find in their folders, and remembers the order.

        Raises OSError, or ValueError for an order that contradicts itself.
        """
        if order.host_network and order.proxy and order.proxy.redirect:
            raise ValueError("the traffic of a pod on the machine's own network can't be redirected")
        self.folder.create()
        if order.proxy:
            self._give(self.folder.proxy, order.proxy.user)
            if not os.path.lexists(self.folder.proxy / BINARY_NAME):
                (self.folder.proxy / BINARY_NAME).touch()
            if not fits_in_argument(order.proxy.bootstrap):
                bootstrap = self.folder.proxy / BOOTSTRAP_FILE
                write_atomically(bootstrap, order.proxy.bootstrap.encode())
                self._give(bootstrap, order.proxy.user)
        self._remember(replace(self.record, order=order))

    async def create(self) -> None:
        """Makes the network with its redirection, in the place of one that was not finished. Raises ToolError, OSError,
        or ValueError for a bad order."""
        if self._network is None:
            return
        addresses = self._parts.network.checked(map(parse_address, self.record.order.addresses))
        redirect = self._wanted_redirect()
        self._loaded = ""
        await self._network.create(addresses)
        await self._network.redirect(redirect)
        self._remember(replace(self.record, network=self._network.inode, redirect=redirect))

    async def apply(self, services: str) -> None:
        """Brings rules up to date where they differ from what was asked for last. Raises ToolError, ValueError."""
        if self._network is None:
            return
        redirect = self._wanted_redirect()
        if redirect != self.record.redirect:
            await self._network.redirect(redirect)
            self._remember(replace(self.record, redirect=redirect))
        if services != self._loaded:
            await self._network.load_services(services)
            self._loaded = services

    async def remove_network(self) -> None:
        """Removes the network with any process that is still in it. Raises ToolError or OSError."""
        if self._network:
            await self._network.remove()

    def remove_files(self) -> None:
        """Removes all that is known of the pod: at last, as everything else is found by it."""
        shutil.rmtree(self.folder.root, ignore_errors=True)

    def _give(self, path: Path, user: int) -> None:
        if self._parts.means.only_user is None:
            os.chown(path, user, user)

    def _wanted_redirect(self) -> RedirectOrder | None:
        proxy, mark = self.record.order.proxy, self._parts.means.proxy_mark
        if proxy is None or proxy.redirect is None or mark is None:
            return proxy.redirect if proxy else None
        return told_by_mark(proxy.redirect, mark)

    def _remember(self, record: PodRecord) -> None:
        self.record = record
        write_record(self.folder.record, record)


def _network(order: PodOrder, parts: NodeParts) -> PodNet:
    return parts.means.networks.of_pod(parts.network, pod_id(order.uid))


def told_by_mark(order: RedirectOrder, mark: int) -> RedirectOrder:
    """The redirection where Envoy's traffic is told by its mark and not by its user.

    Its questions to resolvers have no mark (c-ares can't be told one), and would come back to it: so only those are
    captured that go where resolv.conf says.
    """
    marked = replace(order, proxy_mark=mark)
    if not order.capture_all_dns:
        return marked
    return replace(marked, capture_all_dns=False, dns_servers=(RESOLVER,))
