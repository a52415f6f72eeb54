"""A client of the discovery service that is no Envoy: run as a program in a pod, it says what it gets.

Reads a list of {"address", "root", "token", "node", "hold"} as JSON, asks for all clusters with each, and writes a list
of {"code", "detail", "resources"}. With `hold` (seconds) it writes `open` once something came, and then waits for the
end of the stream.
"""

import json
import queue
import sys
from collections.abc import Iterator
from typing import Any, Final

import grpc

from weft.apps.bootstraps import SERVER_NAME
from weft.base import protobuf
from weft.envoy.type_urls import CDS

_METHOD: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
_REQUEST: Final = "envoy.service.discovery.v3.DeltaDiscoveryRequest"
_RESPONSE: Final = "envoy.service.discovery.v3.DeltaDiscoveryResponse"
_PATIENCE: Final = 10.0


def main() -> None:
    json.dump([answered(asked) for asked in json.load(sys.stdin)], sys.stdout)


def answered(asked: dict[str, Any]) -> dict[str, Any]:
    """What one stream brings."""
    credentials = grpc.ssl_channel_credentials(asked["root"].encode())
    options = [("grpc.ssl_target_name_override", SERVER_NAME)]
    metadata = [("authorization", f"Bearer {asked['token']}")] if asked["token"] is not None else []
    with grpc.secure_channel(asked["address"], credentials, options=options) as channel:
        call = channel.stream_stream(_METHOD)
        stream = call(requests(asked["node"]), timeout=_PATIENCE + asked["hold"], metadata=metadata)
        return outcome(stream, hold=bool(asked["hold"]))


def requests(node: str) -> Iterator[bytes]:
    """The first request, and then none: the stream stays open."""
    first = protobuf.from_dict(_REQUEST, {"node": {"id": node}, "type_url": CDS})
    yield protobuf.serialize(first)
    queue.SimpleQueue[None]().get()


def outcome(stream: Any, *, hold: bool) -> dict[str, Any]:
    """What the stream brought until its end, or until the first response if it shall not be held."""
    resources: list[str] = []
    try:
        for message in stream:
            response: Any = protobuf.parse(_RESPONSE, message)
            resources += [resource.name for resource in response.resources]
            if not hold:
                break
            print("open", flush=True)
    except grpc.RpcError as error:
        return {"code": error.code().name, "detail": error.details(), "resources": resources}
    return {"code": "OK", "detail": "", "resources": resources}


if __name__ == "__main__":
    main()
