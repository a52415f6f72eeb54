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
from weft.envoy.resources import BuildFailure, ProxyResources
from weft.envoy.type_urls import CDS, ECDS, EDS, LDS, RDS, SDS
from weft.ir.settings import ProxyKey

SECTIONS: Final = MappingProxyType(
    {
        LDS: "listeners",
        CDS: "clusters",
        RDS: "routes",
        EDS: "endpoints",
        SDS: "secrets",
        ECDS: "extensions",
    }
)
"""Where resources of a type stand; the last section is there only if it holds anything."""

_DISCOVERED: Final = "envoy.service.discovery.v3.Resource"
_OWN_SECRETS: Final[Mapping[str, Json]] = MappingProxyType(
    {
        IDENTITY_SECRET: {"tlsCertificate": {"privateKey": {"inlineBytes": REDACTED}}},
        ROOTS_SECRET: {"validationContext": {}},
    }
)
"""What every proxy of a mesh gets for itself. Only a mesh that runs can make the certificates."""


def render(bootstrap: Json, resources: ProxyResources, key: ProxyKey, *, types: Sequence[str]) -> Json:
    """Bootstrap and resources of the proxy of a key, each section sorted by name; sections of other types are empty."""
    document: Json = {"bootstrap": bootstrap}
    for type_url, section in SECTIONS.items():
        contents = resources.contents.get((key, type_url)) if type_url in types else {}
        document[section] = [as_json(contents[name]) for name in sorted(contents)]
    document["secrets"] = sorted(_secrets(document), key=lambda secret: str(secret["name"]))
    if not document["extensions"]:
        del document["extensions"]
    return _sorted(document)


def failures(resources: ProxyResources, key: ProxyKey) -> tuple[BuildFailure, ...]:
    """What the proxy should have, but could not be built."""
    return resources.failures(key)


def as_json(resource: Resource) -> Json:
    """A resource in proto3 JSON, without its type."""
    found: Json = protobuf.to_dict(protobuf.parse(_DISCOVERED, resource.wire))["resource"]
    return {name: value for name, value in found.items() if name != "@type"}


def _secrets(document: Json) -> Iterator[Json]:
    yield from map(redacted, document["secrets"])
    named = {each["name"] for each in _discovered([document["listeners"], document["clusters"]])}
    for name, content in _OWN_SECRETS.items():
        if name in named:
            yield {"name": name, **content}


def _discovered(value: Any) -> Iterator[Json]:
    """Every reference to a secret (envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig)."""
    if isinstance(value, dict):
        if "sdsConfig" in value:
            yield value
        for each in value.values():
            yield from _discovered(each)
    elif isinstance(value, list):
        for each in value:
            yield from _discovered(each)


def _sorted(document: Json) -> Json:
    """The same with all fields in the order of their names: protobuf's maps have none."""
    ordered: Json = msgspec.json.decode(msgspec.json.encode(document, order="sorted"))
    return {section: ordered[section] for section in document}
