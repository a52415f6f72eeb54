"""weft.redirect: the rules of a sidecar are those of istio-iptables, whatever ports and ranges are in or out."""

import pytest

from weft.model.local import RedirectOrder
from weft.redirect import nft
from weft.redirect.iptables import render, rule_text
from weft.redirect.plan import Chain, Family, GroupIs, JumpTo, LeavesBy, Rule, Ruleset, Table, TableName, UserIs
from weft.redirect.sidecar import sidecar_plan

# What `istio-iptables -p 15001 -z 15006 -u 1337 -m REDIRECT -i * -b * -d 15090,15021,15020` leaves behind.
DEFAULT_RULES = """\
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:ISTIO_INBOUND - [0:0]
:ISTIO_REDIRECT - [0:0]
:ISTIO_IN_REDIRECT - [0:0]
:ISTIO_OUTPUT - [0:0]
-A PREROUTING -p tcp -j ISTIO_INBOUND
-A OUTPUT -j ISTIO_OUTPUT
-A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN
-A ISTIO_INBOUND -p tcp -m tcp --dport 15090 -j RETURN
-A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN
-A ISTIO_INBOUND -p tcp -m tcp --dport 15020 -j RETURN
-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
-A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT
-A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN
-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
-A ISTIO_OUTPUT -j ISTIO_REDIRECT
COMMIT
"""


def rules(chain: str, order: RedirectOrder, *, family: Family = "ip", table: TableName = "nat") -> list[str]:
    """The rules of one chain, without its name."""
    found = sidecar_plan(order).ruleset(family).table(table).chain(chain)
    return [rule_text(rule) for rule in found.rules] if found else []


def test_the_default_rules_are_those_of_istio_iptables() -> None:
    assert render(sidecar_plan(RedirectOrder()).ruleset("ip")) == DEFAULT_RULES


def test_listed_inbound_ports_are_the_only_ones_captured() -> None:
    order = RedirectOrder(include_inbound_ports=("80", "443"), exclude_inbound_ports=("443",))
    assert rules("ISTIO_INBOUND", order) == [
        "-p tcp -m tcp --dport 15008 -j RETURN",
        "-p tcp -m tcp --dport 80 -j ISTIO_IN_REDIRECT",
        "-p tcp -m tcp --dport 443 -j ISTIO_IN_REDIRECT",
    ]


def test_no_inbound_ports_means_no_inbound_capture() -> None:
    order = RedirectOrder(include_inbound_ports=())
    assert rules("PREROUTING", order) == []


def test_excluded_outbound_ports_come_before_everything_else() -> None:
    order = RedirectOrder(exclude_outbound_ports=("3306", "9200"))
    assert rules("ISTIO_OUTPUT", order)[:4] == [
        "-p tcp -m tcp --dport 3306 -j RETURN",
        "-p udp -m udp --dport 3306 -j RETURN",
        "-p tcp -m tcp --dport 9200 -j RETURN",
        "-p udp -m udp --dport 9200 -j RETURN",
    ]


def test_outbound_ranges_and_ports_stand_in_istios_order() -> None:
    order = RedirectOrder(
        include_outbound_cidrs=("10.0.0.0/8", "fd00::/8"),
        exclude_outbound_cidrs=("10.1.2.3/16", "fd01::/16"),
        include_outbound_ports=("8080",),
    )
    assert rules("ISTIO_OUTPUT", order)[-4:] == [
        "-d 127.0.0.1/32 -j RETURN",
        "-d 10.1.0.0/16 -j RETURN",
        "-p tcp -m tcp --dport 8080 -j ISTIO_REDIRECT",
        "-d 10.0.0.0/8 -j ISTIO_REDIRECT",
    ]


def test_loopback_is_left_alone_unless_it_is_included() -> None:
    alone = "-o lo -m owner ! --uid-owner 1337 -j RETURN"
    assert alone in rules("ISTIO_OUTPUT", RedirectOrder(include_outbound_cidrs=("10.0.0.0/8",)))
    assert alone not in rules("ISTIO_OUTPUT", RedirectOrder(include_outbound_cidrs=("127.1.0.0/16",)))


def test_other_ports_and_users_are_honoured() -> None:
    order = RedirectOrder(proxy_users=(2000,), outbound_port=16001, inbound_port=16006)
    assert rules("ISTIO_REDIRECT", order) == ["-p tcp -j REDIRECT --to-ports 16001"]
    assert rules("ISTIO_IN_REDIRECT", order) == ["-p tcp -j REDIRECT --to-ports 16006"]
    assert "-m owner --gid-owner 2000 -j RETURN" in rules("ISTIO_OUTPUT", order)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (RedirectOrder(exclude_inbound_ports=("80 -j ACCEPT",)), "exclude_inbound_ports: '80 -j ACCEPT' is no port"),
        (RedirectOrder(exclude_outbound_ports=("0",)), "exclude_outbound_ports: 0 is not between 1 and 65535"),
        (RedirectOrder(include_inbound_ports=("٨",)), "include_inbound_ports: '٨' is no port"),
        (RedirectOrder(include_outbound_cidrs=("10/8\nCOMMIT",)), "include_outbound_cidrs: .* is no address range"),
        (RedirectOrder(exclude_outbound_cidrs=("*",)), r"exclude_outbound_cidrs: '\*' is no address range"),
        (RedirectOrder(inbound_port=70000), "inbound_port: 70000 is not between 1 and 65535"),
        (RedirectOrder(proxy_users=(-1,)), "proxy_users: -1 is not between 0"),
    ],
)
def test_what_is_no_port_or_range_is_refused_by_name(order: RedirectOrder, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sidecar_plan(order)


def test_a_table_that_must_go_is_emptied() -> None:
    assert render(Ruleset("ip"), clear=["raw"]) == "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
    assert render(Ruleset("ip")) == ""


@pytest.mark.parametrize(
    "chain",
    [
        Chain("BAD NAME"),
        Chain("A\n-A OUTPUT -j DROP"),
        Chain("A", (Rule((LeavesBy("lo -j DROP"),), JumpTo("A")),)),
        Chain("A", (Rule((), JumpTo("B -j DROP")),)),
        Chain("A", (Rule((UserIs("root -j DROP"),), JumpTo("A")),)),
        Chain("A", (Rule((GroupIs('x"'),), JumpTo("A")),)),
    ],
)
def test_no_name_can_smuggle_in_a_rule(chain: Chain) -> None:
    rules = Ruleset("ip", (Table("nat", (chain,)),))
    with pytest.raises(ValueError, match="can't be"):
        render(rules)
    with pytest.raises(ValueError, match="can't be"):
        nft.render([rules])
