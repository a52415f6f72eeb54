"""Delta discovery requests and responses: decoded and encoded, each request checked against limits."""

from collections.abc import Iterable, Sequence, Set
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct

from weft.base import protobuf
from weft.base.wire import bytes_field, string_field
from weft.envoy.resource import Resource, resource_field
from weft.serve.ads.names import NONE, Names

WILDCARD: Final = "*"

_REQUEST: Final = "weft.discovery.DeltaRequest"
_HELD: Final = "weft.discovery.ResourceVersion"
_NODE: Final = "envoy.config.core.v3.Node"
_STATUS: Final = "google.rpc.Status"
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


class Holdings(Struct, frozen=True):
    """Resources that a client has, and in which version. They stay as they came, a `holding` each: as a rule they are
    what there is, and equal bytes are found sooner than names and versions are read.
    """

    entries: frozenset[bytes] = frozenset()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.entries)

    def without(self, entries: Set[bytes]) -> dict[str, str]:
        """Names and versions of those that are not among `entries`; RequestError where bytes are no entry."""
        try:
            found: list[Any] = [protobuf.parse(_HELD, entry) for entry in self.entries - entries]
        except protobuf.ProtobufError as error:
            raise RequestError(f"initial_resource_versions: {error}") from error
        return {each.name: each.version for each in found}


def holding(name: str, version: str) -> bytes:
    """A resource of a version as an entry of `Holdings`: an entry of a map is a message of key (1) and value (2)."""
    return string_field(1, name) + string_field(2, version)


class DeltaRequest(Struct, frozen=True):
    """One envoy.service.discovery.v3.DeltaDiscoveryRequest.

    `nonce` is that of the response which this answers, or empty. `error` is why that response was refused (NACK).
    """

    type_url: str
    subscribe: Names = NONE
    unsubscribe: Names = NONE
    held: Holdings = Holdings()
    nonce: str = ""
    error: str | None = None
    node: Node | None = None


_NOTHING: Final = Holdings()


def parse_request(data: bytes) -> DeltaRequest:
    """Decodes a request; RequestError where it is none, or is larger than any proxy needs."""
    try:
        message: Any = protobuf.parse(_REQUEST, data)
        node = protobuf.parse(_NODE, message.node) if message.HasField("node") else None
        error = protobuf.parse(_STATUS, message.error_detail) if message.HasField("error_detail") else None
    except protobuf.ProtobufError as fault:
        raise RequestError(f"no delta discovery request: {fault}") from fault
    return DeltaRequest(
        type_url=_type_url(message),
        subscribe=_names(message.resource_names_subscribe),
        unsubscribe=_names(message.resource_names_unsubscribe),
        held=_holdings(message.initial_resource_versions),
        nonce=message.response_nonce,
        error=_message_of(error),
        node=_node(node) if node is not None else None,
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
        error=_message_of(message.error_detail if message.HasField("error_detail") else None),
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


def _message_of(status: Any) -> str | None:
    return None if status is None else str(status.message)[:_MAX_ERROR]


def _names(names: Sequence[str]) -> Names:
    if not names:
        return NONE
    if len(names) > _MAX_NAMES:
        raise RequestError(f"a request may name {_MAX_NAMES} resources, this names {len(names)}")
    result = frozenset(names)
    if "" in result or max(map(len, result)) > _MAX_NAME:
        raise RequestError(f"the name of a resource must have 1 to {_MAX_NAME} characters")
    return result


def _holdings(entries: Sequence[bytes]) -> Holdings:
    if len(entries) > _MAX_NAMES:
        raise RequestError(f"a request may tell {_MAX_NAMES} versions, this tells {len(entries)}")
    return Holdings(frozenset(entries)) if entries else _NOTHING


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
