"""All resources of one proxy as proto3 JSON: equal bytes for equal objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from weft.apps.offline.redaction import REDACTED, Json, redacted
from weft.base import protobuf
from weft.envoy.names import IDENTITY_SECRET, ROOTS_SECRET
from weft.envoy.resource import Resource
from weft.envoy.resources import ProxyResources
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, SDS
from weft.ir.settings import ProxyKey

SECTIONS: Final = MappingProxyType(
    {
        LDS: "listeners",
        CDS: "clusters",
        RDS: "routes",
        EDS: "endpoints",
        SDS: "secrets",
    }
)
"""Where resources of a type stand."""

_NAMING: Final = frozenset({CDS, LDS})
_DISCOVERED: Final = "envoy.service.discovery.v3.Resource"
_OWN_SECRETS: Final[Mapping[str, Json]] = MappingProxyType(
    {
        IDENTITY_SECRET: {"tlsCertificate": {"privateKey": {"inlineBytes": REDACTED}}},
        ROOTS_SECRET: {"validationContext": {}},
    }
)
"""What every proxy of a mesh gets for itself. Only a mesh that runs can make the certificates."""


def render(bootstrap: Json, resources: ProxyResources, key: ProxyKey, *, types: Sequence[str]) -> Json:
    """Bootstrap and resources of the proxy of a key, each section sorted by name; sections of other types are empty.

    Of what proxies ask for by name there is only what its listeners and clusters name: no more is ever sent. Routes are
    shown with their virtual hosts inside, however these travel.
    """
    found = {type_url: _contents(resources, key, type_url) if type_url in types else {} for type_url in SECTIONS}
    named = set(_references([[*found[type_url].values()] for type_url in _NAMING]))
    for type_url in SECTIONS.keys() - _NAMING:
        found[type_url] = {name: each for name, each in found[type_url].items() if (type_url, name) in named}
    own = {name: {"name": name, **content} for name, content in _OWN_SECRETS.items() if (SDS, name) in named}
    found[SDS] = own | {name: redacted(secret) for name, secret in found[SDS].items()}
    sections = {SECTIONS[type_url]: [each[name] for name in sorted(each)] for type_url, each in found.items()}
    return _sorted({"bootstrap": bootstrap, **sections})


def _contents(resources: ProxyResources, key: ProxyKey, type_url: str) -> dict[str, Json]:
    found = resources.whole_routes(key) if type_url == RDS else resources.contents.get((key, type_url))
    return {name: as_json(each) for name, each in found.items()}


def as_json(resource: Resource) -> Json:
    """A resource in proto3 JSON, without its type."""
    found: Json = protobuf.to_dict(protobuf.parse(_DISCOVERED, resource.wire))["resource"]
    return {name: value for name, value in found.items() if name != "@type"}


def _references(value: Any) -> Iterator[tuple[str, str]]:
    """Types and names of all that a resource has to be discovered besides."""
    if isinstance(value, dict):
        if "sdsConfig" in value:  # envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig
            yield SDS, str(value["name"])
        if "routeConfigName" in value:  # envoy.extensions.filters.network.http_connection_manager.v3.Rds
            yield RDS, str(value["routeConfigName"])
        if "edsClusterConfig" in value:  # envoy.config.cluster.v3.Cluster
            yield EDS, str(value["edsClusterConfig"].get("serviceName") or value["name"])
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)


def _sorted(document: Json) -> Json:
    """The same with all fields in the order of their names: protobuf's maps have none."""
    ordered: Json = msgspec.json.decode(msgspec.json.encode(document, order="sorted"))
    return {section: ordered[section] for section in document}
