"""Families of addresses, by the names that Kubernetes has for them (core/v1 Service, `ipFamilies`)."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal

Family = Literal["IPv4", "IPv6"]
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FAMILIES: Final[tuple[Family, ...]] = ("IPv4", "IPv6")

ANY_ADDRESS: Final[dict[Family, str]] = {"IPv4": "0.0.0.0", "IPv6": "::"}
"""What a server binds to that is to be called at every address of a family."""

LOOPBACK: Final[dict[Family, str]] = {"IPv4": "127.0.0.1", "IPv6": "::1"}


def parse_address(text: str) -> Address:
    """The address of a text. Raises ValueError for any other text, and for an address with a zone: that is a name of
    this machine's (RFC 4007), and Python takes any characters for it, also such that mean something to other tools."""
    return ip_address(_without_zone(text))


def parse_network(text: str) -> Network:
    """The range of a text, or that of one address; host bits are ignored. Raises ValueError as `parse_address`."""
    return ip_network(_without_zone(text), strict=False)


def _without_zone(text: str) -> str:
    if "%" in text:
        raise ValueError(f"{text!r} has a zone")
    return text


def is_address(text: str) -> bool:
    """Whether a text is an address."""
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


def family_of(address: str) -> Family:
    """The family of the text of an address or network. Only those of IPv6 have a colon (RFC 4291, section 2.2)."""
    return "IPv6" if ":" in address else "IPv4"


def families_of(addresses: Iterable[str]) -> tuple[Family, ...]:
    """The families of addresses, each once, in their order."""
    return tuple(dict.fromkeys(map(family_of, addresses)))


def host_port(address: str, port: int) -> str:
    """Address and port as in URLs: an address of IPv6 in brackets (RFC 3986, section 3.2.2)."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def any_addresses(families: Iterable[Family]) -> tuple[str, ...]:
    """What a server binds to that is to be called at every address of these families, in their order."""
    return tuple(ANY_ADDRESS[family] for family in families)
