"""weft.redirect: packets are followed through tables and hooks as the kernel does it."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.unit.redirect.orders import orders

from weft.model.local import RedirectOrder
from weft.redirect.packets import Packet, parse_packet
from weft.redirect.plan import (
    Accept,
    Chain,
    Drop,
    GroupIs,
    JumpTo,
    MarkIs,
    OtherMatch,
    OtherVerdict,
    RedirectTo,
    Return,
    Rule,
    Ruleset,
    SetMark,
    SetZone,
    Table,
    base_chain,
    rule,
    tables,
)
from weft.redirect.sidecar import sidecar_plan
from weft.redirect.simulate import Journey, simulate

OWN = ip_address("10.244.0.11")


def follow(order: RedirectOrder, text: str) -> Journey:
    plan = sidecar_plan(order)
    packet = parse_packet(text, [OWN])
    return simulate(plan.ruleset(packet.family), packet, plan.route)


@pytest.mark.parametrize(
    ("text", "result", "port"),
    [
        ("out tcp 10.96.0.1:80 uid 1000", "redirected", 15001),
        ("out tcp 10.96.0.1:80 uid 1337", "passes", None),
        ("out tcp :8080 uid 1000", "passes", None),
        ("out tcp :8080 uid 1337", "redirected", 15006),
        ("out tcp :8080 uid 1337 from 127.0.0.6", "passes", None),
        ("out tcp :15008 uid 1337", "passes", None),
        ("out udp 10.96.0.10:53 uid 1000", "passes", None),
        ("in tcp :8080", "redirected", 15006),
        ("in tcp :15021", "passes", None),
        ("in udp :8080", "passes", None),
        ("in tcp :8080 state established", "passes", None),
    ],
)
def test_packets_go_as_in_a_pod_of_istio(text: str, result: str, port: int | None) -> None:
    journey = follow(RedirectOrder(), text)
    assert (journey.result, journey.port, journey.certain) == (result, port, True)


def test_the_path_names_every_rule_that_matched() -> None:
    path = [(s.hook, s.table, s.chain, s.number) for s in follow(RedirectOrder(), "out tcp 10.96.0.1:80").steps]
    assert path == [
        ("output", "nat", "OUTPUT", 0),
        ("output", "nat", "ISTIO_OUTPUT", 8),
        ("output", "nat", "ISTIO_REDIRECT", 0),
    ]


def test_tproxy_hands_over_what_comes_in_and_keeps_what_is_known_with_it() -> None:
    order = RedirectOrder(interception="tproxy")
    journey = follow(order, "in tcp :8080")
    assert (journey.result, journey.port, journey.packet.mark) == ("handed", 15006, 1337)
    assert journey.packet.destination == OWN
    assert follow(order, "in tcp :8080 state established").packet.mark == 1337
    answer = replace(parse_packet("out tcp 10.244.0.12:40000 uid 1000 state established"), connection_mark=1337)
    plan = sidecar_plan(order)
    assert simulate(plan.ruleset("ip"), answer, plan.route).packet.interface == "lo"


def test_names_that_are_asked_for_go_to_envoy_in_a_zone_of_their_own() -> None:
    order = RedirectOrder(capture_dns=True, dns_servers=("10.96.0.10",))
    asked = follow(order, "out udp 10.96.0.10:53 uid 1000")
    assert (asked.result, asked.port, asked.zone) == ("redirected", 15053, 2)
    assert follow(order, "out udp 10.96.0.10:53 uid 1337").zone == 1
    assert follow(order, "out udp 192.0.2.1:53 uid 1000").result == "passes"
    assert follow(order, "in udp :40000 from 10.96.0.10:53 state established").zone == 1


def test_invalid_packets_are_dropped_if_that_is_asked_for() -> None:
    assert follow(RedirectOrder(drop_invalid=True), "in tcp :8080 state invalid").result == "dropped"
    assert follow(RedirectOrder(), "in tcp :8080 state invalid").result == "passes"


def test_a_rule_that_is_not_understood_makes_the_result_uncertain_and_is_passed_over() -> None:
    chain = base_chain("prerouting", rule(Drop(), OtherMatch("-m odd")), rule(OtherVerdict("LOG")), rule(RedirectTo(1)))
    journey = simulate(Ruleset("ip", (Table("nat", (chain,)),)), parse_packet("in tcp 10.0.0.1:80"))
    assert (journey.result, journey.port, journey.certain) == ("redirected", 1, False)
    assert [step.certain for step in journey.steps] == [False, False, True]


def test_a_rule_that_does_not_match_anyway_leaves_no_doubt() -> None:
    chain = base_chain("prerouting", rule(Drop(), OtherMatch("-m odd"), MarkIs(5)))
    assert simulate(Ruleset("ip", (Table("nat", (chain,)),)), parse_packet("in tcp 10.0.0.1:80")).certain


def test_a_group_by_name_can_not_be_judged() -> None:
    journey = follow(RedirectOrder(exclude_owner_groups=("java",)), "out tcp 10.96.0.1:80 gid 5")
    assert not journey.certain
    chain = base_chain("output", rule(Drop(), GroupIs("java")))
    assert simulate(Ruleset("ip", (Table("filter", (chain,)),)), parse_packet("out tcp 10.0.0.1:80")).result == "passes"


def walk(*chains: Chain, packet: str = "out tcp 10.0.0.1:80") -> Journey:
    return simulate(Ruleset("ip", tables(Table("mangle", chains))), parse_packet(packet))


def test_return_leads_back_and_accept_ends_the_table() -> None:
    inner = Chain("A", (rule(Return()), rule(Drop())))
    assert walk(base_chain("output", rule(JumpTo("A")), rule(SetMark(1))), inner).packet.mark == 1
    inner = Chain("A", (rule(Accept()),))
    assert walk(base_chain("output", rule(JumpTo("A")), rule(SetMark(1))), inner).packet.mark == 0


def test_policies_count_at_the_end_of_base_chains_and_after_return() -> None:
    assert walk(base_chain("output", rule(SetMark(1)), drops=True)).result == "dropped"
    assert walk(base_chain("output", rule(Return()), drops=True)).result == "dropped"
    assert walk(base_chain("output", rule(Accept()), drops=True)).result == "passes"


def test_loops_and_chains_that_are_not_there_end_the_walk() -> None:
    assert not walk(base_chain("output", rule(JumpTo("A"))), Chain("A", (rule(JumpTo("A")),))).certain
    assert not walk(base_chain("output", rule(JumpTo("NOWHERE")))).certain


def test_the_first_zone_counts() -> None:
    chain = base_chain("output", rule(SetZone(1)), rule(SetZone(2)))
    assert simulate(Ruleset("ip", (Table("raw", (chain,)),)), parse_packet("out udp 10.0.0.1:53")).zone == 1


def mirrored(packet: Packet) -> Packet:
    """The same packet of the other family."""
    return replace(packet, destination=_mirror(packet.destination), source=packet.source and _mirror(packet.source))


def _mirror(address: IPv4Address | IPv6Address) -> IPv6Address:
    known = {"127.0.0.1": "::1", "127.0.0.6": "::6", "10.96.0.10": "fd00::10"}
    return IPv6Address(known.get(str(address)) or f"2001:db8:1::{int(address) & 0xFFFF:x}")


_PACKETS = st.builds(
    Packet,
    direction=st.sampled_from(["in", "out"]),
    protocol=st.sampled_from(["tcp", "udp"]),
    destination=st.sampled_from(["127.0.0.1", "10.244.0.11", "10.96.0.10", "192.0.2.1"]).map(ip_address),
    source=st.sampled_from(["127.0.0.6", "10.244.0.11"]).map(ip_address),
    port=st.sampled_from([53, 80, 8080, 15008, 15021]),
    interface=st.sampled_from(["lo", "eth0", "eth1", "k6t-0"]),
    user=st.sampled_from([0, 1337, 5]),
    group=st.sampled_from([0, 1337, 5]),
    mark=st.sampled_from([0, 1337, 1338]),
    state=st.sampled_from(["NEW", "ESTABLISHED", "INVALID"]),
)


@given(orders(), _PACKETS)
@settings(deadline=None)
def test_families_agree_where_the_order_says_the_same_of_both(order: RedirectOrder, packet: Packet) -> None:
    same = replace(
        order,
        include_outbound_cidrs=("*",),
        exclude_outbound_cidrs=("10.96.0.10", "fd00::10"),
        dns_servers=("10.96.0.10", "fd00::10"),
        loopback_cidr="127.0.0.1/32",
    )
    plan = sidecar_plan(same)
    four = simulate(plan.ruleset("ip"), packet, plan.route)
    six = simulate(plan.ruleset("ip6"), mirrored(packet), plan.route)
    assert (four.result, four.port, four.zone, four.packet.mark) == (six.result, six.port, six.zone, six.packet.mark)
    assert [(s.table, s.chain, s.number) for s in four.steps] == [(s.table, s.chain, s.number) for s in six.steps]


def test_the_empty_plan_leaves_everything_alone() -> None:
    assert follow(RedirectOrder(interception="none"), "in tcp :80").steps == ()


def test_rules_need_no_order_of_chains() -> None:
    made = Rule((), RedirectTo(9))
    chains = (Chain("A", (made,)), base_chain("prerouting", rule(JumpTo("A"))))
    assert simulate(Ruleset("ip", (Table("nat", chains),)), parse_packet("in tcp 10.0.0.1:80")).port == 9
