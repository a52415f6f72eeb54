"""MeshNetworks: which network an endpoint is in."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from msgspec.structs import replace

from weft.base.families import parse_network
from weft.base.issues import Issue, Ref
from weft.dialects.report import Report
from weft.ir.settings import MeshSettings
from weft.model.fields import format_path
from weft.model.istio_mesh_networks import ROOT, Network, NetworkEndpoints

Range = tuple[str, IPv4Network | IPv6Network]

_DIRECT: Final = "endpoints of other networks are called at their own addresses"
_LEFT_OUT: Final = "the entry counts as not stated"


def with_networks(
    networks: dict[str, Network], ref: Ref, settings: MeshSettings
) -> tuple[MeshSettings, tuple[Issue, ...]]:
    """Settings with the networks that a mesh states, and what is wrong with those or not done yet.

    `ref` is the ConfigMap that holds them. A registry's network is that of all of its endpoints; else the narrowest
    range counts (Istio).
    """
    report = Report(ref, on_error=_LEFT_OUT)
    own = settings.network
    ranges: list[Range] = []
    for name, network in networks.items():
        for index, entry in enumerate(network.endpoints):
            path = _path(name, "endpoints", index)
            found = _of_registry(name, entry, path, report, settings)
            own = own or found
            ranges += _range(name, entry, path, ranges, report)
        if network.gateways:
            report.unsupported(_path(name, "gateways"), effect=_DIRECT, advice="make the networks reach each other")
    narrowest_first = sorted(ranges, key=lambda each: (-each[1].prefixlen, str(each[1]), each[0]))
    stated = tuple((name, str(cidr)) for name, cidr in narrowest_first)
    return replace(settings, network=own, networks=stated), report.issues


def _of_registry(name: str, entry: NetworkEndpoints, path: str, report: Report, settings: MeshSettings) -> str:
    if bool(entry.from_registry) == bool(entry.from_cidr):
        report.invalid(path, "one of fromCidr and fromRegistry must be stated", "split it into two entries")
    elif entry.from_registry and entry.from_registry != settings.cluster:
        message = f"there is no registry {entry.from_registry[:80]}"
        effect = "no endpoint is in the network by it"
        report.ineffective(f"{path}.fromRegistry", message, effect=effect, advice=f"the only one is {settings.cluster}")
    elif entry.from_registry:
        return name
    return ""


def _range(name: str, entry: NetworkEndpoints, path: str, others: list[Range], report: Report) -> Iterator[Range]:
    if not entry.from_cidr or entry.from_registry:
        return
    try:
        found = parse_network(entry.from_cidr)
    except ValueError:
        report.invalid(f"{path}.fromCidr", f"{entry.from_cidr[:80]!r} is no range", "write it as 10.1.0.0/16")
        return
    twice = next((other for other, cidr in others if cidr == found and other != name), None)
    if twice is not None:
        report.invalid(f"{path}.fromCidr", f"{found} is a range of the network {twice} already")
        return
    yield name, found


def _path(name: str, field: str, index: int | None = None) -> str:
    return format_path((*ROOT, "networks", name, field, *(() if index is None else (index,))))
