"""What an order's texts mean: ports, ranges, users, interfaces. A bad one is refused with the name of its field."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_network
from typing import Final

from weft.base.families import parse_address, parse_network
from weft.redirect.plan import Network, Owner

EVERYTHING: Final = "*"

_HIGHEST_ID: Final = 2**32 - 2
"""The last number means "none" (setresuid(2))."""

# useradd(8): names of users and groups.
_OWNER_NAME: Final = re.compile(r"[a-z_][a-z0-9_-]{0,30}\$?", re.ASCII)
# An interface has at most 15 characters (IFNAMSIZ); a + at the end of a shorter name stands for the rest.
_INTERFACE: Final = re.compile(r"(?!.{16})[A-Za-z0-9][A-Za-z0-9._@-]*\+?", re.ASCII)


class OrderError(ValueError):
    """A field of an order has a value that means nothing. `field` is its name, `reason` what is wrong with it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def number(value: int, field: str, most: int, *, least: int = 0) -> int:
    """The value itself, if it is between `least` and `most`. Raises OrderError."""
    if not least <= value <= most:
        raise OrderError(field, f"{value} is not between {least} and {most}")
    return value


def port(value: int, field: str) -> int:
    """The port itself. Raises OrderError."""
    return number(value, field, 65_535, least=1)


def ports(texts: Iterable[str], field: str) -> list[int]:
    """The ports that the texts name, in order. Raises OrderError."""
    found = []
    for text in texts:
        if not (text.isascii() and text.isdigit()):
            raise OrderError(field, f"{text!r} is no port: write a number between 1 and 65535")
        found.append(port(int(text), field))
    return found


def ports_or_all(texts: Sequence[str], field: str) -> list[int] | None:
    """The ports that the texts name; None is all of them. Raises OrderError."""
    return None if _is_everything(texts, field) else ports(texts, field)


def networks(texts: Iterable[str], field: str) -> list[Network]:
    """The ranges that the texts name, of both families, in order; host bits are ignored, as Istio does.

    Raises OrderError.
    """
    found: list[Network] = []
    for text in texts:
        try:
            found.append(parse_network(text))
        except ValueError as error:
            reason = f"{text!r} is no address range: write one like 10.0.0.0/8 or fd00::/8"
            raise OrderError(field, reason) from error
    return found


def networks_or_all(texts: Sequence[str], field: str) -> list[Network] | None:
    """The ranges that the texts name; None is all addresses. Raises OrderError."""
    return None if _is_everything(texts, field) else networks(texts, field)


def addresses(texts: Iterable[str], field: str) -> list[Network]:
    """Ranges of one address each. Raises OrderError."""
    found = []
    for text in texts:
        try:
            found.append(ip_network(parse_address(text)))
        except ValueError as error:
            raise OrderError(field, f"{text!r} is no address: write one like 10.96.0.10") from error
    return found


def loopback(text: str, field: str) -> Network:
    """The IPv4 loopback range, with Istio's limits: inside of 127.0.0.0/8. Raises OrderError."""
    (network,) = networks([text], field)
    if network.version != 4 or not network.is_loopback:
        raise OrderError(field, f"{text!r} is no range of IPv4 loopback addresses: write one like 127.0.0.1/32")
    return network


def owners(values: Iterable[Owner], field: str) -> list[Owner]:
    """Users or groups, in order: numbers (also written as texts), or names. Raises OrderError."""
    found: list[Owner] = []
    for value in values:
        if isinstance(value, int) or (value.isascii() and value.isdigit()):
            found.append(number(int(value), field, _HIGHEST_ID))
        elif _OWNER_NAME.fullmatch(value):
            found.append(value)
        else:
            raise OrderError(field, f"{value!r} is no user or group: write a number, or a name")
    return found


def owners_or_all(values: Sequence[Owner], field: str) -> list[Owner] | None:
    """Users or groups; None is all of them. Raises OrderError."""
    return None if _is_everything(values, field) else owners(values, field)


def interfaces(names: Iterable[str], field: str) -> list[str]:
    """The interfaces themselves, in order. Raises OrderError."""
    found = []
    for name in names:
        if not is_interface(name):
            raise OrderError(field, f"{name!r} is no interface: write a name like eth0, of at most 15 characters")
        found.append(name)
    return found


def is_interface(name: str) -> bool:
    """Whether a tool would take this for an interface, and for nothing more."""
    return _INTERFACE.fullmatch(name) is not None


def is_owner(owner: Owner) -> bool:
    """Whether a tool would take this for a user or group, and for nothing more."""
    return owner >= 0 if isinstance(owner, int) else _OWNER_NAME.fullmatch(owner) is not None


def _is_everything(values: Sequence[Owner], field: str) -> bool:
    if EVERYTHING in values and len(values) > 1:
        raise OrderError(field, f"{EVERYTHING!r} stands for everything: write it alone")
    return EVERYTHING in values
