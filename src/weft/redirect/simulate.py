"""Where a packet goes: a walk through the tables as the kernel makes it (https://wiki.nftables.org, "Netfilter hooks").

At each hook the tables are asked in the order raw, mangle, nat, filter; nat only for a connection's first packet, and
only until a destination was settled. What leaves by the loopback interface comes in again there. Owners are known only
on the way out.
"""

from ipaddress import ip_address
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from weft.redirect.packets import Packet
from weft.redirect.plan import (
    HOOKS,
    TABLES,
    ArrivesBy,
    Chain,
    ConnectionMarkIs,
    DestinationIn,
    Drop,
    GroupIs,
    HandTo,
    Hook,
    JumpTo,
    LeavesBy,
    MarkIs,
    Match,
    OtherMatch,
    OtherVerdict,
    Owner,
    PolicyRoute,
    PortIn,
    ProtocolIs,
    RedirectTo,
    RestoreMark,
    Return,
    Rule,
    Ruleset,
    SaveMark,
    SetMark,
    SetZone,
    SourceIn,
    SourcePortIs,
    StateIn,
    Table,
    TableName,
    UserIs,
    Verdict,
)

Result = Literal["passes", "redirected", "handed", "dropped"]

_LOOPBACK: Final = "lo"
_DEEPEST: Final = 64
"""More jumps than in any sane rules; the kernel refuses loops (nft(8))."""


class Step(Struct, frozen=True):
    """A rule that matched; `number` is its index in the chain, from 0. Not `certain`: whether it matches, or what it
    does, can't be told, and the walk goes on as if it were not there."""

    hook: Hook
    table: TableName
    chain: str
    number: int
    rule: Rule
    certain: bool = True


class Journey(Struct, frozen=True):
    """What became of a packet: redirected or handed to `port`, or sent on as it is, or dropped."""

    result: Result
    port: int | None
    steps: tuple[Step, ...]
    packet: Packet
    zone: int | None = None

    @property
    def certain(self) -> bool:
        """Whether every rule on the way was understood."""
        return all(step.certain for step in self.steps)


def simulate(rules: Ruleset, packet: Packet, route: PolicyRoute | None = None) -> Journey:
    """The packet's way. A port that a packet is given to is taken to have a listener; for an established connection
    the result is what the rules do with this packet, not what they did with its first one."""
    return _Walk(rules, packet, route).journey()


