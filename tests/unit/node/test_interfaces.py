"""weft.node.interfaces: what interfaces get, as settings and lines for iproute2."""

from ipaddress import ip_address, ip_network

from weft.node.addresses import MeshNetwork
from weft.node.interfaces import address_lines, default_route_lines, ipv6_settings

DUAL = MeshNetwork("weft-a", (ip_network("10.244.0.0/16"), ip_network("fd00:10:244::/64")))


def test_without_ipv6_it_is_off_for_all_links() -> None:
    assert ipv6_settings(on=False) == {"ipv6/conf/all/disable_ipv6": "1", "ipv6/conf/default/disable_ipv6": "1"}


def test_with_ipv6_a_link_has_no_address_but_those_that_it_is_given() -> None:
    found = ipv6_settings(on=True, links=("eth0",))
    assert found["ipv6/conf/eth0/disable_ipv6"] == "0"
    assert found["ipv6/conf/eth0/accept_ra"] == found["ipv6/conf/eth0/accept_dad"] == "0"
    assert found["ipv6/conf/eth0/addr_gen_mode"] == "1"  # IN6_ADDR_GEN_MODE_NONE


def test_addresses_are_usable_at_once() -> None:
    addresses = (ip_address("10.244.0.11"), ip_address("fd00:10:244::b"))
    assert address_lines(DUAL, addresses, "eth0") == [
        "address replace 10.244.0.11/16 dev eth0",
        "address replace fd00:10:244::b/64 dev eth0 nodad",
    ]
    assert default_route_lines(DUAL.gateways) == [
        "route replace default via 10.244.0.1",
        "route replace default via fd00:10:244::1",
    ]
