"""Reads our tables out of what `nft list ruleset` prints. What is unknown in them is kept verbatim."""

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from typing import Final

from msgspec import Struct

from weft.redirect.nft import PREFIX
from weft.redirect.observed import Counters, Observed, Place
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

_TABLE: Final = re.compile(r"table (?P<family>\w+) (?P<name>[^\s{]+) \{")
_CHAIN: Final = re.compile(r"chain (\S+) \{")
_TYPE: Final = re.compile(r"type \w+ hook (\w+) priority [^;]+; policy (\w+);")
_COUNTER: Final = re.compile(r"(?:^|(?<= ))counter(?: packets (\d+) bytes (\d+))? ?")
_HOOKS: Final[dict[str, Hook]] = {
    "prerouting": "prerouting",
    "input": "input",
    "forward": "forward",
    "output": "output",
    "postrouting": "postrouting",
}
_PROTOCOLS: Final[dict[str, TransportProtocol]] = {"tcp": "tcp", "udp": "udp"}
_STATES: Final[dict[str, State]] = {
    "invalid": "INVALID",
    "new": "NEW",
    "established": "ESTABLISHED",
    "related": "RELATED",
    "untracked": "UNTRACKED",
}


class _Line(Struct, frozen=True):
    """A rule and what it has counted."""

    rule: Rule
    counters: Counters | None


class _OpenChain(Struct):
    name: str
    lines: list[_Line]
    hook: Hook | None = None
    drops: bool = False


def table_names(text: str) -> list[tuple[str, str]]:
    """Family and name of every table in the text."""
    return [(found["family"], found["name"]) for line in text.splitlines() if (found := _TABLE.fullmatch(line.strip()))]


def parse(text: str, family: Family) -> Observed:
    """Our rules of that family; all else in the text is left out."""
    read = [(name, list(_chains(lines))) for name, lines in _tables(text, family)]
    counters = {
        Place(name, _chain_name(chain), number): line.counters
        for name, chains in read
        for chain in chains
        for number, line in enumerate(chain.lines)
        if line.counters
    }
    return Observed(
        Ruleset(family, tables(*(Table(name, tuple(map(_chain, found))) for name, found in read))), counters
    )


def parse_rule(text: str) -> Rule:
    """One rule."""
    return _line(text).rule


def _tables(text: str, family: Family) -> Iterator[tuple[TableName, list[str]]]:
    """The lines of each of our tables. A table that is declared in parts is one table."""
    ours = {f"{PREFIX}{name}": name for name in TABLES}
    found: dict[TableName, list[str]] = {}
    current: TableName | None = None
    for line in map(str.strip, text.splitlines()):
        if start := _TABLE.fullmatch(line):
            current = ours.get(start["name"]) if start["family"] == family else None
        elif current:
            found.setdefault(current, []).append(line)
    return iter(found.items())


def _chains(lines: list[str]) -> Iterator[_OpenChain]:
    """Chains in order; an empty declaration before the chain itself only makes its name known."""
    current: _OpenChain | None = None
    for line in lines:
        if start := _CHAIN.fullmatch(line):
            current = _OpenChain(start[1], [])
        elif current and line == "}":
            yield _OpenChain(current.name, list(_folded(current.lines)), current.hook, current.drops)
            current = None
        elif current and (kind := _TYPE.fullmatch(line)):
            current.hook, current.drops = _HOOKS.get(kind[1]), kind[2] == "drop"
        elif current and line:
            current.lines.append(_line(line))


def _chain(chain: _OpenChain) -> Chain:
    return Chain(_chain_name(chain), tuple(line.rule for line in chain.lines), chain.hook, chain.drops)


def _chain_name(chain: _OpenChain) -> str:
    return chain.hook.upper() if chain.hook else chain.name


def _folded(lines: list[_Line]) -> Iterator[_Line]:
    """The lines without those that only say that a packet which finds no socket is dropped (see `nft`)."""
    before: _Line | None = None
    for line in lines:
        implied = before and isinstance(before.rule.verdict, HandTo) and line.rule.matches == before.rule.matches
        if not (implied and line.rule.verdict == Drop()):
            yield line
        before = line


def _line(text: str) -> _Line:
    counter = _COUNTER.search(text)
    if counter is None:
        return _Line(_uncounted(text), None)
    counters = Counters(int(counter[1]), int(counter[2])) if counter[1] else None
    matches = _matches(text[: counter.start()])
    return _Line(rule(_verdict(text[counter.end() :].strip()), *matches), counters)


