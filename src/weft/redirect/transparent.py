"""The table mangle: TPROXY for what comes in, so that Envoy sees connections as they are, and invalid packets.

Envoy calls the application from the client's own address and with the mark; the mark is kept with the connection, so
that the application's answers find back to Envoy by the routing table of `PolicyRoute`
(https://www.envoyproxy.io/docs/envoy/latest/configuration/listeners/listener_filters/original_src_filter).
"""

from collections.abc import Iterator
from typing import Final

from weft.redirect import names
from weft.redirect.plan import (
    Accept,
    ArrivesBy,
    Chain,
    ConnectionMarkIs,
    DestinationIn,
    Drop,
    HandTo,
    JumpTo,
    LeavesBy,
    MarkIs,
    Match,
    PortIn,
    ProtocolIs,
    RestoreMark,
    Return,
    Rule,
    SaveMark,
    SetMark,
    SourceIn,
    StateIn,
    Table,
    base_chain,
    rule,
)
from weft.redirect.settings import RETURNING_MARK, Settings

_TCP: Final = ProtocolIs("tcp")
_KNOWN: Final = StateIn(("ESTABLISHED", "RELATED"))


def mangle_table(order: Settings) -> Table:
    """The table; empty if nothing is asked for that it does."""
    return Table(
        "mangle",
        (
            base_chain("prerouting", *_entering(order)),
            base_chain("output", *(_leaving(order) if order.transparent else ())),
            *(_transparent_chains(order) if order.transparent else ()),
            *([Chain(names.DROP, (rule(Drop()),))] if order.drop_invalid else []),
        ),
    )


def _entering(order: Settings) -> Iterator[Rule]:
    if order.transparent:
        for interface in order.exclude_interfaces:
            yield rule(Return(), ArrivesBy(interface))
    if order.drop_invalid:
        yield rule(JumpTo(names.DROP), StateIn(("INVALID",)))
    if order.transparent and order.include_inbound_ports != []:
        yield rule(JumpTo(names.INBOUND), _TCP)
    if order.transparent:
        yield rule(SaveMark(), _TCP, MarkIs(order.tproxy_mark))


def _leaving(order: Settings) -> Iterator[Rule]:
    """Marks of packets of this pod: Envoy's calls of the pod itself, and answers to calls from clients' addresses."""
    for interface in order.exclude_interfaces:
        yield rule(Return(), LeavesBy(interface))
    yield rule(Return(), _TCP, LeavesBy("lo"), MarkIs(order.tproxy_mark))
    for proxy in order.proxies:
        not_loopback = DestinationIn(order.loopback, negated=True)
        yield rule(SetMark(RETURNING_MARK), not_loopback, _TCP, LeavesBy("lo"), proxy.own)
    yield rule(RestoreMark(), _TCP, ConnectionMarkIs(order.tproxy_mark))


def _transparent_chains(order: Settings) -> Iterator[Chain]:
    not_loopback = DestinationIn(order.loopback, negated=True)
    hand_over = rule(HandTo(order.inbound_port, order.tproxy_mark), not_loopback, _TCP)
    yield Chain(names.INBOUND, tuple(_inbound_rules(order)))
    yield Chain(names.DIVERT, (rule(SetMark(order.tproxy_mark)), rule(Accept())))
    yield Chain(names.TRANSPARENT, (hand_over,))


def _inbound_rules(order: Settings) -> Iterator[Rule]:
    """What goes to Envoy: neither what it sends itself, nor what the application sends to itself."""
    yield rule(Return(), _TCP, MarkIs(order.tproxy_mark))
    yield rule(Return(), _TCP, SourceIn(order.passthrough), ArrivesBy("lo"))
    yield rule(Return(), _TCP, ArrivesBy("lo"), MarkIs(RETURNING_MARK, negated=True))
    if order.include_inbound_ports is None:
        for port in order.exclude_inbound_ports:
            yield rule(Return(), PortIn("tcp", (port,)))
        yield from _captured(_TCP)
    for port in order.include_inbound_ports or ():
        yield from _captured(PortIn("tcp", (port,)))


def _captured(match: Match) -> Iterator[Rule]:
    yield rule(JumpTo(names.DIVERT), match, _KNOWN)
    yield rule(JumpTo(names.TRANSPARENT), match)
