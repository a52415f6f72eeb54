"""What all network interfaces of a mesh have in common, whoever they belong to; pure."""

from collections.abc import Iterable
from typing import Final

from weft.base.families import Address
from weft.node.addresses import MeshNetwork

ALL_LINKS: Final = ("all", "default")


def ipv6_settings(*, on: bool, links: Iterable[str] = ALL_LINKS) -> dict[str, str]:
    """Kernel settings (below /proc/sys/net) that turn IPv6 on or off for links of a namespace; by default for all.

    Where it is on, a link has exactly the addresses that it is given: none by advertisements of routers, none of
    link-local scope (they would lead past the rules), and each at once, without looking for duplicates
    (Documentation/networking/ip-sysctl.rst).
    """
    values = {"disable_ipv6": "1"}
    if on:
        values = {"disable_ipv6": "0", "accept_ra": "0", "autoconf": "0", "accept_dad": "0", "addr_gen_mode": "1"}
    return {f"ipv6/conf/{link}/{name}": value for link in links for name, value in values.items()}


def address_lines(network: MeshNetwork, addresses: Iterable[Address], link: str) -> list[str]:
    """Lines of ip-batch(8) that give a link an address of each range."""
    return [
        f"address replace {address}/{cidr.prefixlen} dev {link}{' nodad' if address.version == 6 else ''}"
        for address, cidr in zip(addresses, network.cidrs, strict=True)
    ]


def default_route_lines(via: Iterable[Address]) -> list[str]:
    """Lines of ip-batch(8) that send everything else by these neighbours."""
    return [f"route replace default via {address}" for address in via]