def _uncounted(text: str) -> Rule:
    """A rule that is not ours, as all of ours count: its verdict is at the end."""
    words = text.split(" ")
    for index in range(len(words)):
        verdict = _verdict(" ".join(words[index:]))
        if not isinstance(verdict, OtherVerdict):
            return rule(verdict, *_matches(" ".join(words[:index])))
    return Rule((), OtherVerdict(text))


def _matches(text: str) -> Iterator[Match]:
    rest = text.strip()
    while rest:
        for pattern, make in _MATCHES:
            if (found := pattern.match(rest)) and (match := make(found)):
                yield match
                rest = rest[found.end() :].lstrip()
                break
        else:
            yield OtherMatch(rest)
            return


def _network(found: re.Match[str]) -> Match | None:
    try:
        network = ip_network(found["network"])
    except ValueError:
        return None
    return (SourceIn if found["which"] == "s" else DestinationIn)(network, bool(found["no"]))


def _interface(found: re.Match[str]) -> Match:
    name = f"{found['name'][:-1]}+" if found["name"].endswith("*") else found["name"]
    return (ArrivesBy if found["which"] == "i" else LeavesBy)(name, bool(found["no"]))


def _ports(found: re.Match[str]) -> Match | None:
    protocol, ports = _PROTOCOLS[found["protocol"]], tuple(sorted(map(int, re.findall(r"\d+", found["ports"]))))
    if found["which"] == "d":
        return PortIn(protocol, ports, bool(found["no"]))
    return SourcePortIs(protocol, ports[0]) if len(ports) == 1 and not found["no"] else None


def _states(found: re.Match[str]) -> Match | None:
    words = found["states"].split(",")
    return StateIn(tuple(sorted(_STATES[word] for word in words))) if all(word in _STATES for word in words) else None


def _owner(found: re.Match[str]) -> Match:
    return (UserIs if found["which"] == "u" else GroupIs)(int(found["id"]), bool(found["no"]))


_MATCHES: Final[list[tuple[re.Pattern[str], Callable[[re.Match[str]], Match | None]]]] = [
    (re.compile(r"ip6? (?P<which>[sd])addr (?P<no>!= )?(?P<network>[0-9a-f.:]+(?:/\d+)?)(?= |$)"), _network),
    (re.compile(r'(?P<which>[io])ifname (?P<no>!= )?"(?P<name>[^"]+)"(?= |$)'), _interface),
    (re.compile(r"meta l4proto (?P<protocol>tcp|udp)(?= |$)"), lambda found: ProtocolIs(_PROTOCOLS[found["protocol"]])),
    (
        re.compile(r"(?P<protocol>tcp|udp) (?P<which>[sd])port (?P<no>!= )?(?P<ports>\d+|\{ \d+(?:, \d+)* \})(?= |$)"),
        _ports,
    ),
    (re.compile(r"ct state (?P<states>[a-z]+(?:,[a-z]+)*)(?= |$)"), _states),
    (
        re.compile(r"meta mark (?P<no>!= )?(?P<mark>0x[0-9a-f]+)(?= |$)"),
        lambda found: MarkIs(int(found["mark"], 16), bool(found["no"])),
    ),
    (re.compile(r"ct mark (?P<mark>0x[0-9a-f]+)(?= |$)"), lambda found: ConnectionMarkIs(int(found["mark"], 16))),
    (re.compile(r"(?:meta )?sk(?P<which>[ug])id (?P<no>!= )?(?P<id>\d+)(?= |$)"), _owner),
]


def _verdict(text: str) -> Verdict:
    simple: dict[str, Verdict] = {
        "return": Return(),
        "accept": Accept(),
        "drop": Drop(),
        "ct mark set meta mark": SaveMark(),
        "ct mark set mark": SaveMark(),
        "meta mark set ct mark": RestoreMark(),
    }
    if text in simple:
        return simple[text]
    if found := re.fullmatch(r"jump (\S+)", text):
        return JumpTo(found[1])
    if found := re.fullmatch(r"redirect to :(\d+)", text):
        return RedirectTo(int(found[1]))
    if found := re.fullmatch(r"tproxy to :(\d+) meta mark set (0x[0-9a-f]+) accept", text):
        return HandTo(int(found[1]), int(found[2], 16))
    if found := re.fullmatch(r"meta mark set (0x[0-9a-f]+)", text):
        return SetMark(int(found[1], 16))
    if found := re.fullmatch(r"ct zone set (\d+)", text):
        return SetZone(int(found[1]))
    return OtherVerdict(text)
