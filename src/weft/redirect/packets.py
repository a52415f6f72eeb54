"""A packet to follow through rules, and its form on a command line: `out tcp 10.96.0.1:80 uid 1000`."""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final, Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from weft.redirect.checks import is_interface
from weft.redirect.plan import Family, State, TransportProtocol

Address = IPv4Address | IPv6Address
Direction = Literal["in", "out"]

FORM: Final = "in|out tcp|udp ADDRESS:PORT [from ADDRESS[:PORT]] [by INTERFACE] [uid N] [gid N] [mark N] [state STATE]"

_WORD: Final = re.compile(r"\S+")
_PLACE: Final = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<v4>[^:\[\]]*)):(?P<port>\d{1,5})")
_LOOPBACK: Final = "lo"
_LINK: Final = "eth0"


class PacketError(ValueError):
    """The text is no packet; the message says what is wrong."""


class Packet(Struct, frozen=True, kw_only=True):
    """A packet of a connection: `state` is what the kernel knows of that.

    What comes in has no user or group. Without `source` it comes from no address that any rule names.
    """

    direction: Direction
    protocol: TransportProtocol
    destination: Address
    port: int
    source: Address | None = None
    source_port: int = 0
    interface: str = _LINK
    user: int | None = None
    group: int | None = None
    mark: int = 0
    connection_mark: int = 0
    state: State = "NEW"

    @property
    def family(self) -> Family:
        """The family of its addresses."""
        return "ip" if self.destination.version == 4 else "ip6"


def parse_packet(text: str, own: Iterable[Address] = ()) -> Packet:
    """The packet that the text describes (`FORM`). Raises PacketError.

    `own` are the pod's addresses: what it sends to them leaves by the loopback interface, and `:80` is a port of the
    first of them.
    """
    words = _WORD.findall(text)
    if len(words) < 3 or words[0] not in get_args(Direction) or words[1] not in get_args(TransportProtocol):
        raise PacketError(f"{text!r} is no packet: write {FORM}")
    addresses = list(own)
    destination, port = _place(words[2], addresses)
    local = destination.is_loopback or destination in addresses
    packet = Packet(
        direction="in" if words[0] == "in" else "out",
        protocol="tcp" if words[1] == "tcp" else "udp",
        destination=destination,
        port=port,
        interface=_LOOPBACK if local and words[0] == "out" else _LINK,
    )
    if len(words) % 2 == 0:
        raise PacketError(f"{words[-1]!r} has no value: write {FORM}")
    for name, value in zip(words[3::2], words[4::2], strict=True):
        packet = replace(packet, **_detail(name, value))
    if packet.source and packet.source.version != destination.version:
        raise PacketError(f"{packet.source} and {destination} are of different families")
    return packet


def _detail(name: str, value: str) -> dict[str, Any]:
    match name:
        case "from":
            return _source(value)
        case "by" if is_interface(value):
            return {"interface": value}
        case "uid" | "gid" | "mark":
            return {{"uid": "user", "gid": "group", "mark": "mark"}[name]: _number(name, value)}
        case "state" if value.upper() in get_args(State):
            return {"state": value.upper()}
    raise PacketError(f"`{name} {value}` is no part of a packet: write {FORM}")


def _source(text: str) -> dict[str, Any]:
    if _PLACE.fullmatch(text):
        address, port = _place(text, [])
        return {"source": address, "source_port": port}
    return {"source": _address(text)}


def _place(text: str, own: list[Address]) -> tuple[Address, int]:
    found = _PLACE.fullmatch(text)
    if not found or int(found["port"]) > 65_535:
        raise PacketError(f"{text!r} is no address with a port: write 10.96.0.1:80 or [fd00::1]:80")
    address = found["v6"] or found["v4"]
    if not address and not own:
        raise PacketError(f"{text!r} has no address: write 10.96.0.1:80 or [fd00::1]:80")
    return (_address(address) if address else own[0]), int(found["port"])


def _address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError as error:
        raise PacketError(f"{text!r} is no address") from error


def _number(name: str, text: str) -> int:
    try:
        value = int(text, 0)
    except ValueError as error:
        raise PacketError(f"{name}: {text!r} is no number") from error
    if not 0 <= value < 2**32:
        raise PacketError(f"{name}: {text} is not between 0 and {2**32 - 1}")
    return value
