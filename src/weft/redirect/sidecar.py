"""The plan that leads a pod's traffic through its sidecar: chains, order and exceptions are those of `istio-iptables`.

So whoever knows an Istio pod's rules knows these
(https://istio.io/latest/docs/reference/commands/pilot-agent/#pilot-agent-istio-iptables).
"""

from collections.abc import Iterator

from weft.model.local import RedirectOrder
from weft.redirect import dns, names, transparent
from weft.redirect.outbound import outbound_rules
from weft.redirect.plan import (
    ArrivesBy,
    Chain,
    DestinationIn,
    JumpTo,
    LeavesBy,
    Plan,
    PolicyRoute,
    PortIn,
    ProtocolIs,
    RedirectTo,
    Return,
    Rule,
    Ruleset,
    Table,
    base_chain,
    rule,
    tables,
)
from weft.redirect.settings import Settings, route_table, settings

_TCP = ProtocolIs("tcp")


def sidecar_plan(order: RedirectOrder) -> Plan:
    """The plan for one pod. Raises OrderError (a ValueError) naming the field that means nothing."""
    by_family = [settings(order, family) for family in (("ip", "ip6") if order.ipv6 else ("ip",))]
    table = route_table(order)
    if order.interception == "none":
        return Plan()
    return Plan(
        tuple(_ruleset(share) for share in by_family),
        PolicyRoute(order.tproxy_mark, table) if order.interception == "tproxy" else None,
        tuple(str(share.passthrough.network_address) for share in by_family if share.family == "ip6"),
    )


def _ruleset(order: Settings) -> Ruleset:
    return Ruleset(order.family, tables(dns.raw_table(order), transparent.mangle_table(order), _nat_table(order)))


def _nat_table(order: Settings) -> Table:
    return Table(
        "nat",
        (
            base_chain("prerouting", *_entering(order)),
            base_chain("output", *_leaving(order)),
            Chain(names.INBOUND, tuple(_inbound_rules(order))),
            Chain(names.TO_OUTBOUND_LISTENER, (rule(RedirectTo(order.outbound_port), _TCP),)),
            Chain(names.TO_INBOUND_LISTENER, (rule(RedirectTo(order.inbound_port), _TCP),)),
            Chain(names.OUTBOUND, tuple(outbound_rules(order))),
            *dns.nat_chains(order),
        ),
    )


def _entering(order: Settings) -> Iterator[Rule]:
    """What comes from virtual machines is treated as sent from here; all else as coming from outside."""
    networks = [None] if order.include_networks is None else order.include_networks
    for network in reversed(networks):
        for interface in reversed(order.virtual_interfaces):
            destination = [DestinationIn(network)] if network else []
            yield rule(JumpTo(names.TO_OUTBOUND_LISTENER), ArrivesBy(interface), *destination)
    for interface in reversed(order.virtual_interfaces):
        yield rule(Return(), ArrivesBy(interface))
    for interface in order.exclude_interfaces:
        yield rule(Return(), ArrivesBy(interface))
    if order.include_inbound_ports != [] and not order.transparent:
        yield rule(JumpTo(names.INBOUND), _TCP)


def _leaving(order: Settings) -> Iterator[Rule]:
    for interface in order.exclude_interfaces:
        yield rule(Return(), LeavesBy(interface))
    yield rule(JumpTo(names.OUTBOUND))


def _inbound_rules(order: Settings) -> Iterator[Rule]:
    """Which connections from outside go to Envoy. With a list of ports, only those; no list at all: none."""
    yield rule(Return(), PortIn("tcp", (order.tunnel_port,)))
    if order.transparent:
        return
    if order.include_inbound_ports is None:
        for port in order.exclude_inbound_ports:
            yield rule(Return(), PortIn("tcp", (port,)))
        yield rule(JumpTo(names.TO_INBOUND_LISTENER), _TCP)
    for port in order.include_inbound_ports or ():
        yield rule(JumpTo(names.TO_INBOUND_LISTENER), PortIn("tcp", (port,)))
