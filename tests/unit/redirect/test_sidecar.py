"""weft.redirect: the rules of a sidecar are those of istio-iptables, whatever is asked for."""

import pytest

from weft.model.local import RedirectOrder
from weft.redirect import nft
from weft.redirect.iptables import render, rule_text
from weft.redirect.plan import (
    Chain,
    Family,
    GroupIs,
    JumpTo,
    LeavesBy,
    PolicyRoute,
    Rule,
    Ruleset,
    Table,
    TableName,
    UserIs,
)
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
        (RedirectOrder(exclude_outbound_cidrs=("fd00::%x\nCOMMIT",)), "exclude_outbound_cidrs: .* is no address range"),
        (RedirectOrder(exclude_outbound_cidrs=("*",)), r"exclude_outbound_cidrs: '\*' is no address range"),
        (RedirectOrder(inbound_port=70000), "inbound_port: 70000 is not between 1 and 65535"),
        (RedirectOrder(proxy_users=(-1,)), "proxy_users: -1 is not between 0"),
        (RedirectOrder(proxy_users=("root -j DROP",)), "proxy_users: 'root -j DROP' is no user or group"),
        (RedirectOrder(proxy_groups=(2**32,)), "proxy_groups: 4294967296 is not between 0"),
        (RedirectOrder(include_inbound_ports=("*", "80")), r"include_inbound_ports: '\*' stands for everything"),
        (RedirectOrder(include_outbound_cidrs=("*", "10.0.0.0/8")), "include_outbound_cidrs: .* write it alone"),
        (RedirectOrder(loopback_cidr="10.0.0.0/8"), "loopback_cidr: .* is no range of IPv4 loopback addresses"),
        (RedirectOrder(exclude_interfaces=("eth0 -j DROP",)), "exclude_interfaces: .* is no interface"),
        (RedirectOrder(virtual_interfaces=("a" * 16,)), "virtual_interfaces: .* is no interface"),
        (RedirectOrder(capture_dns=True), "dns_servers: .* no server is named"),
        (RedirectOrder(capture_dns=True, dns_servers=("10.0.0.0/8",)), "dns_servers: '10.0.0.0/8' is no address"),
        (RedirectOrder(interception="tproxy", tproxy_table=254), "tproxy_table: 254 is one of the machine's own"),
        (RedirectOrder(interception="tproxy", proxy_mark=1337), "proxy_mark: TPROXY marks packets itself"),
        (RedirectOrder(include_owner_groups=tuple(range(65))), "include_owner_groups: 65 groups are too many"),
        (
            RedirectOrder(include_owner_groups=(5,), exclude_owner_groups=(6,)),
            "exclude_owner_groups: they only apply where all groups are included",
        ),
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


def test_an_order_for_ipv6_has_rules_of_both_families_with_their_own_addresses() -> None:
    order = RedirectOrder(ipv6=True, include_outbound_cidrs=("10.0.0.0/8", "fd00::/8"))
    assert rules("ISTIO_OUTPUT", order, family="ip6")[-2:] == ["-d ::1/128 -j RETURN", "-d fd00::/8 -j ISTIO_REDIRECT"]
    assert rules("ISTIO_OUTPUT", order, family="ip6")[0] == "-s ::6/128 -o lo -j RETURN"
    assert sidecar_plan(order).loopback_addresses == ("::6",)
    assert sidecar_plan(RedirectOrder()).ruleset("ip6").tables == ()


def test_without_interception_there_are_no_rules() -> None:
    assert sidecar_plan(RedirectOrder(interception="none", ipv6=True)).rulesets == ()


def test_tproxy_is_in_mangle_in_istios_order() -> None:
    order = RedirectOrder(interception="tproxy", exclude_interfaces=("eth1",), drop_invalid=True)
    assert rules("PREROUTING", order, table="mangle") == [
        "-i eth1 -j RETURN",
        "-m conntrack --ctstate INVALID -j ISTIO_DROP",
        "-p tcp -j ISTIO_INBOUND",
        "-p tcp -m mark --mark 0x539 -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff",
    ]
    assert rules("ISTIO_INBOUND", order, table="mangle") == [
        "-p tcp -m mark --mark 0x539 -j RETURN",
        "-s 127.0.0.6/32 -i lo -p tcp -j RETURN",
        "-i lo -p tcp -m mark ! --mark 0x53a -j RETURN",
        "-p tcp -m tcp --dport 15090 -j RETURN",
        "-p tcp -m tcp --dport 15021 -j RETURN",
        "-p tcp -m tcp --dport 15020 -j RETURN",
        "-p tcp -m conntrack --ctstate ESTABLISHED,RELATED -j ISTIO_DIVERT",
        "-p tcp -j ISTIO_TPROXY",
    ]
    assert rules("PREROUTING", order) == ["-i eth1 -j RETURN"]
    assert sidecar_plan(order).route == PolicyRoute(1337, 133)


def test_dns_is_redirected_after_envoys_own_and_tracked_in_zones() -> None:
    order = RedirectOrder(capture_dns=True, dns_servers=("10.96.0.10", "fd00::10"), ipv6=True)
    assert rules("ISTIO_OUTPUT", order)[1:3] == [
        (
            "! -d 127.0.0.1/32 -o lo -p tcp -m multiport ! --dports 53,15008 -m owner --uid-owner 1337 "
            "-j ISTIO_IN_REDIRECT"
        ),
        "-o lo -p tcp -m tcp ! --dport 53 -m owner ! --uid-owner 1337 -j RETURN",
    ]
    assert rules("ISTIO_OUTPUT_DNS", order) == [
        "-d 10.96.0.10/32 -p tcp -m tcp --dport 53 -j REDIRECT --to-ports 15053",
        "-d 10.96.0.10/32 -p udp -m udp --dport 53 -j REDIRECT --to-ports 15053",
    ]
    assert rules("ISTIO_INBOUND", order, family="ip6", table="raw") == [
        "-s fd00::10/128 -p udp -m udp --sport 53 -j CT --zone 1"
    ]


def test_only_members_of_included_groups_are_captured() -> None:
    order = RedirectOrder(include_owner_groups=("java", 202))
    assert "-m owner ! --gid-owner java -m owner ! --gid-owner 202 -j RETURN" in rules("ISTIO_OUTPUT", order)


def test_envoy_may_be_told_by_mark_alone() -> None:
    found = rules("ISTIO_OUTPUT", RedirectOrder(proxy_mark=0x539))
    assert found[1:4] == [
        "! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m mark --mark 0x539 -j ISTIO_IN_REDIRECT",
        "-o lo -m mark ! --mark 0x539 -j RETURN",
        "-m mark --mark 0x539 -j RETURN",
    ]
    assert not any("owner" in rule for rule in found)


def test_what_virtual_machines_send_is_treated_as_sent_from_here() -> None:
    order = RedirectOrder(virtual_interfaces=("k6t0",), include_outbound_cidrs=("10.0.0.0/8",))
    assert rules("PREROUTING", order) == [
        "-d 10.0.0.0/8 -i k6t0 -j ISTIO_REDIRECT",
        "-i k6t0 -j RETURN",
        "-p tcp -j ISTIO_INBOUND",
    ]
