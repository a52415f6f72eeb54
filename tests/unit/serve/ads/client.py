"""A client of delta discovery that does what the protocol says, and keeps account of it."""

from collections import deque
from collections.abc import Iterable
from typing import Any

from weft.base import protobuf
from weft.envoy.resource import Resource, resource
from weft.envoy.type_urls import CDS, EDS, LDS
from weft.serve.ads.messages import WILDCARD, DeltaRequest, Node, parse_request
from weft.serve.ads.stream import DeltaStream

WHOLE = (CDS, LDS)
BAD = b"bad"


def item(type_url: str, name: str, content: str = "1") -> Resource:
    """A resource of any content: the stream does not look into it."""
    return resource(type_url, name, content.encode())


def bad(type_url: str, name: str, content: str = "1") -> Resource:
    """One that the client refuses."""
    return resource(type_url, name, BAD + content.encode())


class Response:
    """A decoded response."""

    def __init__(self, data: bytes) -> None:
        message: Any = protobuf.parse("envoy.service.discovery.v3.DeltaDiscoveryResponse", data)
        self.type_url: str = message.type_url
        self.nonce: str = message.nonce
        self.versions = {r.name: r.version for r in message.resources}
        self.types = {r.resource.type_url for r in message.resources}
        self.refused = sorted(r.name for r in message.resources if r.resource.value.startswith(BAD))
        self.removed = list(message.removed_resources)

    def __repr__(self) -> str:
        return f"{self.type_url.rpartition('.')[2]} {self.nonce}: {self.versions} removed {self.removed}"


def encode_request(type_url: str, **fields: Any) -> bytes:
    """A request as bytes, fields named as in the .proto file."""
    return protobuf.serialize(
        protobuf.new("envoy.service.discovery.v3.DeltaDiscoveryRequest", type_url=type_url, **fields)
    )


class Kept:
    """What the client keeps of one type."""

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self.names: set[str] = set()
        self.wildcard = False
        self.implicit = False
        self.opened = False

    def wants(self, name: str) -> bool:
        return self.wildcard or name in self.names

    def forget_unwanted(self) -> None:
        self.versions = {name: version for name, version in self.versions.items() if self.wants(name)}


class Client:
    """Talks to a stream; requests go over the wire format, answers are sent only when asked for."""

    def __init__(self, stream: DeltaStream, time: float = 0.0) -> None:
        self.stream = stream
        self.time = time
        self.kept: dict[str, Kept] = {}
        self.inbox: deque[Response] = deque()
        self.warming: set[str] = set()
        self.seen: list[Response] = []
        self.nonces: set[str] = set()

    def send(self, type_url: str, **fields: Any) -> Any:
        return self.stream.receive(parse_request(encode_request(type_url, **fields)), self.time)

    def subscribe(self, type_url: str, *names: str, unsubscribe: Iterable[str] = ()) -> None:
        """A request for names; without any it is the wildcard of old, if it is the first one."""
        kept = self.kept.setdefault(type_url, Kept())
        if not kept.opened:
            kept.opened = True
            kept.implicit = kept.wildcard = not names
        elif names and kept.implicit:
            kept.implicit = kept.wildcard = False
        kept.wildcard = kept.wildcard or WILDCARD in names
        kept.names |= set(names) - {WILDCARD}
        kept.names -= set(unsubscribe)
        if WILDCARD in unsubscribe:
            kept.implicit = kept.wildcard = False
        kept.forget_unwanted()
        self.send(type_url, resource_names_subscribe=list(names), resource_names_unsubscribe=list(unsubscribe))

    def reconnect(self, stream: DeltaStream) -> None:
        """A new stream: what was under way is lost, and the server is told what is kept."""
        self.stream = stream
        self.inbox.clear()
        self.nonces.clear()
        for type_url, kept in self.kept.items():
            names = sorted(kept.names) + ([WILDCARD] if kept.wildcard and not kept.implicit else [])
            kept.opened = bool(names or kept.implicit)
            if kept.opened:
                self.send(
                    type_url,
                    resource_names_subscribe=names,
                    initial_resource_versions=dict(kept.versions),
                )

    def poll(self) -> Response | None:
        """Takes one response off the stream."""
        data = self.stream.poll(self.time)
        if data is None:
            return None
        response = Response(b"".join(data))
        assert response.types <= {response.type_url}
        assert response.nonce not in self.nonces, "a nonce was used twice"
        self.nonces.add(response.nonce)
        self.inbox.append(response)
        self.seen.append(response)
        return response

    def answer(self) -> Any:
        """Takes the oldest response in and answers it; returns the refusal if it is one."""
        response = self.inbox.popleft()
        if response.refused:
            status = {"code": 13, "message": f"refused {response.refused}"}
            return self.send(response.type_url, response_nonce=response.nonce, error_detail=status)
        kept = self.kept[response.type_url]
        kept.versions.update((name, version) for name, version in response.versions.items() if kept.wants(name))
        for name in response.removed:
            kept.versions.pop(name, None)
        self._warm(response)
        return self.send(response.type_url, response_nonce=response.nonce)

    def _warm(self, response: Response) -> None:
        if response.type_url == CDS:
            self.warming |= set(response.versions)
            self.warming -= set(response.removed)
        if response.type_url == EDS:
            self.warming -= set(response.versions) | set(response.removed)

    def settle(self, limit: int = 500) -> int:
        """Polls and answers until nothing is left, letting time pass where the stream waits; returns the responses."""
        count = 0
        while True:
            if self.poll() is not None:
                count += 1
            elif self.inbox:
                self.answer()
            else:
                wake_at = self.stream.wake_at(self.time)
                if wake_at is None:
                    return count
                self.time = wake_at
            assert count < limit, "the stream does not come to rest"


def request(type_url: str, *names: str, **fields: Any) -> DeltaRequest:
    """A first request with a node."""
    return DeltaRequest(type_url, subscribe=frozenset(names), node=Node("n", "c", {}), **fields)
