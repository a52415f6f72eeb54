"""Addresses of Services and of hosts of ServiceEntries, as a cluster gives them when the objects are created."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

from msgspec import structs

from weft.base.issues import Issue, Ref
from weft.dialects.report import ABSENT
from weft.model import codes
from weft.model.istio_networking import ServiceEntry
from weft.model.kubernetes import Service
from weft.model.objects import Object
from weft.sources.local.addresses import SERVICE_CIDR, AddressPool, AddressTakenError, NoAddressError, stated_band

SERVICE: Final = "Service"
SERVICE_ENTRY: Final = "ServiceEntry.networking.istio.io"

_HEADLESS: Final = "None"
_FIELD: Final = "spec.clusterIP"
_BAND: Final = f"the first {stated_band(SERVICE_CIDR)} of {SERVICE_CIDR}"
_ADVICE: Final = f"state none, or one of {_BAND}: those are given to nobody unasked"


class ServiceAddresses:
    """Completes Services and ServiceEntries with addresses.

    Who has an address keeps it. A Service that states the address of another one counts as absent, as an API server
    would refuse it, until the address is free.
    """

    def __init__(self, services: AddressPool, entries: AddressPool) -> None:
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
        """Frees the address of an object that is gone, or that needs none any more."""
        self.unread(ref)
        if ref.kind in self._pools:
            self._freed |= self._pools[ref.kind].release(_owner(ref))

    def keep_only(self, refs: Iterable[Ref]) -> None:
        """Frees the addresses of all other objects."""
        kept = list(refs)
        for kind, pool in self._pools.items():
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
        stated = _stated(value)
        if spec.type == "ExternalName" or stated == _HEADLESS:
            self.gone(value.ref)
            return _with_address(value, spec, stated) if stated == _HEADLESS else value
        try:
            return self._claimed(value, spec, stated) if stated else self._allocated(value, spec)
        except AddressTakenError as error:
            message = f"{stated} is the address of Service {error.owner} already"
            self._refuse(value, Issue(codes.ADDRESS_TAKEN, "error", value.ref, _FIELD, message, ABSENT, _ADVICE))
            return None

    def _claimed(self, value: Object[Any], spec: Service, stated: str) -> Object[Any] | None:
        try:
            address = ip_address(stated)
        except ValueError:
            message, advice = f"{stated[:80]!r} is no address", "leave the field out"
            self._refuse(value, Issue(codes.INVALID, "error", value.ref, _FIELD, message, ABSENT, advice))
            return None
        if len(spec.cluster_ips) > 1 or isinstance(address, IPv6Address):
            message, effect = "addresses of IPv6 are not supported yet", "the service has one address, of IPv4"
            self._found[value.ref] = Issue(codes.UNSUPPORTED, "warning", value.ref, _FIELD, message, effect)
        if isinstance(address, IPv6Address):
            return self._allocated(value, spec)
        return _with_address(value, spec, self._pools[SERVICE].claim(_owner(value.ref), address))

    def _allocated(self, value: Object[Any], spec: Service) -> Object[Any]:
        address = self._free(value, "clients find it by name only")
        return _with_address(value, spec, address)

    def _entry(self, value: Object[Any], spec: ServiceEntry) -> Object[Any]:
        if not _wants_address(spec):
            self.gone(value.ref)
            return value
        address = self._free(value, "TCP to its hosts is not told from other TCP to the same ports")
        return structs.replace(value, spec=structs.replace(spec, addresses=(address,))) if address else value

    def _free(self, value: Object[Any], effect: str) -> str:
        """The object's own address, or a free one; empty if there is none."""
        try:
            return self._pools[value.kind].address(_owner(value.ref))
        except NoAddressError as error:
            advice = "delete objects of this kind that nobody needs"
            self._refuse(value, Issue(codes.NO_ADDRESS, "error", value.ref, "", str(error), effect, advice))
            return ""

    def _refuse(self, value: Object[Any], issue: Issue) -> None:
        self._found[value.ref] = issue
        self._waiting[value.ref] = value


def _owner(ref: Ref) -> str:
    return f"{ref.namespace}/{ref.name}"


def _stated(value: Object[Any]) -> str:
    """The address that a Service states; `clusterIPs` begins with the same one (Kubernetes)."""
    spec = value.spec
    return spec.cluster_ip or next(iter(spec.cluster_ips), "") if isinstance(spec, Service) else ""


def _with_address(value: Object[Any], spec: Service, address: str) -> Object[Any]:
    return structs.replace(value, spec=structs.replace(spec, cluster_ip=address, cluster_ips=()))


def _wants_address(entry: ServiceEntry) -> bool:
    """Istio allocates one unless addresses are stated, the resolution is NONE, or all hosts are patterns."""
    return not entry.addresses and entry.resolution != "NONE" and any("*" not in host for host in entry.hosts)
