"""Networks on the machine's own loopback: a range of its addresses for each mesh, and nothing that takes a privilege.

Every address of 127.0.0.0/8 is the machine's own (RFC 1122, section 3.2.1.3), so there is nothing to make: a range is
taken by being used. Nothing can be redirected, and no table of virtual addresses acts.
"""

import socket
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final

from weft.base.families import Address
from weft.model.local import RedirectOrder
from weft.node.addresses import MeshNetwork, NetworkRecord, NoRoomError, loopback_ranges
from weft.node.hub import stored_network
from weft.node.listening import listening_addresses
from weft.node.marks import by_tag
from weft.node.procfs import namespace_inode, pids
from weft.node.remains import end_processes, marked_processes
from weft.node.settings import NodeSettings
from weft.node.state import StateFolder, write_record

_TABLES: Final = (Path("/proc/self/net/tcp"),)
_CLAIMED_PORT: Final = 15012


class LoopbackNetworks:
    """Implements `networks.Networks`."""

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._recognize = by_tag(settings.mark)

    async def prepare(self) -> MeshNetwork:
        """As in `Networks`."""
        if any(cidr.version != 4 for cidr in self._settings.pod_cidrs):
            raise NoRoomError("of IPv6 there is one address of loopback only: pods can have IPv4 addresses here")
        state = StateFolder(self._settings.state)
        state.create()
        former = stored_network(state)
        if former is not None:
            return former
        network = MeshNetwork("", (claim_range(loopback_ranges()),))
        write_record(state.network, NetworkRecord.of(network), durable=True)
        return network

    def of_pod(self, network: MeshNetwork, identifier: str) -> "LoopbackPod":
        """As in `Networks`."""
        return LoopbackPod(self._settings.mark, identifier)

    def remaining(self) -> set[str]:
        """As in `Networks`."""
        records = (record for pid in pids() if (record := self._recognize(pid)))
        return {record.tag.removeprefix(f"{self._settings.mark}/").partition("/")[0] for record in records}

    async def remove_pod(self, identifier: str) -> None:
        """As in `Networks`."""
        await LoopbackPod(self._settings.mark, identifier).remove()

    async def remove(self) -> None:
        """As in `Networks`. A range that nobody uses is free."""


class LoopbackPod:
    """The network of one pod: the machine's. Implements `networks.PodNet`."""

    def __init__(self, mark: str, identifier: str) -> None:
        self._tag = f"{mark}/{identifier}"

    @property
    def pin(self) -> Path | None:
        """As in `PodNet`."""
        return None

    @property
    def inode(self) -> int | None:
        """As in `PodNet`."""
        return namespace_inode("self", "net")

    async def create(self, addresses: tuple[Address, ...]) -> None:
        """As in `PodNet`."""

    async def redirect(self, order: RedirectOrder | None) -> None:
        """As in `PodNet`."""
        if order is not None:
            raise ValueError("nothing can be redirected on loopback: the order to run this pod contradicts itself")

    async def load_services(self, table: str) -> None:
        """As in `PodNet`: virtual addresses mean something to the pod's HTTP proxy only."""

    async def remove(self) -> None:
        """As in `PodNet`."""
        await end_processes(marked_processes(by_tag(self._tag)))


def claim_range(candidates: Iterable[IPv4Network]) -> IPv4Network:
    """The first range where nobody listens, nor at proxies' addresses. Raises NoRoomError.

    It stays ours as long as this process lives, by a socket of a protocol that nothing else here uses: so of two meshes
    that start at a time one goes on to the next range.
    """
    used = set(_used_seconds(listening_addresses(_TABLES)))
    for cidr in candidates:
        second = _second(cidr.network_address)
        if used.isdisjoint((second, second + 1)) and _is_claimed(cidr[1]):
            return cidr
    raise NoRoomError("on every range of loopback addresses somebody listens already: end a mesh with `weft down`")


def _used_seconds(addresses: Iterable[IPv4Address]) -> Iterator[int]:
    return (_second(address) for address in addresses if address.is_loopback)


def _second(address: IPv4Address) -> int:
    return address.packed[1]


def _is_claimed(address: IPv4Address) -> bool:
    holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        holder.bind((str(address), _CLAIMED_PORT))
    except OSError:
        holder.close()
        return False
    holder.detach()
    return True
