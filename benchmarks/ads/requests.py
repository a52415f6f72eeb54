"""Discovery requests as bytes.

Field numbers: DeltaDiscoveryRequest and DiscoveryRequest of envoy.service.discovery.v3 (discovery.proto).
"""

from collections.abc import Iterator
from functools import lru_cache

from benchmarks.ads.content import NONE, Content, Names, versions

from weft.base.wire import bytes_field, string_field

History = tuple[tuple[Content, tuple[bytes, ...]], ...]
"""All that a proxy was told of a type, in order: resources, and names of those that were removed."""


def delta_begin(type_url: str, names: Names, history: History, node: bytes = b"") -> bytes:
    """Returns the first request for a type, with the node if it is the first of the stream, and all that is held."""
    return _optional(1, node) + _delta_begin(type_url, names, history)


@lru_cache(maxsize=256)
def _delta_begin(type_url: str, names: Names, history: History) -> bytes:
    held: dict[bytes, bytes] = {}
    for told, removed in history:
        held.update(versions(told))
        for name in removed:
            held.pop(name, None)
    return delta(type_url, names) + b"".join(_versions(held))


def _versions(held: dict[bytes, bytes]) -> Iterator[bytes]:
    for name, version in held.items():
        yield bytes_field(5, bytes_field(1, name) + bytes_field(2, version))


@lru_cache(maxsize=1_024)
def delta(type_url: str, subscribe: Names = NONE, unsubscribe: Names = NONE) -> bytes:
    """Returns a request that changes what is subscribed to."""
    return b"".join(
        (
            string_field(2, type_url),
            *(bytes_field(3, name) for name in sorted(subscribe)),
            *(bytes_field(4, name) for name in sorted(unsubscribe)),
        )
    )


def delta_answer(type_url: str, nonce: bytes) -> bytes:
    """Returns the acceptance of a response."""
    return string_field(2, type_url) + bytes_field(6, nonce)


def sotw(type_url: str, names: Names, version: bytes = b"", nonce: bytes = b"", *, node: bytes = b"") -> bytes:
    """Returns a request for resources; with the version and nonce of a response it is the acceptance of it."""
    return _optional(1, version) + _optional(2, node) + _wanted(type_url, names) + _optional(5, nonce)


@lru_cache(maxsize=1_024)
def _wanted(type_url: str, names: Names) -> bytes:
    return b"".join(bytes_field(3, name) for name in sorted(names)) + string_field(4, type_url)


def _optional(field: int, value: bytes) -> bytes:
    return bytes_field(field, value) if value else b""
