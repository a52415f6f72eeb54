"""What to do with packets, as data: tables of chains of rules with typed matches and one verdict each.

A plan names no tool. Back ends (`iptables`, `nft`) turn it into their own text and read that back. A new match or
verdict is a new struct here and one case in each back end; the type checker finds those that miss it.
"""

from ipaddress import IPv4Network, IPv6Network
from typing import Final, Literal

from msgspec import Struct

Family = Literal["ip", "ip6"]
TableName = Literal["raw", "mangle", "nat", "filter"]
TransportProtocol = Literal["tcp", "udp"]
State = Literal["INVALID", "NEW", "ESTABLISHED", "RELATED", "UNTRACKED"]
Hook = Literal["prerouting", "input", "forward", "output", "postrouting"]
"""Where the kernel enters a base chain; named as in nftables."""

Network = IPv4Network | IPv6Network
Owner = int | str
"""The number of a user or group, or a name that the tool looks up when the rules are loaded."""

TABLES: Final[tuple[TableName, ...]] = ("raw", "mangle", "nat", "filter")
"""In the order that the kernel asks them in at each hook (iptables(8), nft(8) "priority")."""

HOOKS: Final[dict[TableName, tuple[Hook, ...]]] = {
    "raw": ("prerouting", "output"),
    "mangle": ("prerouting", "input", "forward", "output", "postrouting"),
    "nat": ("prerouting", "input", "output", "postrouting"),
    "filter": ("input", "forward", "output"),
}
"""The base chains that each of iptables' tables has."""


class SourceIn(Struct, frozen=True, tag=True):
    """The packet comes from this network (`negated`: from outside of it)."""

    network: Network
    negated: bool = False


class DestinationIn(Struct, frozen=True, tag=True):
    """The packet goes to this network (`negated`: outside of it)."""

    network: Network
    negated: bool = False


class ArrivesBy(Struct, frozen=True, tag=True):
    """The packet came in by this interface; a `+` at its end stands for any further characters."""

    interface: str
    negated: bool = False


class LeavesBy(Struct, frozen=True, tag=True):
    """The packet leaves by this interface; a `+` at its end stands for any further characters."""

    interface: str
    negated: bool = False


class ProtocolIs(Struct, frozen=True, tag=True):
    """The packet is of this transport protocol."""

    protocol: TransportProtocol


class PortIn(Struct, frozen=True, tag=True):
    """The packet is of this transport protocol and goes to one of these ports (`negated`: to another one)."""

    protocol: TransportProtocol
    ports: tuple[int, ...]
    negated: bool = False


class SourcePortIs(Struct, frozen=True, tag=True):
    """The packet is of this transport protocol and comes from this port."""

    protocol: TransportProtocol
    port: int


class StateIn(Struct, frozen=True, tag=True):
    """What the kernel knows of the packet's connection is one of these (sorted)."""

    states: tuple[State, ...]


class MarkIs(Struct, frozen=True, tag=True):
    """The packet has exactly this mark (`negated`: another one, or none)."""

    mark: int
    negated: bool = False


class ConnectionMarkIs(Struct, frozen=True, tag=True):
    """The packet's connection has exactly this mark."""

    mark: int


class UserIs(Struct, frozen=True, tag=True):
    """The socket that sent the packet belongs to this user (`negated`: to another, or there is none)."""

    user: Owner
    negated: bool = False


class GroupIs(Struct, frozen=True, tag=True):
    """The socket that sent the packet belongs to this group (`negated`: to another, or there is none)."""

    group: Owner
    negated: bool = False


class OtherMatch(Struct, frozen=True, tag=True):
    """What a rule of somebody else asks for and Weft does not know, as its tool writes it."""

    text: str


Match = (
    SourceIn
    | DestinationIn
    | ArrivesBy
    | LeavesBy
    | ProtocolIs
    | PortIn
    | SourcePortIs
    | StateIn
    | MarkIs
    | ConnectionMarkIs
    | UserIs
    | GroupIs
    | OtherMatch
)

_ORDER: Final[dict[type, int]] = {
    kind: number
    for number, kinds in enumerate(
        [
            (SourceIn,),
            (DestinationIn,),
            (ArrivesBy,),
            (LeavesBy,),
            (ProtocolIs, PortIn, SourcePortIs),
            (StateIn,),
            (MarkIs,),
            (ConnectionMarkIs,),
            (UserIs, GroupIs),
            (OtherMatch,),
        ]
    )
    for kind in kinds
}


