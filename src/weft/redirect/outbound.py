"""Which traffic of the pod's processes goes to Envoy: the chain ISTIO_OUTPUT."""

from collections.abc import Iterator
from typing import Final

from weft.redirect import names
from weft.redirect.plan import (
    DestinationIn,
    GroupIs,
    JumpTo,
    LeavesBy,
    Match,
    PortIn,
    Return,
    Rule,
    SourceIn,
    TransportProtocol,
    rule,
)
from weft.redirect.settings import DNS, Proxy, Settings

_BY_LOOPBACK: Final = LeavesBy("lo")
_PROTOCOLS: Final[tuple[TransportProtocol, ...]] = ("tcp", "udp")


def outbound_rules(order: Settings) -> Iterator[Rule]:
    """The rules of the chain; the first that matches decides."""
    for port in order.exclude_outbound_ports:
        for protocol in _PROTOCOLS:
            yield rule(Return(), PortIn(protocol, (port,)))
    yield rule(Return(), SourceIn(order.passthrough), _BY_LOOPBACK)
    for proxy in order.proxies:
        yield from _proxy_rules(proxy, order)
    yield from _group_rules(order)
    if order.captures_dns:
        yield rule(JumpTo(names.OUTBOUND_DNS))
    yield rule(Return(), DestinationIn(order.loopback))
    yield from _included(order)


def _proxy_rules(proxy: Proxy, order: Settings) -> Iterator[Rule]:
    """What tells Envoy's own connections from the application's.

    Envoy that calls this pod's own address (a service whose endpoint is the caller) enters again as inbound traffic;
    everything else of Envoy passes. The application talks to itself undisturbed, unless loopback is asked for. DNS that
    is captured is excepted from both: a server may listen on this pod, too.
    """
    names_excepted = order.captures_dns and proxy.asks_for_names
    direct = tuple(sorted({order.tunnel_port, *((DNS,) if names_excepted else ())}))
    not_loopback = DestinationIn(order.loopback, negated=True)
    yield rule(
        JumpTo(names.TO_INBOUND_LISTENER), not_loopback, _BY_LOOPBACK, PortIn("tcp", direct, negated=True), proxy.own
    )
    if not order.loopback_included:
        no_dns: list[Match] = [PortIn("tcp", (DNS,), negated=True)] if order.captures_dns else []
        yield rule(Return(), _BY_LOOPBACK, *no_dns, proxy.others)
    yield rule(Return(), proxy.own)


def _group_rules(order: Settings) -> Iterator[Rule]:
    """Whose traffic is captured at all."""
    if order.include_groups is not None:
        yield rule(Return(), *(GroupIs(group, negated=True) for group in order.include_groups))
    for group in order.exclude_groups:
        yield rule(Return(), GroupIs(group))


def _included(order: Settings) -> Iterator[Rule]:
    """Ranges that are left out, ports that are captured wherever they are, and ranges that are captured."""
    capture = JumpTo(names.TO_OUTBOUND_LISTENER)
    for network in order.exclude_networks:
        yield rule(Return(), DestinationIn(network))
    for port in order.include_outbound_ports:
        yield rule(capture, PortIn("tcp", (port,)))
    if order.include_networks is None:
        yield rule(capture)
    for network in order.include_networks or ():
        yield rule(capture, DestinationIn(network))
