"""A control plane that knows nothing: it answers every subscription with an empty configuration."""

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from weft.base import protobuf

_METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
_TIMEOUT = 10


class EmptyControlPlane:
    """`streams` holds the token and the node of each stream, in order."""

    def __init__(self) -> None:
        self.streams: queue.Queue[tuple[str, Any]] = queue.Queue()

    def next_stream(self) -> tuple[str, Any]:
        """Waits for one more stream."""
        return self.streams.get(timeout=_TIMEOUT)

    @contextmanager
    def at(self, address: str, key: Path, chain: Path) -> Iterator["EmptyControlPlane"]:
        """Serves by TLS until the block ends."""
        server = grpc.server(ThreadPoolExecutor(max_workers=4))
        server.add_generic_rpc_handlers((_Handler(self),))
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), chain.read_bytes())])
        server.add_secure_port(address, credentials)
        server.start()
        try:
            yield self
        finally:
            server.stop(grace=None).wait()

    def answer(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        """Speaks for one stream."""
        token = dict(context.invocation_metadata()).get("authorization", "")
        known = False
        for data in requests:
            request: Any = protobuf.parse("envoy.service.discovery.v3.DeltaDiscoveryRequest", data)
            if not known:
                self.streams.put((token, request.node))
                known = True
            if not request.response_nonce:
                yield protobuf.serialize(_empty(request.type_url))


def _empty(type_url: str) -> Message:
    full_name = "envoy.service.discovery.v3.DeltaDiscoveryResponse"
    return protobuf.new(full_name, type_url=type_url, nonce="1", system_version_info="1")


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, plane: EmptyControlPlane) -> None:
        self._plane = plane

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        return grpc.stream_stream_rpc_method_handler(self._plane.answer) if details.method == _METHOD else None
