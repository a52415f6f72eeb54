"""Delta discovery requests and responses: decoded and encoded, each request checked against limits."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct

from weft.base import protobuf
from weft.envoy.resource import Resource, resource_field
from weft.envoy.wire import bytes_field, string_field
from weft.serve.ads.names import NONE, Names

WILDCARD: Final = "*"

_REQUEST: Final = "envoy.service.discovery.v3.DeltaDiscoveryRequest"
_STATE_REQUEST: Final = "envoy.service.discovery.v3.DiscoveryRequest"
_MAX_TYPE_URL: Final = 256
_MAX_NAME: Final = 2_048
_MAX_NAMES: Final = 200_000
_MAX_ERROR: Final = 4_096
_MAX_VERSION: Final = 64


class RequestError(ValueError):
    """A request that breaks the protocol or a limit; the stream that brought it ends with this message."""


class Node(Struct, frozen=True):
    """What a proxy says of itself in the first request of a stream. Only `id` is ever checked: trust no other part.

    `version` is Envoy's, as `1.40.0`; empty where it does not say.
    """

    id: str
    cluster: str
    metadata: dict[str, Any]
    version: str = ""


class DeltaRequest(Struct, frozen=True):
    """One envoy.service.discovery.v3.DeltaDiscoveryRequest.

    `nonce` is that of the response which this answers, or empty. `error` is why that response was refused (NACK).
    """

    type_url: str
    subscribe: Names = NONE
    unsubscribe: Names = NONE
    initial_versions: Mapping[str, str] = {}
    nonce: str = ""
    error: str | None = None
    node: Node | None = None


def parse_request(data: bytes) -> DeltaRequest:
    """Decodes a request; RequestError where it is none, or is larger than any proxy needs."""
    try:
        message: Any = protobuf.parse(_REQUEST, data)
    except protobuf.ProtobufError as error:
        raise RequestError(f"no delta discovery request: {error}") from error
    return DeltaRequest(
        type_url=_type_url(message),
        subscribe=_names(message.resource_names_subscribe),
        unsubscribe=_names(message.resource_names_unsubscribe),
        initial_versions=_versions(message.initial_resource_versions),
        nonce=message.response_nonce,
        error=_error(message),
        node=_node(message.node) if message.HasField("node") else None,
    )


def parse_state_request(data: bytes) -> DeltaRequest:
    """Decodes an envoy.service.discovery.v3.DiscoveryRequest, as `parse_request` does. What it subscribes to are all
    names that the client wants from now on.
    """
    try:
        message: Any = protobuf.parse(_STATE_REQUEST, data)
    except protobuf.ProtobufError as error:
        raise RequestError(f"no discovery request: {error}") from error
    return DeltaRequest(
        type_url=_type_url(message),
        subscribe=_names(message.resource_names),
        nonce=message.response_nonce,
        error=_error(message),
        node=_node(message.node) if message.HasField("node") else None,
    )


def encode_resources(type_url: str, resources: Iterable[Resource]) -> bytes:
    """The part of an envoy.service.discovery.v3.DeltaDiscoveryResponse that is the same for all streams.

    The fields of a message may come in any order, and in pieces. These are resources (2) and type_url (4).
    """
    return b"".join((*(bytes_field(2, resource.wire) for resource in resources), string_field(4, type_url)))


def encode_state(type_url: str, resources: Sequence[Resource]) -> bytes:
    """The part of an envoy.service.discovery.v3.DiscoveryResponse that is the same for all streams: version_info (1),
    resources (2) and type_url (4). Its nonce is as in `encode_rest`. Equal resources have an equal version.
    """
    version = blake2b("".join(each.version for each in resources).encode(), digest_size=8).hexdigest()
    return b"".join((string_field(1, version), *map(resource_field, resources), string_field(4, type_url)))


def encode_rest(nonce: str, removed: Sequence[str]) -> bytes:
    """The part that is one stream's: nonce (5) and removed_resources (6)."""
    if not removed:
        return _nonce(nonce)
    return b"".join((_nonce(nonce), *(string_field(6, name) for name in removed)))


@lru_cache(maxsize=1_024)  # streams count alike
def _nonce(nonce: str) -> bytes:
    return string_field(5, nonce)


def _type_url(message: Any) -> str:
    if not message.type_url or len(message.type_url) > _MAX_TYPE_URL:
        raise RequestError(f"type_url must have 1 to {_MAX_TYPE_URL} characters")
    return str(message.type_url)


def _error(message: Any) -> str | None:
    return message.error_detail.message[:_MAX_ERROR] if message.HasField("error_detail") else None


def _names(names: Sequence[str]) -> Names:
    if not names:
        return NONE
    if len(names) > _MAX_NAMES:
        raise RequestError(f"a request may name {_MAX_NAMES} resources, this names {len(names)}")
    result = frozenset(names)
    if "" in result or max(map(len, result)) > _MAX_NAME:
        raise RequestError(f"the name of a resource must have 1 to {_MAX_NAME} characters")
    return result


def _versions(versions: Mapping[str, str]) -> Mapping[str, str]:
    if len(versions) > _MAX_NAMES:
        raise RequestError(f"a request may tell {_MAX_NAMES} versions, this tells {len(versions)}")
    return {name: versions[name] for name in versions}  # twice as fast as dict()


def _node(node: Any) -> Node:
    try:
        return Node(node.id, node.cluster, protobuf.to_dict(node.metadata), _version(node))
    except protobuf.ProtobufError as error:
        raise RequestError(f"node.metadata: {error}") from error


def _version(node: Any) -> str:
    if node.WhichOneof("user_agent_version_type") != "user_agent_build_version":
        return str(node.user_agent_version)[:_MAX_VERSION]
    version = node.user_agent_build_version.version
    return f"{version.major_number}.{version.minor_number}.{version.patch}"
