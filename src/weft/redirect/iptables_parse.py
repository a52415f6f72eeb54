"""Reads what `iptables-save -c` and `ip6tables-save -c` print; what is unknown is kept verbatim."""

import re
import shlex
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final, get_args

from msgspec import Struct

from weft.redirect.observed import Counters, Observed, Place
from weft.redirect.plan import (
    HOOKS,
    Accept,
    ArrivesBy,
    Chain,
    ConnectionMarkIs,
    DestinationIn,
    Drop,
    Family,
    GroupIs,
    HandTo,
    JumpTo,
    LeavesBy,
    MarkIs,
    Match,
    OtherMatch,
    OtherVerdict,
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
    State,
    StateIn,
    Table,
    TableName,
    TransportProtocol,
    UserIs,
    Verdict,
    rule,
    tables,
)

_TABLE: Final = re.compile(r"\*(raw|mangle|nat|filter)")
_CHAIN: Final = re.compile(r":(\S+) (ACCEPT|DROP|-)(?: \[\d+:\d+\])?")
_RULE: Final = re.compile(r"(?:\[(?P<packets>\d+):(?P<bytes>\d+)\] )?-A (?P<chain>\S+)(?P<rest>.*)")
_PROTOCOLS: Final[dict[str, TransportProtocol]] = {"tcp": "tcp", "udp": "udp"}
_STATES: Final = frozenset(get_args(State))
_FULL_MASK: Final = "--nfmask 0xffffffff --ctmask 0xffffffff"


class _Clause(Struct, frozen=True):
    """One option of a rule: `! --uid-owner 1337` of `-m owner`."""

    module: str
    option: str
    values: tuple[str, ...]
    negated: bool

    @property
    def text(self) -> str:
        words = [self.option, *self.values]
        return " ".join([*(["-m", self.module] if self.module else []), *(["!"] if self.negated else []), *words])

    @property
    def number(self) -> int | None:
        """The one value, if it is a number."""
        value = self.values[0] if len(self.values) == 1 else ""
        return int(value, 0) if re.fullmatch(r"0x[0-9a-f]+|0|[1-9]\d*", value) else None


class _Reader:
    """The tables that were read so far."""

    def __init__(self) -> None:
        self.chains: dict[TableName, dict[str, list[Rule]]] = {}
        self.dropping: set[tuple[TableName, str]] = set()
        self.counters: dict[Place, Counters] = {}
        self._table: TableName | None = None

    def line(self, line: str) -> None:
        """Takes the next line; comments and tables of other names are left out."""
        if line.startswith("*"):
            found = _TABLE.fullmatch(line)
            self._table = _table_name(found[1]) if found else None
        elif self._table and (found := _CHAIN.fullmatch(line)):
            self.chains.setdefault(self._table, {})[found[1]] = []
            if found[2] == "DROP":
                self.dropping.add((self._table, found[1]))
        elif self._table and (found := _RULE.fullmatch(line)):
            self._rule(self._table, found)

    def _rule(self, table: TableName, found: re.Match[str]) -> None:
        rules = self.chains.setdefault(table, {}).setdefault(found["chain"], [])
        if found["packets"]:
            place = Place(table, found["chain"], len(rules))
            self.counters[place] = Counters(int(found["packets"]), int(found["bytes"]))
        rules.append(parse_rule(found["rest"]))

    def ruleset(self, family: Family) -> Ruleset:
        return Ruleset(family, tables(*(self._read_table(name) for name in self.chains)))

    def _read_table(self, name: TableName) -> Table:
        hooks = {hook.upper(): hook for hook in HOOKS[name]}
        chains = self.chains[name].items()
        return Table(
            name,
            tuple(Chain(c, tuple(rules), hooks.get(c), (name, c) in self.dropping) for c, rules in chains),
        )


def parse(text: str, family: Family) -> Observed:
    """The rules in the text. Whatever is no line of iptables-save is left out."""
    reader = _Reader()
    for line in text.splitlines():
        reader.line(line.strip())
    return Observed(reader.ruleset(family), reader.counters)


def parse_rule(text: str) -> Rule:
    """A rule, as after `-A CHAIN`."""
    try:
        words = shlex.split(text)
    except ValueError:
        return Rule((OtherMatch(text.strip()),), OtherVerdict(""))
    for index, word in enumerate(words):
        if word in ("-j", "-g"):
            return rule(_verdict(words[index:]), *_matches(words[:index]))
    return rule(OtherVerdict(""), *_matches(words))


def _table_name(name: str) -> TableName:
    return next(table for table in HOOKS if table == name)


def _matches(words: list[str]) -> list[Match]:
    clauses = list(_clauses(words))
    protocols = [clause.values[0] for clause in clauses if clause.option == "-p" and clause.values]
    protocol = _PROTOCOLS.get(protocols[0]) if len(protocols) == 1 else None
    matches = [match for clause in clauses if (match := _match(clause, protocol))]
    # A port says the protocol, too.
    if any(isinstance(match, PortIn | SourcePortIs) for match in matches):
        matches = [match for match in matches if not isinstance(match, ProtocolIs)]
    return matches


