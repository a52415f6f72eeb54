"""What to do with packets, as data: chains of rules with typed matches and one verdict each.

A plan names no tool. Back ends (`iptables`) turn it into their own text. A new match or verdict is a new struct here
and one case in each back end; the type checker finds those that miss it.
"""

from ipaddress import IPv4Network
from typing import Literal

from msgspec import Struct

TransportProtocol = Literal["tcp", "udp"]
Hook = Literal["prerouting", "output"]
"""Where the kernel enters a base chain; named as in nftables."""


class ProtocolIs(Struct, frozen=True):
    """The packet is of this transport protocol."""

    protocol: TransportProtocol


class PortIs(Struct, frozen=True):
    """The packet is of this transport protocol and goes to this port (`negated`: to another port)."""

    protocol: TransportProtocol
    port: int
    negated: bool = False


class SourceIn(Struct, frozen=True):
    """The packet comes from this network."""

    network: IPv4Network


class DestinationIn(Struct, frozen=True):
    """The packet goes to this network (`negated`: outside of it)."""

    network: IPv4Network
    negated: bool = False


class LeavesBy(Struct, frozen=True):
    """The packet leaves by this interface."""

    interface: str


class UserIs(Struct, frozen=True):
    """The socket that sent the packet belongs to this user (`negated`: to another, or there is none)."""

    user: int
    negated: bool = False


class GroupIs(Struct, frozen=True):
    """The socket that sent the packet belongs to this group (`negated`: to another, or there is none)."""

    group: int
    negated: bool = False


Match = ProtocolIs | PortIs | SourceIn | DestinationIn | LeavesBy | UserIs | GroupIs


class JumpTo(Struct, frozen=True):
    """Go on in that chain; its end or a `Return` leads back here."""

    chain: str


class Return(Struct, frozen=True):
    """Leave this chain; in a chain that a base chain jumped to, the packet passes unchanged."""


class RedirectTo(Struct, frozen=True):
    """Give the connection to a local port; the original destination stays readable (SO_ORIGINAL_DST)."""

    port: int


Verdict = JumpTo | Return | RedirectTo


class Rule(Struct, frozen=True):
    """The verdict for packets that all matches hold for."""

    matches: tuple[Match, ...]
    verdict: Verdict


class Chain(Struct, frozen=True):
    """Rules that are tried in order. A base chain has a hook; any other one is only jumped to."""

    name: str
    rules: tuple[Rule, ...] = ()
    hook: Hook | None = None


class Plan(Struct, frozen=True):
    """All address translation of one network namespace. The empty plan translates nothing."""

    chains: tuple[Chain, ...] = ()
