"""weft.redirect: virtual addresses of services as a plan and as nftables text."""

import pytest
from msgspec import structs

from weft.model.local import ServiceTarget
from weft.redirect.nftables import render_services
from weft.redirect.services import service_plan

WEB = ServiceTarget("10.96.0.1", 80, "TCP", (("10.244.0.11", 8080), ("10.244.0.10", 8080)))
DNS = ServiceTarget("10.96.0.2", 53, "UDP", (("10.244.0.12", 5353),))
IDLE = ServiceTarget("10.96.0.3", 80, "TCP", ())


def test_the_text_does_not_depend_on_the_order_of_targets() -> None:
    backwards = ServiceTarget("10.96.0.1", 80, "TCP", tuple(reversed(WEB.endpoints)))
    assert render_services(service_plan([WEB, DNS, IDLE])) == render_services(service_plan([IDLE, DNS, backwards]))


def test_each_port_leads_to_a_random_one_of_its_endpoints() -> None:
    text = render_services(service_plan([WEB, DNS]))
    assert "10.96.0.1 . tcp . 80 : goto service_0a600001_tcp_80" in text
    assert "dnat ip to numgen random mod 2 map { 0 : 10.244.0.10 . 8080, 1 : 10.244.0.11 . 8080 }" in text
    assert "10.96.0.2 . udp . 53 : goto service_0a600002_udp_53" in text


def test_a_sticky_port_leads_each_client_to_the_one_that_follows_from_its_address() -> None:
    """With a seed of its own: each new table must choose like the one before."""
    six = ServiceTarget("fd00:10:96::1", 80, "TCP", (("fd00:10:244::a", 80),), sticky=True)
    text = render_services(service_plan([structs.replace(WEB, sticky=True), six]))
    assert "dnat ip to jhash ip saddr mod 2 seed 0x77656674 map { 0 : 10.244.0.10 . 8080, 1 :" in text
    assert "dnat ip6 to jhash ip6 saddr mod 1 seed 0x77656674 map {" in text


def test_without_endpoints_an_address_is_refused_and_translated_nowhere() -> None:
    text = render_services(service_plan([IDLE]))
    assert "goto" not in text
    assert "elements = { 10.96.0.3 }" in text
    assert "ip daddr @addresses reject" in text


def test_targets_of_the_same_port_are_joined() -> None:
    more = ServiceTarget("10.96.0.1", 80, "TCP", (("10.244.0.11", 8080), ("10.244.0.99", 8080)))
    (port,) = service_plan([WEB, more]).ports
    assert len(port.endpoints) == 3


def test_each_family_has_a_table_of_its_own() -> None:
    six = ServiceTarget("fd00:10:96::1", 53, "UDP", (("fd00:10:244::b", 5353), ("fd00:10:244::a", 5353)))
    four, other = render_services(service_plan([six, WEB])).split("table ip6 weft { }\n")
    assert "fd00" not in four
    assert "fd00:10:96::1 . udp . 53 : goto service_fd000010009600000000000000000001_udp_53" in other
    assert "dnat ip6 to numgen random mod 2 map { 0 : fd00:10:244::a . 5353, 1 : fd00:10:244::b . 5353 }" in other
    assert "ip6 daddr @addresses reject" in other
    assert render_services(service_plan([six, WEB]), ("IPv4",)) == four


def test_the_table_is_replaced_in_one_transaction() -> None:
    lines = render_services(service_plan([])).splitlines()
    assert lines[:3] == ["table ip weft { }", "delete table ip weft", "table ip weft {"]
    assert not any("elements" in line for line in lines)


@pytest.mark.parametrize(
    "target",
    [
        ServiceTarget("10.96.0.1; flush ruleset", 80, "TCP", ()),
        ServiceTarget("10.96.0.1", 0, "TCP", ()),
        ServiceTarget("10.96.0.1", 80, "TCP", (("10.244.0.1", 70_000),)),
        ServiceTarget("fd00::1%lo", 80, "TCP", ()),
        ServiceTarget("fd00::1", 80, "TCP", (("10.244.0.11", 8080),)),
    ],
)
def test_a_target_out_of_range_is_named(target: ServiceTarget) -> None:
    with pytest.raises(ValueError, match=f"service target .*:{target.port}/TCP"):
        service_plan([target])
