"""Discovery requests as bytes.

Field numbers: DeltaDiscoveryRequest and DiscoveryRequest of envoy.service.discovery.v3 (discovery.proto).
"""

from functools import lru_cache

from benchmarks.ads.content import NONE, Names

from weft.envoy.wire import bytes_field, string_field


def first_delta(type_url: str, node: bytes) -> bytes:
    """Returns the first request of a stream: a node, and all resources of a type."""
    return bytes_field(1, node) + string_field(2, type_url)


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


def first_sotw(type_url: str, node: bytes) -> bytes:
    """Returns the first request of a stream: a node, and all resources of a type."""
    return bytes_field(2, node) + string_field(4, type_url)


def sotw(type_url: str, names: Names, version: bytes = b"", nonce: bytes = b"") -> bytes:
    """Returns a request for resources; with the version and nonce of a response it is the acceptance of it."""
    return _optional(1, version) + _wanted(type_url, names) + _optional(5, nonce)


@lru_cache(maxsize=1_024)
def _wanted(type_url: str, names: Names) -> bytes:
    return b"".join(bytes_field(3, name) for name in sorted(names)) + string_field(4, type_url)


def _optional(field: int, value: bytes) -> bytes:
    return bytes_field(field, value) if value else b""
