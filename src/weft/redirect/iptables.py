"""Rules of one family as input of `iptables-restore` or `ip6tables-restore`.

The text replaces whole tables, each in one transaction, so applying it is atomic and may be repeated. Only use it in a
network namespace that is ours alone.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from weft.redirect.checks import is_interface, is_owner
from weft.redirect.plan import (
    HOOKS,
    TABLES,
    Accept,
    ArrivesBy,
    Chain,
    ConnectionMarkIs,
    DestinationIn,
    Drop,
    GroupIs,
    HandTo,
    JumpTo,
    LeavesBy,
    MarkIs,
    Match,
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

# iptables(8): chain names have less than 29 characters.
_CHAIN_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,27}")
_MOST_PORTS: Final = 15
"""iptables-extensions(8), multiport."""


def render(rules: Ruleset, *, clear: Iterable[TableName] = ()) -> str:
    """The text. Tables of `clear` that have no rules are emptied; others that have none are left alone.

    Raises ValueError for what iptables would not take as one word, or what only another tool can say.
    """
    wanted = {table.name for table in rules.tables} | set(clear)
    return "".join(f"{line}\n" for name in TABLES if name in wanted for line in _table(rules.table(name)))


def rule_text(rule: Rule) -> str:
    """Matches and verdict of a rule, as after `-A CHAIN`. Raises ValueError as `render`."""
    return " ".join([*(_match(match) for match in rule.matches), _verdict(rule.verdict)])


def _table(table: Table) -> Iterator[str]:
    yield f"*{table.name}"
    dropping = {chain.hook for chain in table.chains if chain.drops}
    for hook in HOOKS[table.name]:
        yield f":{hook.upper()} {'DROP' if hook in dropping else 'ACCEPT'} [0:0]"
    yield from (f":{_chain_name(chain.name)} - [0:0]" for chain in table.chains if not chain.hook)
    yield from (f"-A {_name(chain)} {rule_text(rule)}" for chain in table.chains for rule in chain.rules)
    yield "COMMIT"


def _name(chain: Chain) -> str:
    return chain.hook.upper() if chain.hook else chain.name


def _match(match: Match) -> str:  # one line for each kind
    match match:
        case SourceIn(network, negated):
            return f"{_not(negated)}-s {network}"
        case DestinationIn(network, negated):
            return f"{_not(negated)}-d {network}"
        case ArrivesBy(interface, negated):
            return f"{_not(negated)}-i {_interface(interface)}"
        case LeavesBy(interface, negated):
            return f"{_not(negated)}-o {_interface(interface)}"
        case ProtocolIs(protocol):
            return f"-p {protocol}"
        case PortIn(protocol, ports, negated):
            return f"-p {protocol} {_ports(protocol, ports, negated)}"
        case SourcePortIs(protocol, port):
            return f"-p {protocol} -m {protocol} --sport {port:d}"
        case _:
            return _extension(match)


def _extension(match: Match) -> str:
    match match:
        case StateIn(states):
            return f"-m conntrack --ctstate {','.join(states)}"
        case MarkIs(mark, negated):
            return f"-m mark {_not(negated)}--mark {mark:#x}"
        case ConnectionMarkIs(mark):
            return f"-m connmark --mark {mark:#x}"
        case UserIs(user, negated):
            return f"-m owner {_not(negated)}--uid-owner {_owner(user)}"
        case GroupIs(group, negated):
            return f"-m owner {_not(negated)}--gid-owner {_owner(group)}"
        case OtherMatch(text):
            raise ValueError(f"{text!r} is not ours to write")
        case _:
            raise TypeError(f"{match} has no form in iptables")


def _ports(protocol: str, ports: tuple[int, ...], negated: bool) -> str:
    if len(ports) == 1:
        return f"-m {protocol} {_not(negated)}--dport {ports[0]:d}"
    if len(ports) > _MOST_PORTS:
        raise ValueError(f"{len(ports)} ports are too many for one rule of iptables")
    return f"-m multiport {_not(negated)}--dports {','.join(map(str, ports))}"


def _verdict(verdict: Verdict) -> str:
    match verdict:
        case JumpTo(chain):
            return f"-j {_chain_name(chain)}"
        case Return() | Accept() | Drop():
            return f"-j {type(verdict).__name__.upper()}"
        case RedirectTo(port):
            return f"-j REDIRECT --to-ports {port:d}"
        case HandTo(port, mark):
            return f"-j TPROXY --on-port {port:d} --tproxy-mark {mark:#x}/0xffffffff"
        case SetMark(mark):
            return f"-j MARK --set-xmark {mark:#x}/0xffffffff"
        case SaveMark() | RestoreMark():
            which = "save" if isinstance(verdict, SaveMark) else "restore"
            return f"-j CONNMARK --{which}-mark --nfmask 0xffffffff --ctmask 0xffffffff"
        case SetZone(zone):
            return f"-j CT --zone {zone:d}"
        case OtherVerdict(text):
            raise ValueError(f"{text!r} is not ours to write")


def _not(negated: bool) -> str:
    return "! " if negated else ""


def _chain_name(name: str) -> str:
    """The name itself, if nothing in it could be read as more than a name."""
    if not _CHAIN_NAME.fullmatch(name):
        raise ValueError(f"{name!r} can't be a name in iptables")
    return name


def _interface(name: str) -> str:
    if not is_interface(name):
        raise ValueError(f"{name!r} can't be an interface in iptables")
    return name


def _owner(owner: Owner) -> str:
    if not is_owner(owner):
        raise ValueError(f"{owner!r} can't be a user or group in iptables")
    return str(owner)
