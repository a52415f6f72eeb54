"""What discovery responses say. Proxies that are told the same get equal bytes: these are read once.

Field numbers: DiscoveryResponse, DeltaDiscoveryResponse and Resource of envoy.service.discovery.v3 (discovery.proto).
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Literal

from benchmarks.ads.wire import content, spans, varint
from google.protobuf.message import Message
from msgspec import Struct

from weft.base import protobuf
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, SDS, VHDS

Protocol = Literal["delta", "sotw"]
Names = frozenset[bytes]

NONE: Final[Names] = frozenset()

_VERSION, _RESOURCES, _TYPE_URL, _NONCE, _REMOVED = 1, 2, 4, 5, 6
_RESOURCE_TAG: Final = b"\x12"
_VERSION_TAG: Final = 0x0A
_BODY, _NAME = 2, 3
_VALUE: Final = 2
_HEAD: Final = 64
_REMEMBERED: Final = 256
_VHDS: Final = 9
"""RouteConfiguration.vhds: a table whose virtual hosts are resources of their own."""

_REFERRING: Final = (CDS, LDS)
_REFERENCES: Final = {
    "envoy.config.cluster.v3.Cluster.EdsClusterConfig": (EDS, "service_name", "eds_config"),
    "envoy.extensions.filters.network.http_connection_manager.v3.Rds": (RDS, "route_config_name", "config_source"),
    "envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig": (SDS, "name", "sds_config"),
}
"""Messages that name resources of another type: the type, and the fields of the name and of where it comes from."""


class Content(Struct, eq=False):
    """The resources of a response: their names, and those that they refer to, by type URL; virtual hosts without names.

    `found` are numbers of marks that are in it, as of the watch with the number `watch`.
    """

    type_url: str
    section: bytes
    names: Names
    references: Mapping[str, Names]
    watch: int = -1
    found: tuple[int, ...] = ()


class Response(Struct, frozen=True):
    """A response: its resources, and what is its own."""

    type_url: str
    nonce: bytes
    version: bytes
    removed: tuple[bytes, ...]
    content: Content


class Reader:
    """Reads responses of one protocol, and remembers the contents that came last."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._recent: dict[bytes, list[Content]] = {}
        self._kept = 0

    def read(self, message: bytes) -> Response:
        """Returns what a response says. Raises WireError."""
        begin = _behind_version(message)
        head = message[begin : begin + _HEAD]
        for known in self._recent.get(head, ()):
            end = begin + len(known.section)
            if message.startswith(known.section, begin) and message[end : end + 1] != _RESOURCE_TAG:
                return _response(message, begin, end, known)
        end = _behind_resources(message, begin)
        fresh = _response(message, begin, end, None, self._protocol)
        self._remember(head, fresh.content)
        return fresh

    def _remember(self, head: bytes, fresh: Content) -> None:
        if self._kept >= _REMEMBERED:
            self._recent.clear()
            self._kept = 0
        if fresh.section:
            self._recent.setdefault(head, []).append(fresh)
            self._kept += 1


def _behind_version(message: bytes) -> int:
    """Where resources begin: before them there may be a version."""
    if not message or message[0] != _VERSION_TAG:
        return 0
    length, at = varint(message, 1)
    return at + length


def _behind_resources(message: bytes, begin: int) -> int:
    return max((end for field, _, _, end in spans(message, begin) if field == _RESOURCES), default=begin)


def _response(message: bytes, begin: int, end: int, known: Content | None, protocol: Protocol = "delta") -> Response:
    texts: dict[int, bytes] = {}
    removed: list[bytes] = []
    rest = message[:begin] + message[end:]
    for field, _, start, stop in spans(rest):
        texts[field] = rest[start:stop]
        if field == _REMOVED:
            removed.append(rest[start:stop])
    type_url = texts.get(_TYPE_URL, b"").decode()
    found = known or _content(type_url, message[begin:end], protocol)
    return Response(type_url, texts.get(_NONCE, b""), texts.get(_VERSION, b""), tuple(removed), found)


def _content(type_url: str, section: bytes, protocol: Protocol) -> Content:
    resources = dict(_resources(section, protocol))
    references: dict[str, set[bytes]] = {}
    for name, packed in resources.items() if type_url in _REFERRING else ():
        for kind, referred in _referred(content(packed, _VALUE), type_url):
            references.setdefault(kind, set()).add(referred or name)
    if type_url == RDS and any(content(content(packed, _VALUE), _VHDS) for packed in resources.values()):
        references[VHDS] = set()
    return Content(
        type_url, section, frozenset(resources), {kind: frozenset(names) for kind, names in references.items()}
    )


def _resources(section: bytes, protocol: Protocol) -> Iterator[tuple[bytes, bytes]]:
    """Names and bodies (google.protobuf.Any) of resources.

    State of the world has no names beside the bodies; but in all types that are read here the first field is the name.
    """
    for _, _, start, end in spans(section):
        resource = section[start:end]
        if protocol == "delta":
            yield content(resource, _NAME), content(resource, _BODY)
        else:
            yield content(content(resource, _VALUE), 1), resource


def versions(told: Content) -> dict[bytes, bytes]:
    """Returns the versions of the resources of a delta response by their names. Raises WireError."""
    resources = (told.section[start:end] for _, _, start, end in spans(told.section))
    return {content(resource, _NAME): content(resource, _VERSION) for resource in resources}


@lru_cache(maxsize=65_536)
def _referred(data: bytes, type_url: str) -> tuple[tuple[str, bytes], ...]:
    """Types and names that a resource refers to over ADS; an empty name is the resource's own."""
    message = protobuf.parse(type_url.rpartition("/")[2], data)
    return tuple(dict.fromkeys(_references(message)))


def _references(message: Any) -> Iterator[tuple[str, bytes]]:
    name = message.DESCRIPTOR.full_name
    if name in _REFERENCES:
        kind, field, source = _REFERENCES[name]
        if getattr(message, source).HasField("ads"):
            yield kind, getattr(message, field).encode()
        return
    for inner in _inner(message):
        yield from _references(inner)


def _inner(message: Any) -> Iterator[Message]:
    """The messages in a message; what an Any holds counts where its type is known."""
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        try:
            yield protobuf.unpack(message)
        except protobuf.ProtobufError:
            return
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        if field.is_repeated:
            yield from value
        else:
            yield value
