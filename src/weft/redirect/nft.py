"""Rules of one family as input of `nft -f`: tables of our own, replaced together in one transaction.

Where iptables has tables raw, mangle, nat and filter, there are tables `weft_raw` and so on here, with the same chains,
so that names may be the same in each. Priorities are those of iptables' tables (nft(8)).
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from weft.redirect.checks import is_interface, is_owner
from weft.redirect.plan import (
    TABLES,
    Accept,
    ArrivesBy,
    Chain,
    ConnectionMarkIs,
    DestinationIn,
    Drop,
    Family,
    GroupIs,
    HandTo,
    Hook,
    JumpTo,
    LeavesBy,
    MarkIs,
    Match,
    Network,
    OtherMatch,
    OtherVerdict,
    Owner,
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

PREFIX: Final = "weft_"
PRIORITIES: Final[dict[TableName, int]] = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0}

_CHAIN_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}", re.ASCII)


def render(rulesets: Iterable[Ruleset], *, clear: Iterable[TableName] = TABLES) -> str:
    """The text. Our tables of `clear` that have no rules are removed, for every family given.

    Raises ValueError for what nft would not take as one word, or what only another tool can say.
    """
    return "".join(f"{line}\n" for rules in rulesets for line in _ruleset(rules, set(clear)))


def rule_text(rule: Rule, family: Family) -> str:
    """Matches and verdict of a rule, without counter. Raises ValueError as `render`."""
    return " ".join([*(_match(match, family) for match in rule.matches), _verdict(rule.verdict)])


def _ruleset(rules: Ruleset, clear: set[TableName]) -> Iterator[str]:
    wanted = {table.name for table in rules.tables}
    for name in TABLES:
        if name in wanted | clear:
            # Adding a table that is there changes nothing, and deleting one that is not is an error.
            yield f"table {rules.family} {PREFIX}{name} {{ }}"
            yield f"delete table {rules.family} {PREFIX}{name}"
    for table in rules.tables:
        yield from _table(table, rules.family)


def _table(table: Table, family: Family) -> Iterator[str]:
    yield f"table {family} {PREFIX}{table.name} {{"
    # A chain must be there before a rule jumps to it.
    yield from (f"\tchain {_name(chain)} {{ }}" for chain in table.chains if not chain.hook)
    for chain in table.chains:
        yield f"\tchain {_name(chain)} {{"
        if chain.hook:
            yield f"\t\t{_declaration(chain, chain.hook, table.name)}"
        for rule in chain.rules:
            yield from (f"\t\t{line}" for line in _rule(rule, family))
        yield "\t}"
    yield "}"


def _declaration(chain: Chain, hook: Hook, table: TableName) -> str:
    # Packets that leave are routed again when their mark changes: that is what the type "route" is for.
    kind = "nat" if table == "nat" else "route" if (table, hook) == ("mangle", "output") else "filter"
    policy = "drop" if chain.drops else "accept"
    return f"type {kind} hook {hook} priority {PRIORITIES[table]}; policy {policy};"


def _rule(rule: Rule, family: Family) -> Iterator[str]:
    matches = "".join(f"{_match(match, family)} " for match in rule.matches)
    yield f"{matches}counter {_verdict(rule.verdict)}"
    if isinstance(rule.verdict, HandTo):
        # iptables' TPROXY drops what finds no socket; nft's goes on with the next rule.
        yield f"{matches}counter drop"


def _name(chain: Chain) -> str:
    return chain.hook or _chain_name(chain.name)


def _match(match: Match, family: Family) -> str:
    match match:
        case SourceIn(network, negated):
            return f"{family} saddr {_not(negated)}{_network(network)}"
        case DestinationIn(network, negated):
            return f"{family} daddr {_not(negated)}{_network(network)}"
        case ArrivesBy(interface, negated):
            return f"iifname {_not(negated)}{_interface(interface)}"
        case LeavesBy(interface, negated):
            return f"oifname {_not(negated)}{_interface(interface)}"
        case ProtocolIs(protocol):
            return f"meta l4proto {protocol}"
        case PortIn(protocol, ports, negated):
            return f"{protocol} dport {_not(negated)}{_ports(ports)}"
        case SourcePortIs(protocol, port):
            return f"{protocol} sport {port:d}"
        case _:
            return _metadata(match)


def _metadata(match: Match) -> str:
    match match:
        case StateIn(states):
            return f"ct state {','.join(states).lower()}"
        case MarkIs(mark, negated):
            return f"meta mark {_not(negated)}{mark:#010x}"
        case ConnectionMarkIs(mark):
            return f"ct mark {mark:#010x}"
        case UserIs(user, negated):
            return f"meta skuid {_not(negated)}{_owner(user)}"
        case GroupIs(group, negated):
            return f"meta skgid {_not(negated)}{_owner(group)}"
        case OtherMatch(text):
            raise ValueError(f"{text!r} is not ours to write")
        case _:
            raise TypeError(f"{match} has no form in nftables")


def _verdict(verdict: Verdict) -> str:
    match verdict:
        case JumpTo(chain):
            return f"jump {_chain_name(chain)}"
        case Return() | Accept() | Drop():
            return type(verdict).__name__.lower()
        case RedirectTo(port):
            return f"redirect to :{port:d}"
        case HandTo(port, mark):
            return f"tproxy to :{port:d} meta mark set {mark:#010x} accept"
        case SetMark(mark):
            return f"meta mark set {mark:#010x}"
        case SaveMark():
            return "ct mark set meta mark"
        case RestoreMark():
            return "meta mark set ct mark"
        case SetZone(zone):
            return f"ct zone set {zone:d}"
        case OtherVerdict(text):
            raise ValueError(f"{text!r} is not ours to write")


def _not(negated: bool) -> str:
    return "!= " if negated else ""


def _ports(ports: tuple[int, ...]) -> str:
    return f"{ports[0]:d}" if len(ports) == 1 else f"{{ {', '.join(map(str, ports))} }}"


def _network(network: Network) -> str:
    """As nft lists it: a single address without the length of its prefix."""
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _interface(name: str) -> str:
    if not is_interface(name):
        raise ValueError(f"{name!r} can't be an interface in nftables")
    return f'"{name[:-1]}*"' if name.endswith("+") else f'"{name}"'


def _owner(owner: Owner) -> str:
    if not is_owner(owner):
        raise ValueError(f"{owner!r} can't be a user or group in nftables")
    return str(owner) if isinstance(owner, int) else f'"{owner}"'


def _chain_name(name: str) -> str:
    """The name itself, if nothing in it could be read as more than a name."""
    if not _CHAIN_NAME.fullmatch(name):
        raise ValueError(f"{name!r} can't be a name in nftables")
    return name
