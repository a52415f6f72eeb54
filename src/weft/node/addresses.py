"""Which addresses the pods of a mesh get, and the few that are not for pods; pure."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from msgspec import Struct

from weft.base.families import Address, Family, Network, families_of, family_of

DEFAULT_POD_CIDRS: Final[Mapping[Family, Network]] = {
    "IPv4": IPv4Network("10.244.0.0/16"),
    "IPv6": IPv6Network("fd00:10:244::/64"),
}
"""Where pods get their addresses from: a private range, and a unique local one (RFC 4193), those of kind."""

_SPREAD_OVER_EVERYTHING: Final = 4
"""Routes shorter than this are a default route in disguise (VPNs write 0.0.0.0/1, and 2000::/3 is all that is routed on
the internet): they name no network."""

_ALTERNATIVES: Final[Mapping[Family, tuple[Network, ...]]] = {
    "IPv4": (
        *(IPv4Network(f"10.{second}.0.0/16") for second in range(245, 255)),
        *(IPv4Network(f"172.{second}.0.0/16") for second in range(20, 32)),
        IPv4Network("198.18.0.0/16"),
        IPv4Network("198.19.0.0/16"),
    ),
    "IPv6": tuple(IPv6Network(f"fd00:10:{third}::/64") for third in range(245, 255)),
}
"""Private ranges (RFC 1918) that are seldom used, and at last those of RFC 2544, which are never routed; of IPv6 unique
local ones (RFC 4193)."""


_FIRST_LOOPBACK: Final = 244
_LAST_LOOPBACK: Final = 254
"""Second bytes of ranges of the loopback device."""


class MeshNetwork(Struct, frozen=True):
    """The network of a mesh: the name of its hub's namespace (empty if it has none of its own) and a range for its pods
    of each family, the primary one first."""

    namespace: str
    cidrs: tuple[Network, ...]

    @property
    def families(self) -> tuple[Family, ...]:
        """The families of the addresses of pods."""
        return families_of(map(str, self.cidrs))

    @property
    def cidr(self) -> Network:
        """The primary range."""
        return self.cidrs[0]

    @property
    def gateways(self) -> tuple[Address, ...]:
        """The hub's addresses; at the first one the controller listens for Envoys."""
        return tuple(cidr[1] for cidr in self.cidrs)

    @property
    def gateway(self) -> Address:
        """The primary one of `gateways`."""
        return self.gateways[0]

    @property
    def hosts(self) -> tuple[Address, ...]:
        """The addresses of the machine, by which it reaches pods and they reach it."""
        return tuple(cidr[2] for cidr in self.cidrs)

    @property
    def host(self) -> Address:
        """The primary one of `hosts`."""
        return self.hosts[0]

    @property
    def proxies(self) -> Network | None:
        """The range of proxies' own addresses: on loopback, where nothing can be redirected, the one that follows that
        of pods. None elsewhere: there pods share their addresses with their proxies."""
        if not self.cidr.is_loopback:
            return None
        return IPv4Network((int(self.cidr.network_address) + self.cidr.num_addresses, self.cidr.prefixlen))

    def checked(self, addresses: Iterable[Address]) -> tuple[Address, ...]:
        """The addresses of a pod, if it may have them: one of each range. Raises ValueError."""
        found = tuple(addresses)
        for address, cidr in zip(found, self.cidrs, strict=False):
            if address not in cidr or address in (cidr[0], cidr[1], cidr[2]):
                raise ValueError(f"{address} can't be the address of a pod: it must be one of {cidr}")
        if len(found) != len(self.cidrs):
            raise ValueError(f"a pod must have one address of each of {', '.join(map(str, self.cidrs))}")
        return found


class NetworkRecord(Struct, frozen=True):
    """A network as it is written down."""

    namespace: str
    cidrs: tuple[str, ...]

    @classmethod
    def of(cls, network: MeshNetwork) -> "NetworkRecord":
        """The record of a network."""
        return cls(network.namespace, tuple(map(str, network.cidrs)))

    def network(self) -> MeshNetwork:
        """The network that this is the record of. Raises ValueError."""
        return MeshNetwork(self.namespace, tuple(map(ip_network, self.cidrs)))


class NoRoomError(Exception):
    """Every range that pods could have overlaps one that this machine already routes."""


def choose_pod_cidr(wanted: Network, routed: Iterable[Network]) -> Network:
    """The wanted range, or the first other one that overlaps none of the machine's routes. Raises NoRoomError."""
    taken = [network for network in routed if network.prefixlen >= _SPREAD_OVER_EVERYTHING]
    for candidate in _candidates(wanted):
        if not any(_overlap(candidate, network) for network in taken):
            return candidate
    raise NoRoomError(
        f"{wanted} and every alternative overlap routes of this machine: choose a free range for the pods"
    )


def loopback_ranges() -> Iterator[IPv4Network]:
    """The ranges for pods of the loopback device, the preferred one first. The one that follows each is for proxies."""
    seconds = (*range(_FIRST_LOOPBACK, _LAST_LOOPBACK + 1, 2), *range(_FIRST_LOOPBACK - 2, 2, -2))
    return (IPv4Network(f"127.{second}.0.0/16") for second in seconds)


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and (other[0] in one or one[0] in other)


def _candidates(wanted: Network) -> Iterator[Network]:
    yield wanted
    for network in _ALTERNATIVES[family_of(str(wanted))]:
        longer = max(wanted.prefixlen, network.prefixlen)
        yield ip_network(f"{network.network_address}/{longer}")


def hardware_address(address: Address) -> str:
    """The link address that goes with the primary address of a pod: the same for every pod that ever has it, so that no
    neighbour remembers the link address of a former one. Locally administered (IEEE 802: second bit of the first byte);
    the last four bytes of an address are enough to tell pods of a range apart."""
    return "02:00:" + ":".join(f"{byte:02x}" for byte in address.packed[-4:])
