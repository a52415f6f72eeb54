"""Addresses of Services and of hosts of ServiceEntries, as a cluster gives them when the objects are created."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import structs

from weft.base.families import Address, Family, family_of
from weft.base.issues import Issue, Ref
from weft.dialects.report import ABSENT
from weft.model import codes
from weft.model.istio_networking import ServiceEntry
from weft.model.kubernetes import Service
from weft.model.objects import Object
from weft.sources.local.addresses import (
    SERVICE_CIDRS,
    AddressPool,
    AddressTakenError,
    NoAddressError,
    stated_band,
)
from weft.sources.local.families import HEADLESS, FamilyError, is_headless, service_families, stated_addresses

SERVICE: Final = "Service"
SERVICE_ENTRY: Final = "ServiceEntry.networking.istio.io"

_FIELD: Final = "spec.clusterIP"

Pools = Mapping[Family, AddressPool]
"""Where addresses come from, for each family of the mesh, its primary one first."""


class ServiceAddresses:
    """Completes Services and ServiceEntries with addresses.

    Who has an address keeps it. A Service that states the address of another one counts as absent, as an API server
    would refuse it, until the address is free.
    """

    def __init__(self, services: Pools, entries: Pools) -> None:
        self._pools = {SERVICE: services, SERVICE_ENTRY: entries}
        self._found: dict[Ref, Issue] = {}
        self._waiting: dict[Ref, Object[Any]] = {}
        self._freed = False

    def ordered(self, values: Iterable[Object[Any]]) -> list[Object[Any]]:
        """Objects in the order in which they get addresses: those that state one, then by age, then by name."""
        return sorted(values, key=lambda value: (not _stated(value), value.metadata.created, value.ref))

    def completed(self, value: Object[Any]) -> Object[Any] | None:
        """An object with its address; None if it counts as absent."""
        self.unread(value.ref)
        if isinstance(value.spec, Service):
            return self._service(value, value.spec)
        if isinstance(value.spec, ServiceEntry):
            return self._entry(value, value.spec)
        return value

    def unread(self, ref: Ref) -> None:
        """An object that can't be read now keeps its address."""
        self._found.pop(ref, None)
        self._waiting.pop(ref, None)

    def gone(self, ref: Ref) -> None:
        """Frees the addresses of an object that is gone, or that needs none any more."""
        self.unread(ref)
        self._release(ref, self._pools.get(ref.kind, {}))

    def keep_only(self, refs: Iterable[Ref]) -> None:
        """Frees the addresses of all other objects."""
        kept = list(refs)
        for kind, pools in self._pools.items():
            for pool in pools.values():
                pool.keep_only(_owner(ref) for ref in kept if ref.kind == kind)
        self._freed = True

    def retried(self) -> list[Object[Any]]:
        """Objects to complete again, as an address became free that they may have waited for."""
        freed, self._freed = self._freed, False
        return self.ordered(self._waiting.values()) if freed else []

    def issues(self) -> Iterator[Issue]:
        """Who has no address, or not the stated one."""
        yield from self._found.values()

    def _service(self, value: Object[Any], spec: Service) -> Object[Any] | None:
        if spec.type == "ExternalName":
            return self._external(value, spec)
        try:
            stated = stated_addresses(spec)
            families = service_families(spec, tuple(self._pools[SERVICE]))
        except FamilyError as error:
            self._refuse(value, Issue(codes.INVALID, "error", value.ref, error.path, f"{error}", ABSENT, error.advice))
            return None
        if is_headless(spec):
            self.gone(value.ref)
            return _with_addresses(value, spec, families, (HEADLESS,))
        return self._addressed(value, spec, families, {family_of(str(address)): address for address in stated})

    def _external(self, value: Object[Any], spec: Service) -> Object[Any]:
        """A name for a host outside. No DNS leads to it here: an address of its own leads to the sidecar, which knows
        what it stands for. Without ports there is nothing to know."""
        if not spec.ports:
            self.gone(value.ref)
            return value
        return self._addressed(value, spec, tuple(self._pools[SERVICE]), {}) or value

    def _addressed(
        self, value: Object[Any], spec: Service, families: tuple[Family, ...], stated: Mapping[Family, Address]
    ) -> Object[Any] | None:
        """A Service with an address of each family. It gets all that it states, or none."""
        pools, owner = self._pools[SERVICE], _owner(value.ref)
        for family, address in stated.items():
            try:
                pools[family].check(owner, address)
            except AddressTakenError as error:
                message = f"{address} is the address of Service {error.owner} already"
                advice = _advice(family)
                self._refuse(value, Issue(codes.ADDRESS_TAKEN, "error", value.ref, _FIELD, message, ABSENT, advice))
                return None
        self._release(value.ref, {each: pool for each, pool in pools.items() if each not in families})
        claimed = {family: pools[family].claim(owner, address) for family, address in stated.items()}
        found = (claimed.get(each) or self._free(value, each, "clients find it by name only") for each in families)
        return _with_addresses(value, spec, families, tuple(filter(None, found)))

    def _entry(self, value: Object[Any], spec: ServiceEntry) -> Object[Any]:
        if not _wants_address(spec):
            self.gone(value.ref)
            return value
        effect = "TCP to its hosts is not told from other TCP to the same ports"
        found = tuple(filter(None, (self._free(value, each, effect) for each in self._pools[SERVICE_ENTRY])))
        return structs.replace(value, spec=structs.replace(spec, addresses=found)) if found else value

    def _free(self, value: Object[Any], family: Family, effect: str) -> str:
        """The object's own address, or a free one; empty if there is none."""
        try:
            return self._pools[value.kind][family].address(_owner(value.ref))
        except NoAddressError as error:
            advice = "delete objects of this kind that nobody needs"
            self._refuse(value, Issue(codes.NO_ADDRESS, "error", value.ref, "", str(error), effect, advice))
            return ""

    def _release(self, ref: Ref, pools: Pools) -> None:
        for pool in pools.values():
            self._freed |= pool.release(_owner(ref))

    def _refuse(self, value: Object[Any], issue: Issue) -> None:
        self._found[value.ref] = issue
        self._waiting[value.ref] = value


def _owner(ref: Ref) -> str:
    return f"{ref.namespace}/{ref.name}"


def _stated(value: Object[Any]) -> bool:
    """Whether a Service states addresses, or that it wants none."""
    return isinstance(value.spec, Service) and bool(value.spec.cluster_ip or value.spec.cluster_ips)


def _with_addresses(
    value: Object[Any], spec: Service, families: tuple[Family, ...], addresses: tuple[str, ...]
) -> Object[Any]:
    first = next(iter(addresses), "")
    changed = structs.replace(spec, cluster_ip=first, cluster_ips=addresses, ip_families=families)
    return structs.replace(value, spec=changed)


def _advice(family: Family) -> str:
    cidr = SERVICE_CIDRS[family]
    return f"state none, or one of the first {stated_band(cidr)} of {cidr}: those are given to nobody unasked"


def _wants_address(entry: ServiceEntry) -> bool:
    """Istio allocates one unless addresses are stated, the resolution is NONE, or all hosts are patterns."""
    return not entry.addresses and entry.resolution != "NONE" and any("*" not in host for host in entry.hosts)
