"""The plan that leads a pod's TCP through its sidecar: the same effect as `istio-iptables` with REDIRECT.

Chains, their order and their exceptions are Istio's, so that whoever knows an Istio pod's rules knows these
(https://istio.io/latest/docs/reference/commands/pilot-agent/#pilot-agent-istio-iptables).
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, ip_network
from typing import Final

from weft.model.local import RedirectOrder
from weft.redirect.plan import (
    Chain,
    DestinationIn,
    GroupIs,
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
)

INBOUND: Final = "ISTIO_INBOUND"
OUTBOUND: Final = "ISTIO_OUTPUT"
TO_INBOUND_LISTENER: Final = "ISTIO_IN_REDIRECT"
TO_OUTBOUND_LISTENER: Final = "ISTIO_REDIRECT"

HBONE_PORT: Final = 15008
"""Tunnelled traffic is addressed to Envoy itself (`istio-iptables --inbound-tunnel-port`)."""

PASSTHROUGH_SOURCE: Final = IPv4Network("127.0.0.6/32")
"""Envoy's inbound connections to the application are bound to this address, so that they are known here."""

_LOCALHOST: Final = IPv4Network("127.0.0.1/32")
_LOOPBACK: Final = IPv4Network("127.0.0.0/8")
_TCP: Final = ProtocolIs("tcp")
_BY_LOOPBACK: Final = LeavesBy("lo")
_EVERYTHING: Final = "*"


def sidecar_plan(order: RedirectOrder) -> Plan:
    """The chains for one pod. IPv6 ranges are left out: they belong to the rules of that family.

    Raises ValueError naming the field for what is no port, no range or no user.
    """
    inbound = _inbound_rules(order)
    return Plan(
        (
            Chain("PREROUTING", (Rule((_TCP,), JumpTo(INBOUND)),) if inbound else (), hook="prerouting"),
            Chain("OUTPUT", (Rule((_TCP,), JumpTo(OUTBOUND)),), hook="output"),
            Chain(INBOUND, inbound),
            Chain(TO_OUTBOUND_LISTENER, (Rule((_TCP,), RedirectTo(_listener(order.outbound_port, "outbound_port"))),)),
            Chain(TO_INBOUND_LISTENER, (Rule((_TCP,), RedirectTo(_listener(order.inbound_port, "inbound_port"))),)),
            Chain(OUTBOUND, tuple(_outbound_rules(order))),
        )
    )


def _inbound_rules(order: RedirectOrder) -> tuple[Rule, ...]:
    """Which connections from outside go to Envoy. With a list of ports, only those; no list at all: none."""
    if not order.include_inbound_ports:
        return ()
    tunnel = Rule((PortIs("tcp", HBONE_PORT),), Return())
    if _EVERYTHING not in order.include_inbound_ports:
        included = _ports(order.include_inbound_ports, "include_inbound_ports")
        return (tunnel, *(Rule((port,), JumpTo(TO_INBOUND_LISTENER)) for port in included))
    excluded = _ports(order.exclude_inbound_ports, "exclude_inbound_ports")
    return (
        tunnel,
        *(Rule((port,), Return()) for port in excluded),
        Rule((_TCP,), JumpTo(TO_INBOUND_LISTENER)),
    )


def _outbound_rules(order: RedirectOrder) -> Iterator[Rule]:
    """Which connections of the pod's processes go to Envoy; the first rule that matches decides."""
    everything = _EVERYTHING in order.include_outbound_cidrs
    included = [] if everything else _networks(order.include_outbound_cidrs, "include_outbound_cidrs")
    user = _number(order.proxy_user, "proxy_user", 2**32 - 2)
    for port in _ports(order.exclude_outbound_ports, "exclude_outbound_ports"):
        yield Rule((port,), Return())
    yield Rule((SourceIn(PASSTHROUGH_SOURCE), _BY_LOOPBACK), Return())
    loopback_included = any(network.subnet_of(_LOOPBACK) for network in included)
    yield from _proxy_rules(UserIs(user), UserIs(user, negated=True), loopback_included=loopback_included)
    yield from _proxy_rules(GroupIs(user), GroupIs(user, negated=True), loopback_included=loopback_included)
    yield Rule((DestinationIn(_LOCALHOST),), Return())
    for network in _networks(order.exclude_outbound_cidrs, "exclude_outbound_cidrs"):
        yield Rule((DestinationIn(network),), Return())
    for port in _ports(order.include_outbound_ports, "include_outbound_ports"):
        yield Rule((port,), JumpTo(TO_OUTBOUND_LISTENER))
    for network in included:
        yield Rule((DestinationIn(network),), JumpTo(TO_OUTBOUND_LISTENER))
    if everything:
        yield Rule((), JumpTo(TO_OUTBOUND_LISTENER))


def _proxy_rules(proxy: Match, others: Match, *, loopback_included: bool) -> Iterator[Rule]:
    """What tells Envoy's own connections from the application's.

    Envoy that calls this pod's own address (a service whose endpoint is the caller) enters again as inbound traffic;
    everything else of Envoy passes. The application talks to itself undisturbed, unless loopback is asked for.
    """
    not_localhost = DestinationIn(_LOCALHOST, negated=True)
    not_tunnel = PortIs("tcp", HBONE_PORT, negated=True)
    yield Rule((not_localhost, _BY_LOOPBACK, not_tunnel, proxy), JumpTo(TO_INBOUND_LISTENER))
    if not loopback_included:
        yield Rule((_BY_LOOPBACK, others), Return())
    yield Rule((proxy,), Return())


def _ports(texts: Iterable[str], field: str) -> list[PortIs]:
    """One match for each port, in order."""
    matches = []
    for text in texts:
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"{field}: {text!r} is no port: write a number between 1 and 65535")
        matches.append(PortIs("tcp", _listener(int(text), field)))
    return matches


def _listener(port: int, field: str) -> int:
    """The port itself, if it is one."""
    return _number(port, field, 65_535, least=1)


def _number(value: int, field: str, most: int, *, least: int = 0) -> int:
    if not least <= value <= most:
        raise ValueError(f"{field}: {value} is not between {least} and {most}")
    return value


def _networks(texts: Iterable[str], field: str) -> list[IPv4Network]:
    """The IPv4 ranges among `texts`; host bits are ignored, as Istio does."""
    networks = []
    for text in texts:
        try:
            network = ip_network(text, strict=False)
        except ValueError as error:
            raise ValueError(f"{field}: {text!r} is no address range: write one like 10.0.0.0/8") from error
        if isinstance(network, IPv4Network):
            networks.append(network)
    return networks