def _clauses(words: list[str]) -> Iterator[_Clause]:
    module, negated, index = "", False, 0
    while index < len(words):
        option, index = words[index], index + 1
        if option == "!":
            negated = True
            continue
        foreign = option == "-m" and words[index : index + 1] != [] and words[index] not in _MODULES
        end = _end(words, index, foreign=foreign)
        values, index = tuple(words[index:end]), end
        if option == "-m" and not foreign:
            module = " ".join(values)
        else:
            yield _Clause("" if option in _BASIC else module, option, values, negated)
        negated = False


def _end(words: list[str], start: int, *, foreign: bool) -> int:
    """Where the clause ends: at the next option, or with all options of a module that is not known."""
    for index in range(start, len(words)):
        option = words[index + 1] if words[index] == "!" and index + 1 < len(words) else words[index]
        if option == "-m" or option in _BASIC or (option.startswith("-") and not foreign):
            return index
    return len(words)


_BASIC: Final = frozenset({"-s", "-d", "-i", "-o", "-p"})
_MODULES: Final = frozenset({"tcp", "udp", "multiport", "conntrack", "mark", "connmark", "owner", "comment"})


def _match(clause: _Clause, protocol: TransportProtocol | None) -> Match | None:
    """What the clause asks for; None for a comment."""
    if clause.module == "comment":
        return None
    known = _basic(clause) if not clause.module else _port(clause, protocol) or _extension(clause)
    return known or OtherMatch(clause.text)


def _basic(clause: _Clause) -> Match | None:
    if len(clause.values) != 1:
        return None
    value, negated = clause.values[0], clause.negated
    match clause.option:
        case "-s" | "-d":
            kind = SourceIn if clause.option == "-s" else DestinationIn
            try:
                return kind(ip_network(value), negated)
            except ValueError:  # a mask that is no prefix
                return None
        case "-i" | "-o":
            return (ArrivesBy if clause.option == "-i" else LeavesBy)(value, negated)
        case "-p" if value in _PROTOCOLS and not negated:
            return ProtocolIs(_PROTOCOLS[value])
    return None


def _port(clause: _Clause, protocol: TransportProtocol | None) -> Match | None:
    if protocol is None or clause.module not in (protocol, "multiport"):
        return None
    if clause.option == "--dports" and len(clause.values) == 1:
        ports = clause.values[0].split(",")
        if all(port.isdigit() for port in ports):
            return PortIn(protocol, tuple(sorted(map(int, ports))), clause.negated)
    if clause.number is None:
        return None
    if clause.option == "--dport":
        return PortIn(protocol, (clause.number,), clause.negated)
    if clause.option == "--sport" and not clause.negated:
        return SourcePortIs(protocol, clause.number)
    return None


def _extension(clause: _Clause) -> Match | None:
    number, negated = clause.number, clause.negated
    match clause.option, clause.module:
        case "--ctstate", "conntrack" if not negated:
            states = clause.values[0].split(",")
            return StateIn(tuple(sorted(s for s in _STATES if s in states))) if _STATES.issuperset(states) else None
        case "--mark", "mark" if number is not None:
            return MarkIs(number, negated)
        case "--mark", "connmark" if number is not None and not negated:
            return ConnectionMarkIs(number)
        case "--uid-owner", "owner" if number is not None:
            return UserIs(number, negated)
        case "--gid-owner", "owner" if number is not None:
            return GroupIs(number, negated)
    return None


def _verdict(words: list[str]) -> Verdict:
    text = " ".join(words[1:])
    simple: dict[str, Verdict] = {
        "RETURN": Return(),
        "ACCEPT": Accept(),
        "DROP": Drop(),
        f"CONNMARK --save-mark {_FULL_MASK}": SaveMark(),
        f"CONNMARK --restore-mark {_FULL_MASK}": RestoreMark(),
    }
    if words[0] == "-g":
        return OtherVerdict(f"-g {text}")
    return simple.get(text) or _parametrized(text) or (OtherVerdict(text) if " " in text else _chain_or_target(text))


def _parametrized(text: str) -> Verdict | None:
    if found := re.fullmatch(r"REDIRECT --to-ports (\d+)", text):
        return RedirectTo(int(found[1]))
    if found := re.fullmatch(r"MARK --set-xmark (0x[0-9a-f]+)/0xffffffff", text):
        return SetMark(int(found[1], 16))
    if found := re.fullmatch(r"CT --zone (\d+)", text):
        return SetZone(int(found[1]))
    hand_over = r"TPROXY --on-port (\d+)(?: --on-ip (?:0\.0\.0\.0|::))? --tproxy-mark (0x[0-9a-f]+)(?:/0xffffffff)?"
    if found := re.fullmatch(hand_over, text):
        return HandTo(int(found[1]), int(found[2], 16))
    return None


def _chain_or_target(name: str) -> Verdict:
    return OtherVerdict(name) if name in _TARGETS else JumpTo(name)


_TARGETS: Final = frozenset({"REJECT", "LOG", "MASQUERADE", "NOTRACK", "QUEUE", "REDIRECT", "TRACE", "AUDIT", "TCPMSS"})
"""Targets that may stand without options; every other single word is a chain (iptables-extensions(8))."""
