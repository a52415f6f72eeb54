"""What service virtual addresses lead to, for traffic that no Envoy handles: kube-proxy's part, as data."""

from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Final

from msgspec import Struct

from weft.model.local import ServiceTarget
from weft.redirect.plan import TransportProtocol

_PROTOCOLS: Final[dict[str, TransportProtocol]] = {"TCP": "tcp", "UDP": "udp"}


class VirtualPort(Struct, frozen=True, order=True):
    """A port of a virtual address and the endpoints that share its new connections evenly; none: it is refused."""

    address: IPv4Address
    protocol: TransportProtocol
    port: int
    endpoints: tuple[tuple[IPv4Address, int], ...] = ()


class ServicePlan(Struct, frozen=True):
    """All virtual ports, sorted. Whatever else goes to one of their addresses is refused."""

    ports: tuple[VirtualPort, ...] = ()

    @property
    def addresses(self) -> tuple[IPv4Address, ...]:
        """The virtual addresses, sorted."""
        return tuple(sorted({port.address for port in self.ports}))


def service_plan(targets: Iterable[ServiceTarget]) -> ServicePlan:
    """The plan for these targets; its order and so its text do not depend on theirs.

    Targets of one address, protocol and port are joined. Raises ValueError naming the target that is out of range.
    """
    endpoints: dict[tuple[IPv4Address, TransportProtocol, int], set[tuple[IPv4Address, int]]] = {}
    for target in targets:
        try:
            key = (IPv4Address(target.address), _PROTOCOLS[target.protocol], _port(target.port))
            found = {(IPv4Address(address), _port(port)) for address, port in target.endpoints}
        except ValueError as error:
            raise ValueError(f"service target {target.address}:{target.port}/{target.protocol}: {error}") from error
        endpoints.setdefault(key, set()).update(found)
    return ServicePlan(tuple(sorted(VirtualPort(*key, tuple(sorted(found))) for key, found in endpoints.items())))


def _port(number: int) -> int:
    if not 1 <= number <= 65_535:
        raise ValueError(f"{number} is no port")
    return number
