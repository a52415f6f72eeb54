"""Rules and journeys of packets in plain English."""

from collections.abc import Iterator
from typing import Final

from weft.redirect.packets import Packet
from weft.redirect.plan import (
    Accept,
    ArrivesBy,
    ConnectionMarkIs,
    DestinationIn,
    Drop,
    GroupIs,
    HandTo,
    JumpTo,
    LeavesBy,
    MarkIs,
    Match,
    Network,
    OtherMatch,
    OtherVerdict,
    PortIn,
    ProtocolIs,
    RedirectTo,
    RestoreMark,
    Return,
    Rule,
    SaveMark,
    SetMark,
    SetZone,
    SourceIn,
    SourcePortIs,
    StateIn,
    UserIs,
    Verdict,
)
from weft.redirect.simulate import Journey

_PROTOCOLS: Final = {"tcp": "TCP", "udp": "UDP"}
_LISTENERS: Final = {
    15001: "Envoy's outbound listener",
    15006: "Envoy's inbound listener",
    15053: "Envoy's DNS listener",
}
"""Istio's ports, which an order may change."""


def explain(rule: Rule) -> str:
    """One sentence: what the rule is for, and what it does with that."""
    subject = next((_PROTOCOLS[m.protocol] for m in rule.matches if isinstance(m, ProtocolIs)), None)
    ports = next((m for m in rule.matches if isinstance(m, PortIn | SourcePortIs)), None)
    subject = _PROTOCOLS[ports.protocol] if ports else subject or "everything"
    details = [text for match in rule.matches if (text := _match(match))]
    return f"{' '.join([subject, *details])}: {_verdict(rule.verdict)}"


def explain_journey(journey: Journey) -> str:
    """Where the packet ends, in one sentence."""
    sent = "sends" if journey.packet.direction == "out" else "gets"
    match journey.result:
        case "redirected":
            return f"redirected to {_listener(journey.port)}"
        case "handed":
            return f"handed over as it is to {_listener(journey.port)}"
        case "dropped":
            return "dropped"
    return f"passes by Envoy: the pod {sent} it as it is"


def explain_steps(journey: Journey) -> Iterator[str]:
    """The rules on the way, one line each."""
    for step in journey.steps:
        doubt = "" if step.certain else " (can't be judged: taken as if it were not there)"
        yield f"{step.table} {step.chain} {step.number + 1}: {explain(step.rule)}{doubt}"


def explain_packet(packet: Packet) -> str:
    """The packet in the words of a command line."""
    parts = [packet.direction, packet.protocol, _place(packet), f"by {packet.interface}"]
    if packet.source:
        parts.append(f"from {packet.source}")
    parts += [f"{name} {value}" for name, value in (("uid", packet.user), ("gid", packet.group)) if value is not None]
    parts += [f"mark {packet.mark:#x}"] if packet.mark else []
    return " ".join([*parts, "state", packet.state.lower()])


def _place(packet: Packet) -> str:
    return f"[{packet.destination}]:{packet.port}" if packet.family == "ip6" else f"{packet.destination}:{packet.port}"


def _match(match: Match) -> str:
    match match:
        case SourceIn(network, negated):
            return f"from {_other(negated, 'anywhere but ')}{_network(network)}"
        case DestinationIn(network, negated):
            return f"to {_other(negated, 'anywhere but ')}{_network(network)}"
        case ArrivesBy(interface, negated):
            return f"coming in by {_other(negated, 'another interface than ')}{interface}"
        case LeavesBy(interface, negated):
            return f"leaving by {_other(negated, 'another interface than ')}{interface}"
        case ProtocolIs():
            return ""
        case PortIn(_, ports, negated):
            plural = "port" if len(ports) == 1 else "ports"
            return f"to {_other(negated, 'any but ')}{plural} {', '.join(map(str, ports))}"
        case SourcePortIs(_, port):
            return f"from port {port}"
        case _:
            return _knowledge(match)


def _knowledge(match: Match) -> str:
    match match:
        case StateIn(states):
            return f"of a connection that is {' or '.join(states).lower()}"
        case MarkIs(mark, negated):
            return f"marked {_other(negated, 'other than ')}{mark:#x}"
        case ConnectionMarkIs(mark):
            return f"of a connection marked {mark:#x}"
        case UserIs(user, negated):
            return f"of {_other(negated, 'any user but ')}{'' if negated else 'user '}{user}"
        case GroupIs(group, negated):
            return f"of {_other(negated, 'any group but ')}{'' if negated else 'group '}{group}"
        case OtherMatch(text):
            return f"where `{text}`"
        case _:
            raise TypeError(f"{match} has no words")


def _verdict(verdict: Verdict) -> str:
    match verdict:
        case JumpTo(chain):
            return f"goes on in {chain}"
        case Return():
            return "is left alone here"
        case Accept():
            return "passes"
        case Drop():
            return "is dropped"
        case RedirectTo(port):
            return f"goes to {_listener(port)}"
        case HandTo(port, _):
            return f"is handed over as it is to {_listener(port)}"
        case _:
            return _note(verdict)


def _note(verdict: Verdict) -> str:
    match verdict:
        case SetMark(mark):
            return f"is marked {mark:#x}"
        case SaveMark():
            return "gives its mark to its connection"
        case RestoreMark():
            return "gets the mark of its connection"
        case SetZone(zone):
            return f"is tracked in zone {zone}"
        case OtherVerdict(text):
            return f"`{text}`" if text else "is counted"
        case _:
            raise TypeError(f"{verdict} has no words")


def _listener(port: int | None) -> str:
    return f"{_LISTENERS[port]} ({port})" if port in _LISTENERS else f"port {port}"


def _network(network: Network) -> str:
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _other(negated: bool, words: str) -> str:
    return words if negated else ""
