"""Rules in a real namespace send each packet where the plan says, whichever tool loaded them."""

from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from msgspec.structs import replace
from tests.e2e.redirect.cases import CASES, Case, packets
from tests.e2e.redirect.net import MACHINE, POD, Net

from weft.model.local import RedirectOrder
from weft.redirect import iptables, iptables_parse, nft, nft_parse
from weft.redirect.explain import explain_packet
from weft.redirect.packets import Packet
from weft.redirect.plan import Chain, Family, Plan, Ruleset
from weft.redirect.sidecar import sidecar_plan
from weft.redirect.simulate import simulate

pytestmark = pytest.mark.root

PREFERENCE = 100
_FAMILIES: tuple[Family, ...] = ("ip", "ip6")
_RESTORE = {"ip": "iptables-restore", "ip6": "ip6tables-restore"}
_SAVE = {"ip": "iptables-save", "ip6": "ip6tables-save"}


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    made = Net()
    yield made
    made.close()


def load(net: Net, plan: Plan, tool: str) -> None:
    net.run("pod", "nft", "flush", "ruleset")
    for option in ("-4", "-6"):
        net.run("pod", "sh", "-c", f"ip {option} rule delete priority {PREFERENCE} 2>/dev/null || true")
    if plan.route:
        for option, everything in (("-4", "0.0.0.0/0"), ("-6", "::/0")):
            mark, table = str(plan.route.mark), str(plan.route.table)
            net.run("pod", "ip", option, *f"rule add fwmark {mark} lookup {table} priority {PREFERENCE}".split())
            net.run("pod", "ip", option, *f"route replace local {everything} dev lo table {table}".split())
    if tool == "nft":
        net.run("pod", "nft", "-f", "-", stdin=nft.render(plan.rulesets))
    else:
        for rules in plan.rulesets:
            net.run("pod", _RESTORE[rules.family], stdin=iptables.render(rules))


def read_back(net: Net, family: Family, tool: str) -> Ruleset:
    if tool == "nft":
        return nft_parse.parse(net.run("pod", "nft", "list", "ruleset"), family).rules
    return iptables_parse.parse(net.run("pod", _SAVE[family], "-c"), family).rules


def send(net: Net, packet: Packet) -> str:
    """Who took the packet's connection."""
    where = "pod" if packet.direction == "out" else "machine" if str(packet.source) in MACHINE.values() else "outside"
    bound = packet.source if packet.direction == "out" else None
    heard = net.ask(
        where,
        packet.protocol,
        (str(packet.destination), packet.port),
        user=packet.user or 0,
        group=packet.group or 0,
        source=str(bound) if bound else "",
        mark=packet.mark,
    )
    who, _, meant = heard.partition(" ")
    assert meant in ("", f"{packet.destination} {packet.port}"), f"{explain_packet(packet)}: {heard}"
    return who


def foreseen(plan: Plan, packet: Packet) -> str:
    """Who should take it: the listener that it is led to, or the one that it is sent to."""
    journey = simulate(plan.ruleset(packet.family), packet, plan.route)
    assert journey.certain
    assert journey.result != "dropped"
    if journey.port:
        return str(journey.port)
    local = packet.interface == "lo" or (packet.direction == "in" and packet.interface != "k6t0")
    return str(packet.port) if local else "outside"


def chains(rules: Ruleset) -> dict[tuple[str, str], Chain]:
    """The tools list chains in an order of their own."""
    return {(table.name, chain.name): chain for table in rules.tables for chain in table.chains}


@pytest.mark.parametrize("tool", ["iptables", "nft"])
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_every_packet_goes_where_the_plan_says(net: Net, case: Case, tool: str) -> None:
    plan = sidecar_plan(case.order)
    load(net, plan, tool)
    families = _FAMILIES if case.order.ipv6 else _FAMILIES[:1]
    wrong = {
        explain_packet(packet): (heard, expected)
        for family in families
        for packet in packets(family, marked=plan.route is None)
        if (heard := send(net, packet)) != (expected := foreseen(plan, packet))
    }
    assert wrong == {}
    for rules in plan.rulesets:
        assert chains(read_back(net, rules.family, tool)) == chains(rules)


@pytest.mark.parametrize("tool", ["iptables", "nft"])
def test_invalid_packets_are_only_dropped_if_that_is_asked_for(net: Net, tool: str) -> None:
    target = (POD["ip"], 8080)
    packet = replace(
        Packet(direction="in", protocol="tcp", destination=ip_address(POD["ip"]), port=8080), state="INVALID"
    )
    for order in (RedirectOrder(), RedirectOrder(drop_invalid=True)):
        plan = sidecar_plan(order)
        load(net, plan, tool)
        assert net.is_answered(target) == (simulate(plan.ruleset("ip"), packet).result != "dropped")
        assert net.is_answered(target) == (not order.drop_invalid)


def test_there_are_enough_cases() -> None:
    assert len({case.order for case in CASES}) >= 40
    assert all(len(list(packets(family, marked=False))) > 80 for family in _FAMILIES)
