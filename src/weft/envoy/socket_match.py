"""Which of a cluster's transport sockets a connection uses, where that depends on what it carries.

A cluster of a port whose protocol is detected serves HTTP and bytes, and in TLS of the mesh the client must offer which
of the two it is: a permissive server chooses by that. Chains for bytes leave a mark in the connection's filter state,
and such clusters look for it.
"""

from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.messages import extension

MESH_SOCKET: Final = "tlsMode-istio"
MESH_STREAM_SOCKET: Final = "tlsMode-istio-stream"
PLAIN_SOCKET: Final = "tlsMode-disabled"

MODE_METADATA: Final = "envoy.transport_socket_match"
MODE_KEY: Final = "tlsMode"
MESH_MODE: Final = "istio"
"""What the metadata of an endpoint says that speaks TLS of the mesh (Istio)."""

_MARK: Final = "weft.content"
_STREAM: Final = "stream"
_INPUTS: Final = "envoy.extensions.matching.common_inputs.transport_socket.v3"


def stream_mark() -> Message:
    """Returns the network filter that marks a connection as one of bytes."""
    mark = {
        "object_key": _MARK,
        "factory_key": "envoy.string",
        "format_string": {"text_format_source": {"inline_string": _STREAM}},
        "shared_with_upstream": "ONCE",
    }
    full_name = "envoy.extensions.filters.network.set_filter_state.v3.Config"
    fields = extension("envoy.filters.network.set_filter_state", full_name, on_new_connection=[mark])
    return protobuf.new("envoy.config.listener.v3.Filter", **fields)


def by_content(*, by_endpoint: bool) -> dict[str, Any]:
    """Returns the transport_socket_matcher of a cluster that serves HTTP and bytes with TLS of the mesh.

    `by_endpoint`: only towards endpoints whose metadata asks for it.
    """
    full_name = f"{_INPUTS}.FilterStateInput"
    content = _equals(extension("envoy.matching.inputs.transport_socket_filter_state", full_name, key=_MARK), _STREAM)
    mesh = {"matcher": _matcher({"single_predicate": content}, _socket(MESH_STREAM_SOCKET), _socket(MESH_SOCKET))}
    if not by_endpoint:
        return mesh["matcher"]
    path = [{"key": MODE_KEY}]
    full_name = f"{_INPUTS}.EndpointMetadataInput"
    mode = extension("envoy.matching.inputs.endpoint_metadata", full_name, filter=MODE_METADATA, path=path)
    return _matcher({"single_predicate": _equals(mode, MESH_MODE)}, mesh, _socket(PLAIN_SOCKET))


def _matcher(predicate: dict[str, Any], then: dict[str, Any], otherwise: dict[str, Any]) -> dict[str, Any]:
    return {"matcher_list": {"matchers": [{"predicate": predicate, "on_match": then}]}, "on_no_match": otherwise}


def _equals(read: dict[str, Any], text: str) -> dict[str, Any]:
    return {"input": read, "value_match": {"exact": text}}


def _socket(name: str) -> dict[str, Any]:
    full_name = f"{_INPUTS}.TransportSocketNameAction"
    return {"action": extension("envoy.matching.action.transport_socket.name", full_name, name=name)}
