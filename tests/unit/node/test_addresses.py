"""weft.node.addresses: the range of the pods never hides one that the machine routes."""

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.node.addresses import MeshNetwork, NoRoomError, choose_pod_cidr, hardware_address

WANTED = IPv4Network("10.244.0.0/16")

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


def test_the_first_addresses_are_not_for_pods() -> None:
    network = MeshNetwork("weft-a", WANTED)
    assert (network.gateway, network.host, network.first) == (
        IPv4Address("10.244.0.1"),
        IPv4Address("10.244.0.2"),
        IPv4Address("10.244.0.10"),
    )


def test_an_address_always_has_the_same_link_address() -> None:
    assert hardware_address(IPv4Address("10.244.0.16")) == "02:00:0a:f4:00:10"
