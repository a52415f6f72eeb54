"""Which addresses the pods of a mesh get, and the few that are not for pods; pure."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from msgspec import Struct

_SPREAD_OVER_EVERYTHING: Final = 4
"""Routes shorter than this are a default route in disguise (VPNs write 0.0.0.0/1): they name no network."""

_ALTERNATIVES: Final = (
    *(IPv4Network(f"10.{second}.0.0/16") for second in range(245, 255)),
    *(IPv4Network(f"172.{second}.0.0/16") for second in range(20, 32)),
    IPv4Network("198.18.0.0/16"),
    IPv4Network("198.19.0.0/16"),
)
"""Private ranges (RFC 1918) that are seldom used, and at last those of RFC 2544, which are never routed."""


class MeshNetwork(Struct, frozen=True):
    """The network of a mesh: the name of its hub's namespace and the range of its pods."""

    namespace: str
    cidr: IPv4Network

    @property
    def gateway(self) -> IPv4Address:
        """The hub's address, where the controller listens for Envoys."""
        return self.cidr[1]

    @property
    def host(self) -> IPv4Address:
        """The address of the machine, by which it reaches pods and they reach it."""
        return self.cidr[2]

    @property
    def first(self) -> IPv4Address:
        """The first address that a pod may have; a few before it are kept free for the mesh's own use."""
        return self.cidr[10]


class NoRoomError(Exception):
    """Every range that pods could have overlaps one that this machine already routes."""


def choose_pod_cidr(wanted: IPv4Network, routed: Iterable[IPv4Network]) -> IPv4Network:
    """The wanted range, or the first other one that overlaps none of the machine's routes. Raises NoRoomError."""
    taken = [network for network in routed if network.prefixlen >= _SPREAD_OVER_EVERYTHING]
    for candidate in _candidates(wanted):
        if not any(candidate.overlaps(network) for network in taken):
            return candidate
    raise NoRoomError(
        f"{wanted} and every alternative overlap routes of this machine: choose a free range for the pods"
    )


def _candidates(wanted: IPv4Network) -> Iterator[IPv4Network]:
    yield wanted
    for network in _ALTERNATIVES:
        yield network if wanted.prefixlen < 16 else next(network.subnets(new_prefix=wanted.prefixlen))


def hardware_address(address: IPv4Address) -> str:
    """The link address that goes with an IPv4 address: the same for every pod that ever has it, so that no neighbour
    remembers the link address of a former one. Locally administered (IEEE 802: second bit of the first byte)."""
    return "02:00:" + ":".join(f"{byte:02x}" for byte in address.packed)
