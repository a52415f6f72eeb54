"""A client of the discovery service that asks for all that a proxy asks for: run as a program on the machine.

Reads a list of {"address", "root", "token", "node"} as JSON, and writes for each
{type URL: {name: resource in base64}}.
"""

import base64
import json
import queue
import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

import grpc

from weft.apps.bootstraps import SERVER_NAME
from weft.base import protobuf
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, SDS, VHDS

_METHOD: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"
_REQUEST: Final = "envoy.service.discovery.v3.DeltaDiscoveryRequest"
_RESPONSE: Final = "envoy.service.discovery.v3.DeltaDiscoveryResponse"
_NAMED_BY: Final = {"edsClusterConfig": EDS, "routeConfigName": RDS, "sdsConfig": SDS}
_PATIENCE: Final = 30.0

Found = dict[str, dict[str, str]]


class Asker:
    """One stream: what was asked for, and what came."""

    def __init__(self, node: str) -> None:
        self.found: Found = {type_url: {} for type_url in (CDS, LDS, EDS, RDS, VHDS, SDS)}
        self._requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._wanted: dict[str, set[str]] = {EDS: set(), RDS: set(), SDS: set()}
        self._whole: set[str] = set()
        self._in_parts: set[str] = set()
        self._ask(CDS, node={"id": node})
        self._ask(LDS)

    def requests(self) -> Iterator[bytes]:
        """What is sent."""
        while True:
            yield self._requests.get()

    def take(self, message: bytes) -> bool:
        """Takes a response, and asks for what it names; True once nothing is missing any more."""
        response: Any = protobuf.parse(_RESPONSE, message)
        for resource in response.resources:
            self.found[response.type_url][resource.name] = base64.b64encode(resource.SerializeToString()).decode()
            self._want(protobuf.to_dict(resource))
            self._want_hosts(resource.name, protobuf.to_dict(resource)["resource"])
        for name in response.removed_resources:  # there is no such resource
            self._wanted.get(response.type_url, set()).discard(name)
        self._whole.add(response.type_url)
        self._ask(response.type_url, response_nonce=response.nonce)
        missing = {name for type_url, names in self._wanted.items() for name in names - self.found[type_url].keys()}
        with_hosts = {name.rpartition("/")[0] for name in self.found[VHDS]}
        return {CDS, LDS} <= self._whole and not missing and self._in_parts <= with_hosts

    def _want(self, document: Any) -> None:
        for type_url, name in _references(document):
            if name not in self._wanted[type_url]:
                self._wanted[type_url].add(name)
                self._ask(type_url, subscribe=[name])

    def _want_hosts(self, name: str, resource: Any) -> None:
        """Virtual hosts of a table that comes without are asked for once, for all tables."""
        if "vhds" in resource:
            if not self._in_parts:
                self._ask(VHDS)
            self._in_parts.add(name)

    def _ask(self, type_url: str, subscribe: Iterable[str] = (), **fields: Any) -> None:
        request = {"type_url": type_url, "resource_names_subscribe": list(subscribe), **fields}
        self._requests.put(protobuf.serialize(protobuf.from_dict(_REQUEST, request)))


def _references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for field, type_url in _NAMED_BY.items():
            if field in value:
                yield type_url, value[field] if field == "routeConfigName" else value["name"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)


def everything(asked: dict[str, str]) -> Found:
    """What one stream brings until nothing is missing."""
    credentials = grpc.ssl_channel_credentials(asked["root"].encode())
    options = [("grpc.ssl_target_name_override", SERVER_NAME)]
    metadata = [("authorization", f"Bearer {asked['token']}")]
    asker = Asker(asked["node"])
    with grpc.secure_channel(asked["address"], credentials, options=options) as channel:
        stream = channel.stream_stream(_METHOD)(asker.requests(), timeout=_PATIENCE, metadata=metadata)
        for message in stream:
            if asker.take(message):
                return asker.found
    raise AssertionError("the stream ended before everything was there")


if __name__ == "__main__":
    json.dump([everything(each) for each in json.load(sys.stdin)], sys.stdout)
