"""Addresses of pods, services and hosts: stable over restarts, and not given to another soon after they are free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Final

from weft.base.families import Address, Family, Network
from weft.sources.state import Tables

SERVICE_CIDRS: Final[Mapping[Family, Network]] = {
    "IPv4": IPv4Network("10.96.0.0/12"),
    "IPv6": IPv6Network("fd00:10:96::/112"),
}
"""Where services get their addresses from (the defaults of kubeadm and kind). They exist only inside of pods."""

ENTRY_CIDRS: Final[Mapping[Family, Network]] = {
    "IPv4": IPv4Network("240.240.0.0/16"),
    "IPv6": IPv6Network("2001:2::/48"),
}
"""Where hosts of ServiceEntries without addresses get theirs from (Istio, PILOT_IP_AUTOALLOCATE_IPV4_PREFIX and
PILOT_IP_AUTOALLOCATE_IPV6_PREFIX)."""

RESERVED: Final = 10
"""So many addresses at the begin of the pods' range are kept free for the mesh's own use."""

_LAST: Final = ""
"""The key under which the address is kept that was given out last; no owner has an empty name."""


class NoAddressError(Exception):
    """A range has no free address left."""


class AddressTakenError(Exception):
    """A stated address is another one's; `owner` is who has it."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


class AddressPool:
    """Addresses of one range by the names of their owners; kept in a table.

    New ones follow the last one that was given out, so that a freed address rests as long as possible. They are between
    `first` and `last`; where no first one is stated, the begin of the range is left to those who state an address: see
    `stated_band`.
    """

    def __init__(
        self, tables: Tables, table: str, cidr: Network, first: Address | None = None, *, last: Address | None = None
    ) -> None:
        self._tables = tables
        self._table = table
        self._lowest = int(first or cidr[stated_band(cidr) + 1])
        self._highest = int(last or cidr[-2])
        self._made: type[Address] = type(cidr.network_address)
        self._by_owner: dict[str, Address] = {}
        self._owners: dict[Address, str] = {}
        loaded = {owner: ip_address(text.decode()) for owner, text in tables.load(table).items()}
        given = int(loaded.pop(_LAST, IPv4Address(0)))
        self._last = given if self._lowest <= given <= self._highest else self._lowest - 1
        for owner, address in loaded.items():
            if address in cidr:
                self._by_owner[owner] = address
                self._owners[address] = owner

    def address(self, owner: str) -> str:
        """The address of an owner; the first time a free one. Raises NoAddressError."""
        known = self._by_owner.get(owner)
        if known is not None:
            return str(known)
        free = self._free()
        self._last = int(free)
        return self._set(owner, free, last=True)

    def check(self, owner: str, stated: Address) -> None:
        """Raises AddressTakenError if an owner can't have the address that it states."""
        holder = self._owners.get(stated, owner)
        if holder != owner:
            raise AddressTakenError(holder)

    def claim(self, owner: str, stated: Address) -> str:
        """Gives an owner the address that it states, also one outside of the range. Raises AddressTakenError."""
        self.check(owner, stated)
        if self._by_owner.get(owner) != stated:
            self.release(owner)
            self._set(owner, stated)
        return str(stated)

    def keep_only(self, owners: Iterable[str]) -> None:
        """Frees the addresses of all others."""
        for owner in self._by_owner.keys() - set(owners):
            self.release(owner)

    def release(self, owner: str) -> bool:
        """Frees the address of an owner; False if it had none."""
        address = self._by_owner.pop(owner, None)
        if address is None:
            return False
        del self._owners[address]
        self._tables.write(self._table, {owner: None})
        return True

    def _free(self) -> Address:
        size = self._highest - self._lowest + 1
        start = self._last + 1 - self._lowest
        for step in range(size):
            candidate = self._made(self._lowest + (start + step) % size)
            if candidate not in self._owners:
                return candidate
        raise NoAddressError(f"all {size:,} addresses of {self._table} are taken")

    def _set(self, owner: str, address: Address, *, last: bool = False) -> str:
        """Returns the address as text; `last` says that it was given out by us."""
        self._by_owner[owner] = address
        self._owners[address] = owner
        text = str(address)
        kept = text.encode()
        self._tables.write(self._table, {owner: kept, _LAST: kept} if last else {owner: kept})
        return text


class PodAddresses:
    """Addresses of pods: one of each range, all at the same place in theirs, so that each of them tells the others.

    They are kept by the first range's. `proxies` is a range for pods' proxies, where those have addresses of their own.
    """

    def __init__(
        self, tables: Tables, ranges: Sequence[Network], *, reserved: int = RESERVED, proxies: Network | None = None
    ) -> None:
        self._proxies = proxies
        self._main, *self._others = ranges
        size = min(each.num_addresses for each in ranges)
        self._pool = AddressPool(tables, "pod addresses", self._main, self._main[reserved], last=self._main[size - 2])

    def addresses(self, uid: str) -> tuple[str, ...]:
        """The addresses of a pod; the first time free ones. Raises NoAddressError."""
        first = self._pool.address(uid)
        return (first, *(str(each[self._place(first)]) for each in self._others))

    def proxy(self, address: str) -> str:
        """The address of the proxy of the pod that has this one; empty where they share it."""
        return str(self._proxies[self._place(address)]) if self._proxies is not None else ""

    def keep_only(self, uids: Iterable[str]) -> None:
        """Frees the addresses of all others."""
        self._pool.keep_only(uids)

    def _place(self, address: str) -> int:
        return int(ip_address(address)) - int(self._main.network_address)

    def release(self, uid: str) -> None:
        """Frees the addresses of a pod."""
        self._pool.release(uid)


def address_pools(
    tables: Tables, table: str, ranges: Mapping[Family, Network], families: Iterable[Family]
) -> dict[Family, AddressPool]:
    """A pool for each of some families; the table of IPv4 is called like this, others by their family besides."""
    names = {each: table if each == "IPv4" else f"{table} of {each}" for each in families}
    return {each: AddressPool(tables, name, ranges[each]) for each, name in names.items()}


def stated_band(cidr: Network) -> int:
    """How many addresses at the begin of a range are given only to those who state them.

    Source: Kubernetes, "Service ClusterIP allocation": `min(max(16, size / 16), 256)`.
    """
    return min(max(16, cidr.num_addresses // 16), 256)
