"""Istio's MeshNetworks: the key `meshNetworks` of the ConfigMap `istio` in the root namespace.

Names and types follow istio.io/api, `mesh/v1alpha1/network.proto`. Each network is read alone: one that is wrong leaves
the others in force.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from weft.base.issues import Issue, Ref
from weft.model import codes, schema
from weft.model.fields import did_you_mean, format_path
from weft.model.inline_yaml import parse_fields

KEY: Final = "meshNetworks"
"""Where the text stands in the ConfigMap."""

ROOT: Final = ("data", KEY)

_NETWORKS: Final = "networks"
_EFFECT: Final = "the network counts as not stated"


class NetworkEndpoints(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Endpoints of a network: those with an address in a range, or all of a registry (a cluster). One is stated."""

    from_cidr: str = ""
    from_registry: str = ""


class NetworkGateway(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A way into a network from others: a service of it, or an address."""

    registry_service_name: str = ""
    address: str = ""
    port: int = 0
    locality: str = ""


class Network(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A network: all endpoints in it reach each other without a gateway."""

    endpoints: tuple[NetworkEndpoints, ...] = ()
    gateways: tuple[NetworkGateway, ...] = ()


class MeshNetworks(Struct, frozen=True, rename="camel"):
    """The whole text."""

    networks: dict[str, Network] = {}


class DecodedNetworks(Struct, frozen=True):
    """The networks that can be read, by name, and what is wrong with the others."""

    networks: dict[str, Network] = {}
    issues: tuple[Issue, ...] = ()


def decode_mesh_networks(text: str, ref: Ref) -> DecodedNetworks:
    """Reads the text of MeshNetworks (YAML). `ref` is the ConfigMap that holds it; paths begin with
    `data.meshNetworks`."""
    try:
        body = parse_fields(text)
    except ValueError as error:
        return DecodedNetworks(issues=(_invalid(ref, ROOT, str(error)),))
    issues = [_unknown(name, ref) for name in body if name != _NETWORKS]
    stated = body.get(_NETWORKS)
    if stated is not None and not isinstance(stated, dict):
        message = f"expected networks by name, got {schema.describe(stated)}"
        return DecodedNetworks(issues=(*issues, _invalid(ref, (*ROOT, _NETWORKS), message)))
    networks: dict[str, Network] = {}
    for name, value in (stated or {}).items():
        network, problems = schema.convert({} if value is None else value, Network, (*ROOT, _NETWORKS, str(name)))
        issues += (_invalid(ref, problem.path, problem.message, problem.advice) for problem in problems)
        if not problems:
            networks[str(name)] = network
    return DecodedNetworks(networks, tuple(issues))


def _invalid(ref: Ref, path: tuple[Any, ...], message: str, advice: str = "") -> Issue:
    return Issue(codes.INVALID, "error", ref, format_path(path), message, _EFFECT, advice)


def _unknown(name: str, ref: Ref) -> Issue:
    hint = did_you_mean(name, (_NETWORKS,))
    advice = f"did you mean `{hint}`?" if hint else f"networks are below `{_NETWORKS}`"
    path, message = format_path((*ROOT, name)), f"unknown field `{name[:80]}`"
    return Issue(codes.UNKNOWN_FIELD, "warning", ref, path, message, "it is ignored", advice)
