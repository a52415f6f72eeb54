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


class NoAddressError(Exception):
    """A range has no free address left."""


class AddressPool:
    """Addresses of one range by the names of their owners; kept in a table.

    New ones follow the last one that was given out, so that a freed address rests as long as possible.
    """

    def __init__(self, tables: Tables, table: str, cidr: IPv4Network, first: IPv4Address | None = None) -> None:
        self._tables = tables
        self._table = table
        self._lowest = int(first or cidr[10])
        self._highest = int(cidr.broadcast_address) - 1
        self._by_owner: dict[str, IPv4Address] = {}
        for owner, text in tables.load(table).items():
            address = IPv4Address(text.decode())
            if address in cidr:
                self._by_owner[owner] = address
        self._taken = {int(address) for address in self._by_owner.values()}
        self._last = max(self._taken, default=self._lowest - 1)

    def address(self, owner: str, wanted: str = "") -> str:
        """The address of an owner; the first time a free one, or the wanted one. Raises NoAddressError."""
        if wanted:
            return self._claim(owner, wanted)
        known = self._by_owner.get(owner)
        if known is None:
            known = IPv4Address(self._free())
            self._set(owner, known)
        return str(known)

    def keep_only(self, owners: Iterable[str]) -> None:
        """Frees the addresses of all others."""
        kept = set(owners)
        for owner in [owner for owner in self._by_owner if owner not in kept]:
            self.release(owner)

    def release(self, owner: str) -> None:
        """Frees the address of an owner."""
        address = self._by_owner.pop(owner, None)
        if address is not None:
            self._taken.discard(int(address))
            self._tables.write(self._table, {owner: None})

    def _claim(self, owner: str, wanted: str) -> str:
        """A stated address is its author's, also outside of the range; whoever has it by chance keeps away."""
        try:
            self._taken.add(int(IPv4Address(wanted)))
        except ValueError:
            return wanted
        self.release(owner)
        return wanted

    def _free(self) -> int:
        size = self._highest - self._lowest + 1
        start = self._last + 1 - self._lowest
        for step in range(size):
            candidate = self._lowest + (start + step) % size
            if candidate not in self._taken:
                return candidate
        raise NoAddressError(f"all {size} addresses of {self._table} are taken")

    def _set(self, owner: str, address: IPv4Address) -> None:
        self._by_owner[owner] = address
        self._taken.add(int(address))
        self._last = int(address)
        self._tables.write(self._table, {owner: str(address).encode()})