class _Walk:
    def __init__(self, rules: Ruleset, packet: Packet, route: PolicyRoute | None) -> None:
        self._rules = rules
        self._packet = packet
        self._route = route
        self._steps: list[Step] = []
        self._result: Result = "passes"
        self._port: int | None = None
        self._zone: int | None = None
        self._settled = packet.state != "NEW"
        self._hook: Hook = "output"

    def journey(self) -> Journey:
        hooks: tuple[Hook, ...] = ("output", "postrouting") if self._packet.direction == "out" else _IN
        if self._passes(hooks) and self._packet.direction == "out" and self._packet.interface == _LOOPBACK:
            self._settled = True
            self._passes(_IN)
        port = None if self._result == "dropped" else self._port
        return Journey(self._result, port, tuple(self._steps), self._packet, self._zone)

    def _passes(self, hooks: tuple[Hook, ...]) -> bool:
        """Whether the packet gets through the hooks."""
        for self._hook in hooks:
            for name in TABLES:
                if self._hook in HOOKS[name] and not self._through(self._rules.table(name)):
                    self._result = "dropped"
                    return False
        return True

    def _through(self, table: Table) -> bool:
        chain = next((chain for chain in table.chains if chain.hook == self._hook), None)
        if chain is None or (table.name == "nat" and self._settled):
            return True
        before = self._packet.mark
        verdict = self._chain(table, chain, _DEEPEST)
        if (table.name, self._hook) == ("mangle", "output") and self._packet.mark != before:
            self._route_again()
        return not (isinstance(verdict, Drop) or (verdict is None and chain.drops))

    def _chain(self, table: Table, chain: Chain, depth: int) -> Verdict | None:
        """The verdict that ended the walk through the table, None if there was none in this chain."""
        for number, rule in enumerate(chain.rules):
            held = [self._holds(match) for match in rule.matches]
            if False in held:
                continue
            target = table.chain(rule.verdict.chain) if isinstance(rule.verdict, JumpTo) else None
            lost = isinstance(rule.verdict, JumpTo) and (target is None or depth == 0)
            certain = None not in held and not lost and not isinstance(rule.verdict, OtherVerdict)
            self._steps.append(Step(self._hook, table.name, chain.name, number, rule, certain))
            if not certain:
                continue
            verdict = self._chain(table, target, depth - 1) if target else self._apply(rule.verdict)
            if verdict is not None:
                return None if isinstance(verdict, Return) and not target else verdict
        return None

    def _apply(self, verdict: Verdict) -> Verdict | None:
        """Does what the verdict says; returns it if nothing more is asked after it."""
        packet = self._packet
        match verdict:
            case RedirectTo(port):
                self._redirect(port)
            case HandTo(port, mark):
                self._result, self._port = "handed", port
                self._packet = replace(packet, mark=mark)
            case SetMark(mark):
                self._packet = replace(packet, mark=mark)
                return None
            case SaveMark():
                self._packet = replace(packet, connection_mark=packet.mark)
                return None
            case RestoreMark():
                self._packet = replace(packet, mark=packet.connection_mark)
                return None
            case SetZone(zone):
                self._zone = zone if self._zone is None else self._zone
                return None
        return verdict

    def _redirect(self, port: int) -> None:
        """On the way out the new destination is the loopback address; on the way in the interface's own."""
        self._result, self._port, self._settled = "redirected", port, True
        self._packet = replace(self._packet, port=port)
        if self._hook == "output":
            address = ip_address("127.0.0.1" if self._packet.family == "ip" else "::1")
            self._packet = replace(self._packet, destination=address, interface=_LOOPBACK)

    def _route_again(self) -> None:
        """A new mark may choose the routing table by which packets stay on this machine."""
        if self._route and self._packet.mark == self._route.mark:
            self._packet = replace(self._packet, interface=_LOOPBACK)

    def _holds(self, match: Match) -> bool | None:
        """Whether the packet has what is asked for; None if that can't be told."""
        packet = self._packet
        match match:
            case SourceIn(network, negated):
                return (packet.source is not None and packet.source in network) != negated
            case DestinationIn(network, negated):
                return (packet.destination in network) != negated
            case ArrivesBy(interface, negated):
                return (self._hook in _IN and _is_interface(packet.interface, interface)) != negated
            case LeavesBy(interface, negated):
                return (self._hook in _OUT and _is_interface(packet.interface, interface)) != negated
            case ProtocolIs(protocol):
                return packet.protocol == protocol
            case PortIn(protocol, ports, negated):
                return packet.protocol == protocol and (packet.port in ports) != negated
            case SourcePortIs(protocol, port):
                return packet.protocol == protocol and packet.source_port == port
        return self._knows(match)

    def _knows(self, match: Match) -> bool | None:
        packet = self._packet
        match match:
            case StateIn(states):
                return packet.state in states
            case MarkIs(mark, negated):
                return (packet.mark == mark) != negated
            case ConnectionMarkIs(mark):
                return packet.connection_mark == mark
            case UserIs(user, negated):
                return self._owned(packet.user, user, negated)
            case GroupIs(group, negated):
                return self._owned(packet.group, group, negated)
            case OtherMatch():
                return None
        raise TypeError(f"{match} can't be simulated")

    def _owned(self, owner: int | None, wanted: Owner, negated: bool) -> bool | None:
        """By a name nothing can be told: it is the machine that knows its number."""
        if self._packet.direction == "in" or self._hook not in _OUT:
            owner = None
        if isinstance(wanted, str) and owner is not None:
            return None
        return (owner == wanted) != negated


_IN: Final[tuple[Hook, ...]] = ("prerouting", "input")
_OUT: Final[tuple[Hook, ...]] = ("output", "postrouting")


def _is_interface(name: str, wanted: str) -> bool:
    return name.startswith(wanted[:-1]) if wanted.endswith("+") else name == wanted
