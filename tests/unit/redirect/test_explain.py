"""weft.redirect: every rule has a sentence that says what it does."""

import pytest
from hypothesis import given, settings
from tests.unit.redirect.orders import orders

from weft.model.local import RedirectOrder
from weft.redirect.explain import explain, explain_journey, explain_packet, explain_steps
from weft.redirect.iptables_parse import parse_rule
from weft.redirect.packets import parse_packet
from weft.redirect.sidecar import sidecar_plan
from weft.redirect.simulate import simulate


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("-p tcp -j ISTIO_INBOUND", "TCP: goes on in ISTIO_INBOUND"),
        ("-p tcp -j REDIRECT --to-ports 15001", "TCP: goes to Envoy's outbound listener (15001)"),
        ("-p tcp -m tcp --dport 15021 -j RETURN", "TCP to port 15021: is left alone here"),
        (
            "! -d 127.0.0.1/32 -o lo -p tcp -m multiport ! --dports 53,15008 -m owner --uid-owner 1337 -j A",
            "TCP to anywhere but 127.0.0.1 leaving by lo to any but ports 53, 15008 of user 1337: goes on in A",
        ),
        (
            "-o lo -m owner ! --gid-owner 5 -j RETURN",
            "everything leaving by lo of any group but 5: is left alone here",
        ),
        ("-p udp -m udp --sport 53 -j CT --zone 1", "UDP from port 53: is tracked in zone 1"),
        ("-m conntrack --ctstate INVALID -j DROP", "everything of a connection that is invalid: is dropped"),
        ("-m addrtype --dst-type LOCAL -j LOG", "everything where `-m addrtype --dst-type LOCAL`: `LOG`"),
    ],
)
def test_rules_in_plain_english(text: str, sentence: str) -> None:
    assert explain(parse_rule(text)) == sentence


@given(orders())
@settings(deadline=None)
def test_nothing_that_we_write_is_without_words(order: RedirectOrder) -> None:
    for rules in sidecar_plan(order).rulesets:
        assert all(explain(rule) for table in rules.tables for chain in table.chains for rule in chain.rules)


def test_a_journey_in_plain_english() -> None:
    packet = parse_packet("out tcp 10.96.0.1:80 uid 1000")
    journey = simulate(sidecar_plan(RedirectOrder()).ruleset("ip"), packet)
    assert explain_packet(packet) == "out tcp 10.96.0.1:80 by eth0 uid 1000 state new"
    assert list(explain_steps(journey)) == [
        "nat OUTPUT 1: everything: goes on in ISTIO_OUTPUT",
        "nat ISTIO_OUTPUT 9: everything: goes on in ISTIO_REDIRECT",
        "nat ISTIO_REDIRECT 1: TCP: goes to Envoy's outbound listener (15001)",
    ]
    assert explain_journey(journey) == "redirected to Envoy's outbound listener (15001)"
