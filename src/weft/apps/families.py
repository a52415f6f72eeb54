"""The option that says of which families the addresses of a mesh are, and what it means for gateways."""

import contextlib
import socket
from collections.abc import Iterable
from typing import Final

import click

from weft.base.families import LOOPBACK, Family

_CHOICES: Final[dict[str, tuple[Family, ...]]] = {
    "IPv4": ("IPv4",),
    "IPv6": ("IPv6",),
    "IPv4,IPv6": ("IPv4", "IPv6"),
    "IPv6,IPv4": ("IPv6", "IPv4"),
}

families_option = click.option(
    "--ip-families",
    type=click.Choice(tuple(_CHOICES), case_sensitive=False),
    default="IPv4",
    show_default=True,
    help="Families of the addresses of pods and services, the primary one first.",
)


def families_in(choice: str) -> tuple[Family, ...]:
    """The families that the option names, in order."""
    return _CHOICES[choice]


def loopback_addresses(families: Iterable[Family]) -> tuple[str, ...]:
    """Where a gateway listens on this machine's loopback device: with IPv4 always, with IPv6 if the mesh has it and the
    device has it too (containers often don't)."""
    found = [LOOPBACK["IPv4"]]
    if "IPv6" in families:
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as tried:
            tried.bind((LOOPBACK["IPv6"], 0))
            found.append(LOOPBACK["IPv6"])
    return tuple(found)
