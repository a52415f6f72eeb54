"""DNS that goes to Envoy: redirected in nat, and kept in connection tracking zones of its own in raw.

Without zones, a client's question and Envoy's own to the same server could be taken for one connection
(https://github.com/istio/istio/issues/33469). Zone 1 has what Envoy and servers say to each other, zone 2 what Envoy
and its clients do.
"""

from collections.abc import Iterator
from typing import Final

from weft.redirect import names
from weft.redirect.plan import (
    Chain,
    DestinationIn,
    JumpTo,
    MarkIs,
    Match,
    PortIn,
    RedirectTo,
    Rule,
    SetZone,
    SourceIn,
    SourcePortIs,
    Table,
    TransportProtocol,
    base_chain,
    rule,
)
from weft.redirect.settings import DNS, Settings

_PROTOCOLS: Final[tuple[TransportProtocol, ...]] = ("tcp", "udp")
_WITH_SERVERS: Final = SetZone(1)
_WITH_CLIENTS: Final = SetZone(2)
_QUESTION: Final = PortIn("udp", (DNS,))
_ANSWER: Final = SourcePortIs("udp", DNS)


def nat_chains(order: Settings) -> Iterator[Chain]:
    """The chain that redirects questions, if any are captured."""
    if order.captures_dns:
        yield Chain(names.OUTBOUND_DNS, tuple(_redirects(order)))


def raw_table(order: Settings) -> Table:
    """The table that keeps questions and answers in their zones; empty if no DNS is captured."""
    if not order.captures_dns:
        return Table("raw")
    return Table(
        "raw",
        (
            base_chain("prerouting", rule(JumpTo(names.INBOUND))),
            base_chain("output", rule(JumpTo(names.OUTBOUND_DNS))),
            Chain(names.INBOUND, tuple(rule(_WITH_SERVERS, _ANSWER, *source) for source in _from_servers(order))),
            Chain(names.OUTBOUND_DNS, tuple(_zones(order))),
        ),
    )


def _redirects(order: Settings) -> Iterator[Rule]:
    for protocol in _PROTOCOLS:
        for destination in _to_servers(order):
            yield rule(RedirectTo(order.dns_port), PortIn(protocol, (DNS,)), *destination)


def _zones(order: Settings) -> Iterator[Rule]:
    for proxy in order.proxies:
        yield rule(_WITH_SERVERS, _QUESTION, proxy.own)
        # Answers of a listening socket need not have the mark that connections have.
        own = [] if isinstance(proxy.own, MarkIs) else [proxy.own]
        yield rule(_WITH_CLIENTS, SourcePortIs("udp", order.dns_port), *own)
    for destination in _to_servers(order):
        yield rule(_WITH_CLIENTS, _QUESTION, *destination)


def _to_servers(order: Settings) -> list[list[Match]]:
    return [[]] if order.dns_servers is None else [[DestinationIn(server)] for server in order.dns_servers]


def _from_servers(order: Settings) -> list[list[Match]]:
    return [[]] if order.dns_servers is None else [[SourceIn(server)] for server in order.dns_servers]
