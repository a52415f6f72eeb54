"""weft.base.families: addresses of both families as texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.base.families import (
    any_addresses,
    families_of,
    family_of,
    host_port,
    is_address,
    parse_address,
    parse_network,
)


@given(st.ip_addresses())
def test_every_address_has_the_family_of_its_version(address: object) -> None:
    assert family_of(str(address)) == f"IPv{parse_address(str(address)).version}"


def test_families_keep_the_order_of_addresses() -> None:
    assert families_of(["fd00::1", "10.0.0.1", "fd00::2"]) == ("IPv6", "IPv4")
    assert any_addresses(("IPv6", "IPv4")) == ("::", "0.0.0.0")


@pytest.mark.parametrize("text", ["fe80::1%eth0", "fd00::1%x; flush ruleset", "fd00::1%a\n10.0.0.1 evil", "", "name"])
def test_what_could_be_read_as_more_than_an_address_is_none(text: str) -> None:
    assert not is_address(text)
    for parse in (parse_address, parse_network):
        with pytest.raises(ValueError, match=r"zone|appear"):
            parse(text)


def test_an_address_of_ipv6_stands_in_brackets_before_a_port() -> None:
    assert host_port("fd00::1", 80) == "[fd00::1]:80"
    assert host_port("10.0.0.1", 80) == "10.0.0.1:80"
