"""Families of a mesh's addresses: what the option says, and what gateways make of it."""

import click
import pytest
from click.testing import CliRunner

from weft.apps.assembly import gateway_addresses
from weft.apps.families import families_in, families_option, loopback_addresses

MACHINE = ("10.244.0.2", "fd00:10:244::2")


def said(*arguments: str) -> str:
    @click.command()
    @families_option
    def command(ip_families: str) -> None:
        click.echo(",".join(families_in(ip_families)))

    return CliRunner().invoke(command, arguments).output.strip()


@pytest.mark.parametrize("choice", ["IPv4", "IPv6", "IPv4,IPv6", "IPv6,IPv4"])
def test_families_are_named_as_in_services_the_primary_one_first(choice: str) -> None:
    assert said("--ip-families", choice) == choice
    assert said("--ip-families", choice.lower()) == choice


def test_without_the_option_a_mesh_has_ipv4() -> None:
    assert said() == "IPv4"
    assert "is not one of" in said("--ip-families", "IPv4,IPv4")


def test_gateways_listen_on_the_loopback_addresses_of_all_families_and_for_pods() -> None:
    loopback = ("127.0.0.1", "::1")
    assert gateway_addresses("127.0.0.1", MACHINE[:1]) == ("127.0.0.1", "10.244.0.2")
    assert gateway_addresses("127.0.0.1", MACHINE, loopback) == (*loopback, *MACHINE)
    assert gateway_addresses("192.0.2.1", MACHINE, loopback) == ("192.0.2.1", *MACHINE)


def test_everywhere_is_every_address_of_both_families_only_if_the_mesh_has_both() -> None:
    assert gateway_addresses("0.0.0.0", MACHINE[:1]) == ()
    assert gateway_addresses("0.0.0.0", MACHINE) == ("0.0.0.0", "::")


def test_without_ipv6_in_the_mesh_the_machines_is_left_alone() -> None:
    assert loopback_addresses(("IPv4",)) == ("127.0.0.1",)
    assert loopback_addresses(("IPv4", "IPv6"))[0] == "127.0.0.1"
