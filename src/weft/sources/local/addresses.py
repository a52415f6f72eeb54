"""Addresses of pods, services and hosts: stable over restarts, and not given to another soon after they are free."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from weft.sources.state import Tables

SERVICE_CIDR: Final = IPv4Network("10.96.0.0/12")
"""Where services get their addresses from (kubeadm's default). They exist only inside of pods."""

ENTRY_CIDR: Final = IPv4Network("240.240.0.0/16")
"""Where hosts of ServiceEntries without addresses get theirs from (Istio, PILOT_IP_AUTOALLOCATE_IPV4_PREFIX)."""

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

    New ones follow the last one that was given out, so that a freed address rests as long as possible. They begin at
    `first`; where that is not stated, the begin of the range is left to those who state an address: see `stated_band`.
    """

    def __init__(self, tables: Tables, table: str, cidr: IPv4Network, first: IPv4Address | None = None) -> None:
        self._tables = tables
        self._table = table
        self._lowest = int(first or cidr[stated_band(cidr) + 1])
        self._highest = int(cidr.broadcast_address) - 1
        self._by_owner: dict[str, IPv4Address] = {}
        self._owners: dict[IPv4Address, str] = {}
        loaded = {owner: IPv4Address(text.decode()) for owner, text in tables.load(table).items()}
        last = int(loaded.pop(_LAST, IPv4Address(0)))
        self._last = last if self._lowest <= last <= self._highest else self._lowest - 1
        for owner, address in loaded.items():
            if address in cidr:
                self._by_owner[owner] = address
                self._owners[address] = owner

    def address(self, owner: str) -> str:
        """The address of an owner; the first time a free one. Raises NoAddressError."""
        known = self._by_owner.get(owner)
        if known is None:
            known = self._free()
            self._last = int(known)
            self._set(owner, known, {_LAST: str(known).encode()})
        return str(known)

    def claim(self, owner: str, stated: IPv4Address) -> str:
        """Gives an owner the address that it states, also one outside of the range. Raises AddressTakenError."""
        holder = self._owners.get(stated, owner)
        if holder != owner:
            raise AddressTakenError(holder)
        if self._by_owner.get(owner) != stated:
            self.release(owner)
            self._set(owner, stated, {})
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

    def _free(self) -> IPv4Address:
        size = self._highest - self._lowest + 1
        start = self._last + 1 - self._lowest
        for step in range(size):
            candidate = IPv4Address(self._lowest + (start + step) % size)
            if candidate not in self._owners:
                return candidate
        raise NoAddressError(f"all {size:,} addresses of {self._table} are taken")

    def _set(self, owner: str, address: IPv4Address, others: dict[str, bytes]) -> None:
        self._by_owner[owner] = address
        self._owners[address] = owner
        self._tables.write(self._table, {owner: str(address).encode(), **others})


def stated_band(cidr: IPv4Network) -> int:
    """How many addresses at the begin of a range are given only to those who state them.

    Source: Kubernetes, "Service ClusterIP allocation": `min(max(16, size / 16), 256)`.
    """
    return min(max(16, cidr.num_addresses // 16), 256)
