"""A plan as input of `iptables-restore`.

The text replaces the whole nat table in one transaction, so applying it is atomic and may be repeated; the empty plan's
text removes every rule. Only use it in a network namespace that is ours alone.
"""

import re
from typing import Final

from weft.redirect.plan import (
    Chain,
    DestinationIn,
    GroupIs,
    Hook,
    JumpTo,
    LeavesBy,
    Match,
    Plan,
    PortIs,
    ProtocolIs,
    RedirectTo,
    Return,
    Rule,
    SourceIn,
    UserIs,
    Verdict,
)

_BASE_CHAINS: Final[dict[Hook, str]] = {"prerouting": "PREROUTING", "output": "OUTPUT"}

# iptables(8): chain names have less than 29 characters; an interface has at most 15.
_CHAIN_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{0,27}")
_INTERFACE: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,14}")


def render(plan: Plan) -> str:
    """The text for `iptables-restore`. Raises ValueError for a name that iptables would not take."""
    own = [chain for chain in plan.chains if chain.hook is None]
    lines = ["*nat", *(f":{name} ACCEPT [0:0]" for name in _BASE_CHAINS.values())]
    lines += [f":{_checked(_CHAIN_NAME, chain.name)} - [0:0]" for chain in own]
    lines += [_rule(_name(chain), rule) for chain in plan.chains for rule in chain.rules]
    return "\n".join([*lines, "COMMIT", ""])


def _name(chain: Chain) -> str:
    return _BASE_CHAINS[chain.hook] if chain.hook else chain.name


def _rule(chain: str, rule: Rule) -> str:
    return " ".join(["-A", chain, *(_match(match) for match in rule.matches), "-j", _verdict(rule.verdict)])


def _match(match: Match) -> str:
    match match:
        case ProtocolIs(protocol):
            return f"-p {protocol}"
        case PortIs(protocol, port, negated):
            return f"-p {protocol} -m {protocol} {_not(negated)}--dport {port:d}"
        case SourceIn(network):
            return f"-s {network}"
        case DestinationIn(network, negated):
            return f"{_not(negated)}-d {network}"
        case LeavesBy(interface):
            return f"-o {_checked(_INTERFACE, interface)}"
        case UserIs(user, negated):
            return f"-m owner {_not(negated)}--uid-owner {user:d}"
        case GroupIs(group, negated):
            return f"-m owner {_not(negated)}--gid-owner {group:d}"


def _verdict(verdict: Verdict) -> str:
    match verdict:
        case JumpTo(chain):
            return _checked(_CHAIN_NAME, chain)
        case Return():
            return "RETURN"
        case RedirectTo(port):
            return f"REDIRECT --to-ports {port:d}"


def _not(negated: bool) -> str:
    return "! " if negated else ""


def _checked(allowed: re.Pattern[str], name: str) -> str:
    """The name itself, if nothing in it could be read as more than a name."""
    if not allowed.fullmatch(name):
        raise ValueError(f"{name!r} can't be a name in iptables")
    return name
