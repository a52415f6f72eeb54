"""What service virtual addresses lead to, for traffic that no Envoy handles: kube-proxy's part, as data."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from weft.base.families import Address, Family, family_of, parse_address
from weft.model.local import ServiceTarget
from weft.redirect.plan import TransportProtocol

_PROTOCOLS: Final[dict[str, TransportProtocol]] = {"TCP": "tcp", "UDP": "udp"}


class VirtualPort(Struct, frozen=True):
    """A port of a virtual address and the endpoints that share its new connections evenly; none: it is refused.

    Endpoints are of the family of the address. `sticky`: which one it is follows from the client's address.
    """

    address: Address
    protocol: TransportProtocol
    port: int
    endpoints: tuple[tuple[Address, int], ...] = ()
    sticky: bool = False


class ServicePlan(Struct, frozen=True):
    """All virtual ports, sorted. Whatever else goes to one of their addresses is refused."""

    ports: tuple[VirtualPort, ...] = ()

    def of(self, family: Family) -> "ServicePlan":
        """The part of one family."""
        return ServicePlan(tuple(port for port in self.ports if family_of(str(port.address)) == family))

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The virtual addresses, in the order of the ports."""
        return tuple(dict.fromkeys(port.address for port in self.ports))


def service_plan(targets: Iterable[ServiceTarget]) -> ServicePlan:
    """The plan for these targets; its order and so its text do not depend on theirs.

    Targets of one address, protocol and port are joined. Raises ValueError naming the target that is out of range.
    """
    endpoints: dict[tuple[Address, TransportProtocol, int], set[tuple[Address, int]]] = {}
    sticky: set[tuple[Address, TransportProtocol, int]] = set()
    for target in targets:
        try:
            key = (parse_address(target.address), _PROTOCOLS[target.protocol], _port(target.port))
            found = {(_alike(address, key[0]), _port(port)) for address, port in target.endpoints}
        except ValueError as error:
            raise ValueError(f"service target {target.address}:{target.port}/{target.protocol}: {error}") from error
        endpoints.setdefault(key, set()).update(found)
        sticky.update((key,) if target.sticky else ())
    ports = (VirtualPort(*key, tuple(sorted(found, key=_order)), key in sticky) for key, found in endpoints.items())
    return ServicePlan(tuple(sorted(ports, key=lambda port: (*_order((port.address, port.port)), port.protocol))))


def _order(place: tuple[Address, int]) -> tuple[int, int, int]:
    """Addresses of IPv4 come first."""
    address, port = place
    return address.version, int(address), port


def _alike(text: str, virtual: Address) -> Address:
    address = parse_address(text)
    if address.version != virtual.version:
        raise ValueError(f"{address} is of another family")
    return address


def _port(number: int) -> int:
    if not 1 <= number <= 65_535:
        raise ValueError(f"{number} is no port")
    return number
