"""Addresses: nobody has another's, they stay with their owners, and freed ones rest."""

from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.sources.local.addresses import (
    SERVICE_CIDRS,
    AddressPool,
    AddressTakenError,
    NoAddressError,
    PodAddresses,
    address_pools,
    stated_band,
)
from weft.sources.state import MemoryTables

CIDR = IPv4Network("10.0.0.0/29")  # .1 to .6


def pool(tables: MemoryTables | None = None, cidr: IPv4Network = CIDR) -> AddressPool:
    return AddressPool(tables or MemoryTables(), "test", cidr, cidr[1])


def test_an_owner_keeps_its_address_also_over_restarts() -> None:
    tables = MemoryTables()
    first = pool(tables)
    assert [first.address(name) for name in "aba"] == ["10.0.0.1", "10.0.0.2", "10.0.0.1"]
    assert pool(tables).address("b") == "10.0.0.2"


def test_a_freed_address_is_given_out_last_also_over_restarts() -> None:
    tables = MemoryTables()
    first = pool(tables)
    first.address("a")
    first.address("b")
    assert first.release("b")
    assert pool(tables).address("c") == "10.0.0.3"


def test_a_full_range_says_so_and_a_freed_address_is_found_again() -> None:
    full = pool()
    given_out = [full.address(str(number)) for number in range(6)]
    with pytest.raises(NoAddressError, match="all 6 addresses of test are taken"):
        full.address("late")
    full.release("3")
    assert full.address("late") == given_out[3]


def test_a_stated_address_is_taken_only_if_nobody_has_it() -> None:
    both = pool()
    assert both.address("a") == "10.0.0.1"
    with pytest.raises(AddressTakenError) as caught:
        both.claim("b", IPv4Address("10.0.0.1"))
    assert caught.value.owner == "a"
    assert both.claim("a", IPv4Address("10.0.0.1")) == "10.0.0.1"


def test_a_stated_address_is_freed_with_its_owner_and_by_another_one() -> None:
    one = pool()
    one.claim("a", IPv4Address("10.0.0.5"))
    one.claim("a", IPv4Address("10.0.0.6"))
    assert one.claim("b", IPv4Address("10.0.0.5")) == "10.0.0.5"
    one.release("a")
    assert one.claim("c", IPv4Address("10.0.0.6")) == "10.0.0.6"


def test_who_no_longer_states_an_address_keeps_it() -> None:
    one = pool()
    one.claim("a", IPv4Address("10.0.0.5"))
    assert one.address("a") == "10.0.0.5"


def test_a_stated_address_is_given_to_nobody_by_chance() -> None:
    one = pool()
    one.claim("a", IPv4Address("10.0.0.1"))
    assert one.address("b") == "10.0.0.2"


def test_an_address_outside_of_the_range_may_be_stated() -> None:
    assert pool().claim("a", IPv4Address("192.0.2.1")) == "192.0.2.1"


def test_addresses_of_a_former_range_are_not_used_in_another_one() -> None:
    tables = MemoryTables()
    pool(tables).address("a")
    assert pool(tables, IPv4Network("10.9.0.0/29")).address("a") == "10.9.0.1"


def test_only_those_who_are_still_there_keep_their_addresses() -> None:
    tables = MemoryTables()
    first = pool(tables)
    for name in "abc":
        first.address(name)
    first.keep_only("b")
    assert pool(tables).release("b")
    assert not pool(tables).release("a")


def test_the_begin_of_a_range_is_left_to_those_who_state_an_address() -> None:
    assert stated_band(SERVICE_CIDRS["IPv4"]) == 256
    assert stated_band(IPv4Network("10.0.0.0/24")) == 16
    assert AddressPool(MemoryTables(), "services", SERVICE_CIDRS["IPv4"]).address("a") == "10.96.1.1"


def test_services_of_ipv6_begin_after_the_band_too() -> None:
    pools = address_pools(MemoryTables(), "services", SERVICE_CIDRS, ("IPv6", "IPv4"))
    assert [each.address("a") for each in pools.values()] == ["fd00:10:96::101", "10.96.1.1"]


RANGES = (IPv6Network("fd00:10:244::/64"), IPv4Network("10.244.0.0/28"))


def test_the_addresses_of_a_pod_are_at_the_same_place_in_all_ranges() -> None:
    tables = MemoryTables()
    assert PodAddresses(tables, RANGES).addresses("a") == ("fd00:10:244::a", "10.244.0.10")
    assert PodAddresses(tables, RANGES).addresses("a") == ("fd00:10:244::a", "10.244.0.10")


def test_there_are_as_many_pods_as_the_smallest_range_has_room_for() -> None:
    pods = PodAddresses(MemoryTables(), RANGES)
    assert [pods.addresses(str(number))[1] for number in range(5)] == [f"10.244.0.{10 + n}" for n in range(5)]
    with pytest.raises(NoAddressError):
        pods.addresses("late")
    pods.release("3")
    assert pods.addresses("late") == ("fd00:10:244::d", "10.244.0.13")


def test_addresses_of_a_family_that_the_mesh_had_before_are_forgotten() -> None:
    tables = MemoryTables()
    PodAddresses(tables, RANGES[1:]).addresses("a")
    assert PodAddresses(tables, RANGES[:1]).addresses("b") == ("fd00:10:244::a",)


OWNERS = st.sampled_from("abcde")
ACTIONS = st.one_of(
    st.tuples(st.just("address"), OWNERS, st.none()),
    st.tuples(st.just("claim"), OWNERS, st.integers(1, 6).map(CIDR.__getitem__)),
    st.tuples(st.just("release"), OWNERS, st.none()),
    st.tuples(st.just("restart"), OWNERS, st.none()),
)


@given(st.lists(ACTIONS, max_size=30))
def test_no_address_ever_has_two_owners(actions: list[tuple[str, str, IPv4Address | None]]) -> None:
    tables = MemoryTables()
    used, model = pool(tables), dict[str, str]()
    for action, owner, stated in actions:
        if action == "restart":
            used = pool(tables)
        elif action == "release":
            assert used.release(owner) is (model.pop(owner, None) is not None)
        elif action == "address":
            found = used.address(owner)
            assert model.setdefault(owner, found) == found
        else:
            assert stated is not None
            taken = [name for name, address in model.items() if address == str(stated) and name != owner]
            if taken:
                with pytest.raises(AddressTakenError, match=taken[0]):
                    used.claim(owner, stated)
            else:
                model[owner] = used.claim(owner, stated)
        assert len(set(model.values())) == len(model)
