"""Small messages that many resources need: addresses, percentages, extensions, where to discover things."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.base.families import parse_network

UNIX: Final = "unix:"
_MILLION: Final = 1_000_000


def address(host: str, port: int) -> Message:
    """Returns where something listens: an IP address or a name with a port, or `unix:<path>`."""
    if host.startswith(UNIX):
        return protobuf.new("envoy.config.core.v3.Address", pipe={"path": host.removeprefix(UNIX)})
    return protobuf.new("envoy.config.core.v3.Address", socket_address={"address": host, "port_value": port})


def additional_addresses(hosts: Iterable[str], port: int) -> list[dict[str, Any]]:
    """Returns where something listens, or is, besides: IP addresses with the same port."""
    return [{"address": address(host, port)} for host in hosts]


def cidr(text: str) -> Message:
    """Returns the range of a network (`10.0.0.0/8`) or of one address."""
    network = parse_network(text)
    return protobuf.new(
        "envoy.config.core.v3.CidrRange",
        address_prefix=str(network.network_address),
        prefix_len={"value": network.prefixlen},
    )


def wrapped(value: int | None) -> dict[str, Any] | None:
    """Returns the wrapper of a number that may be unset. Protobuf takes the dict for any of its wrapper types."""
    return None if value is None else {"value": value}


def milliseconds(value: int | None) -> Message | None:
    """Returns a Duration; None leaves the field unset."""
    return None if value is None else protobuf.duration(value)


def fraction(share: float) -> Message:
    """Returns a share between 0 and 1, exact to one in a million."""
    return protobuf.new("envoy.type.v3.FractionalPercent", numerator=round(share * _MILLION), denominator="MILLION")


def runtime_fraction(share: float) -> Message:
    """Returns a share that no runtime key overrides."""
    return protobuf.new("envoy.config.core.v3.RuntimeFractionalPercent", default_value=fraction(share))


def percent(share: float) -> Message:
    """Returns a share between 0 and 1 as a percentage."""
    return protobuf.new("envoy.type.v3.Percent", value=share * 100)


def extension(name: str, full_name: str, /, **fields: Any) -> dict[str, Any]:
    """Returns name and configuration of an extension, as filters, transport sockets, access logs and others take it."""
    return {"name": name, "typed_config": protobuf.pack(protobuf.new(full_name, **fields))}


@cache
def discovered() -> Message:
    """Returns the source of everything that comes on the one ADS stream.

    Without a limit for the first answer: a proxy that starts without a controller waits, unready, instead of serving
    with half of its configuration.
    """
    return protobuf.new(
        "envoy.config.core.v3.ConfigSource",
        ads={},
        initial_fetch_timeout=protobuf.duration(0),
        resource_api_version="V3",
    )