class JumpTo(Struct, frozen=True, tag=True):
    """Go on in that chain; its end or a `Return` leads back here."""

    chain: str


class Return(Struct, frozen=True, tag=True):
    """Leave this chain; in a chain that a base chain jumped to, the packet passes unchanged."""


class Accept(Struct, frozen=True, tag=True):
    """The packet passes: the rest of this table is not asked."""


class Drop(Struct, frozen=True, tag=True):
    """The packet is gone."""


class RedirectTo(Struct, frozen=True, tag=True):
    """Give the connection to a local port; the original destination stays readable (SO_ORIGINAL_DST)."""

    port: int


class HandTo(Struct, frozen=True, tag=True):
    """Give the packet as it is to the transparent socket that listens on a local port, and mark it; without such a
    socket it is dropped (TPROXY; https://docs.kernel.org/networking/tproxy.html)."""

    port: int
    mark: int


class SetMark(Struct, frozen=True, tag=True):
    """Mark the packet, and go on."""

    mark: int


class SaveMark(Struct, frozen=True, tag=True):
    """Give the packet's mark to its connection, and go on."""


class RestoreMark(Struct, frozen=True, tag=True):
    """Give the connection's mark to the packet, and go on."""


class SetZone(Struct, frozen=True, tag=True):
    """Keep the packet's connection apart from those of other zones, and go on; the first zone of a packet counts."""

    zone: int


class OtherVerdict(Struct, frozen=True, tag=True):
    """What a rule of somebody else does and Weft does not know, as its tool writes it."""

    text: str


Verdict = (
    JumpTo | Return | Accept | Drop | RedirectTo | HandTo | SetMark | SaveMark | RestoreMark | SetZone | OtherVerdict
)


class Rule(Struct, frozen=True):
    """The verdict for packets that all matches hold for."""

    matches: tuple[Match, ...]
    verdict: Verdict


class Chain(Struct, frozen=True):
    """Rules that are tried in order. A base chain has a hook; any other one is only jumped to.

    `drops` is the policy of a base chain: what comes to its end is dropped.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    hook: Hook | None = None
    drops: bool = False


class Table(Struct, frozen=True):
    """The chains of one table."""

    name: TableName
    chains: tuple[Chain, ...] = ()

    def chain(self, name: str) -> Chain | None:
        """The chain with that name."""
        return next((chain for chain in self.chains if chain.name == name), None)


class Ruleset(Struct, frozen=True):
    """All tables of one family of addresses. An empty one does nothing."""

    family: Family
    tables: tuple[Table, ...] = ()

    def table(self, name: TableName) -> Table:
        """The table with that name, empty if there is none."""
        return next((table for table in self.tables if table.name == name), Table(name))


class PolicyRoute(Struct, frozen=True):
    """Packets with this mark are delivered on this machine, by a routing table of their own (ip-rule(8))."""

    mark: int
    table: int


class Plan(Struct, frozen=True):
    """All redirection of one network namespace. The empty plan redirects nothing.

    `loopback_addresses` must be on the loopback interface, and `route` in force for both families of the plan.
    """

    rulesets: tuple[Ruleset, ...] = ()
    route: PolicyRoute | None = None
    loopback_addresses: tuple[str, ...] = ()

    def ruleset(self, family: Family) -> Ruleset:
        """The rules of that family, empty if there are none."""
        return next((ruleset for ruleset in self.rulesets if ruleset.family == family), Ruleset(family))


def rule(verdict: Verdict, *matches: Match) -> Rule:
    """A rule with its matches in the one order that tools list them in."""
    return Rule(tuple(sorted(matches, key=lambda match: _ORDER[type(match)])), verdict)


def base_chain(hook: Hook, *rules: Rule, drops: bool = False) -> Chain:
    """A base chain, with the name that iptables has for it."""
    return Chain(hook.upper(), rules, hook, drops)


def tables(*candidates: Table) -> tuple[Table, ...]:
    """Those tables that do something, without base chains that do nothing, in the kernel's order."""
    cleaned = (Table(t.name, tuple(c for c in t.chains if c.rules or c.drops or not c.hook)) for t in candidates)
    return tuple(sorted((t for t in cleaned if t.chains), key=lambda t: TABLES.index(t.name)))
