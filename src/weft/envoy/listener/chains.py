"""What all filter chains have in common."""

from collections.abc import Sequence
from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf

FILTER_CHAIN: Final = "envoy.config.listener.v3.FilterChain"
LISTENER: Final = "envoy.config.listener.v3.Listener"

PLAINTEXT: Final = "raw_buffer"
TLS: Final = "tls"
PLAINTEXT_HTTP: Final = ("http/1.1", "h2c")
"""What the HTTP inspector reports. Not HTTP/1.0, which is passed on as bytes (Istio)."""

MESH_HTTP: Final = ("istio-http/1.0", "istio-http/1.1", "istio-h2")
MESH_STREAM: Final = ("istio-peer-exchange", "istio")
MESH_PROTOCOLS: Final = (*MESH_STREAM, *MESH_HTTP)
"""What clients of the mesh offer in TLS, for HTTP and for bytes; TLS of an application's own offers none of them."""


def filter_chain(
    name: str,
    filters: Sequence[Message],
    match: dict[str, Any] | None = None,
    *,
    transport_socket: dict[str, Any] | None = None,
) -> Message:
    """Returns a filter chain; without a match it takes what no other chain does."""
    return protobuf.new(
        FILTER_CHAIN,
        name=name,
        filters=list(filters),
        filter_chain_match=match or None,
        transport_socket=transport_socket,
    )
