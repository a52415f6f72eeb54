"""weft.node.addresses: the range of the pods never hides one that the machine routes."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.node.addresses import MeshNetwork, NetworkRecord, NoRoomError, choose_pod_cidr, hardware_address

WANTED = IPv4Network("10.244.0.0/16")
SIX = IPv6Network("fd00:10:244::/64")
DUAL = MeshNetwork("weft-a", (WANTED, SIX))

networks = st.builds(
    lambda address, length: IPv4Network((address, length), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)


def test_the_wanted_range_is_taken_if_it_is_free() -> None:
    assert choose_pod_cidr(WANTED, [IPv4Network("192.168.0.0/24"), IPv4Network("0.0.0.0/0")]) == WANTED


@given(st.lists(networks, max_size=10))
def test_a_chosen_range_overlaps_no_route(routed: list[IPv4Network]) -> None:
    try:
        chosen = choose_pod_cidr(WANTED, routed)
    except NoRoomError:
        return
    assert not any(chosen.overlaps(network) for network in routed if network.prefixlen >= 4)


def test_half_of_the_internet_is_no_network() -> None:
    halves = [IPv4Network("0.0.0.0/1"), IPv4Network("128.0.0.0/1")]
    assert choose_pod_cidr(WANTED, halves) == WANTED


def test_another_range_has_the_wanted_size() -> None:
    assert choose_pod_cidr(IPv4Network("10.1.2.0/24"), [IPv4Network("10.1.0.0/16")]) == IPv4Network("10.245.0.0/24")


def test_no_room_says_what_to_do() -> None:
    everything = [IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("198.18.0.0/15")]
    with pytest.raises(NoRoomError, match="choose a free range"):
        choose_pod_cidr(WANTED, everything)


def test_a_range_of_ipv6_gives_way_to_routes_of_ipv6_alone() -> None:
    assert choose_pod_cidr(SIX, [IPv4Network("10.0.0.0/8"), IPv6Network("2000::/3"), IPv6Network("::/0")]) == SIX
    assert choose_pod_cidr(SIX, [IPv6Network("fd00:10:244::/48")]) == IPv6Network("fd00:10:245::/64")
    assert choose_pod_cidr(SIX, [IPv6Network("fd00:10:244::7/128")]) == IPv6Network("fd00:10:245::/64")
    with pytest.raises(NoRoomError, match="choose a free range"):
        choose_pod_cidr(SIX, [IPv6Network("fd00::/8")])


def test_hub_and_machine_have_the_first_addresses_of_each_range() -> None:
    assert DUAL.families == ("IPv4", "IPv6")
    assert (DUAL.gateway, DUAL.host, DUAL.cidr) == (IPv4Address("10.244.0.1"), IPv4Address("10.244.0.2"), WANTED)
    assert DUAL.gateways == (IPv4Address("10.244.0.1"), IPv6Address("fd00:10:244::1"))
    assert DUAL.hosts == (IPv4Address("10.244.0.2"), IPv6Address("fd00:10:244::2"))


@pytest.mark.parametrize(
    "stated",
    [
        (),
        ("10.244.0.11",),
        ("10.244.0.11", "fd00:10:245::b"),
        ("fd00:10:244::b", "10.244.0.11"),
        ("10.244.0.2", "fd00:10:244::2"),
        ("10.244.0.11", "fd00:10:244::b", "10.244.0.12"),
    ],
)
def test_a_pod_has_one_free_address_of_each_range(stated: tuple[str, ...]) -> None:
    assert DUAL.checked(map(ip_address, ("10.244.0.11", "fd00:10:244::b")))
    with pytest.raises(ValueError, match=r"must (be|have) one"):
        DUAL.checked(map(ip_address, stated))


def test_a_network_is_read_as_it_was_written() -> None:
    record = NetworkRecord.of(DUAL)
    assert record.cidrs == ("10.244.0.0/16", "fd00:10:244::/64")
    assert record.network() == DUAL


def test_an_address_always_has_the_same_link_address() -> None:
    assert hardware_address(IPv4Address("10.244.0.16")) == "02:00:0a:f4:00:10"
    assert hardware_address(IPv6Address("fd00:10:244::10")) == "02:00:00:00:00:10"
