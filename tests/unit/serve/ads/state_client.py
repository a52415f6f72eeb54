"""A client of state of the world that does what the protocol says, and keeps account of it."""

from collections import deque
from typing import Any

from tests.unit.serve.ads.client import BAD

from weft.base import protobuf
from weft.envoy.type_urls import CDS, LDS
from weft.serve.ads.bodies import Bodies
from weft.serve.ads.messages import encode_state, parse_state_request
from weft.serve.ads.names import NameSets
from weft.serve.ads.state_stream import StateStream
from weft.serve.ads.stream import Pacing
from weft.serve.ads.views import ResourceSource
from weft.serve.ads.whole_tables import Tables

TOLD_WHOLE = (CDS, LDS)


class Response:
    """A decoded response. A resource's body is its name, `=`, and any content."""

    def __init__(self, data: bytes) -> None:
        message: Any = protobuf.parse("envoy.service.discovery.v3.DiscoveryResponse", data)
        self.type_url: str = message.type_url
        self.nonce: str = message.nonce
        self.version: str = message.version_info
        self.resources: dict[str, bytes] = dict(_named(each.value) for each in message.resources)
        self.types = {each.type_url for each in message.resources}

    @property
    def refused(self) -> list[str]:
        return sorted(name for name, content in self.resources.items() if content.startswith(BAD))

    def __repr__(self) -> str:
        return f"{self.type_url.rpartition('.')[2]} {self.nonce}: {self.resources}"


def _named(value: bytes) -> tuple[str, bytes]:
    name, _, content = value.partition(b"=")
    return name.decode(), content


def state_stream(source: ResourceSource) -> StateStream:
    """A stream that shares nothing."""
    pacing = Pacing(ack=5.0, removal=10.0)
    return StateStream(source, 0.0, pacing, bodies=Bodies(encode=encode_state), sets=NameSets(), tables=Tables())


class StateClient:
    """Talks to a stream; answers are sent only when asked for. `kept` is what it holds, by type."""

    def __init__(self, stream: StateStream, time: float = 0.0) -> None:
        self.stream = stream
        self.time = time
        self.names: dict[str, list[str]] = {}
        self.kept: dict[str, dict[str, bytes]] = {}
        self.inbox: deque[Response] = deque()
        self.seen: list[Response] = []
        self._accepted: dict[str, str] = {}
        self._nonce: dict[str, str] = {}

    def ask(self, type_url: str, *names: str) -> None:
        """Wants these names of a type from now on."""
        self.names[type_url] = list(names)
        if type_url not in TOLD_WHOLE:
            held = self.kept.get(type_url, {})
            self.kept[type_url] = {name: held[name] for name in names if name in held}
        self._send(type_url)

    def _send(self, type_url: str, **fields: Any) -> Any:
        message = protobuf.new(
            "envoy.service.discovery.v3.DiscoveryRequest",
            type_url=type_url,
            resource_names=self.names[type_url],
            version_info=self._accepted.get(type_url, ""),
            response_nonce=self._nonce.get(type_url, ""),
            **fields,
        )
        return self.stream.receive(parse_state_request(protobuf.serialize(message)), self.time)

    def poll(self) -> Response | None:
        """Takes one response off the stream."""
        data = self.stream.poll(self.time)
        if data is None:
            return None
        response = Response(b"".join(data))
        assert response.types <= {response.type_url}
        self.inbox.append(response)
        self.seen.append(response)
        return response

    def answer(self) -> Any:
        """Takes the oldest response in and answers it; returns the refusal if it is one."""
        response = self.inbox.popleft()
        kind = response.type_url
        self._nonce[kind] = response.nonce
        if response.refused:
            return self._send(kind, error_detail={"code": 13, "message": f"refused {response.refused}"})
        self._accepted[kind] = response.version
        wanted = self.names[kind]
        if kind in TOLD_WHOLE:
            self.kept[kind] = dict(response.resources)
        else:
            held = self.kept.setdefault(kind, {})
            held.update((name, content) for name, content in response.resources.items() if name in wanted)
        return self._send(kind)

    def settle(self, limit: int = 500) -> None:
        """Polls and answers until nothing is left, letting time pass where the stream waits."""
        for _ in range(limit):
            if self.poll() is not None:
                continue
            if self.inbox:
                self.answer()
                continue
            wake_at = self.stream.wake_at(self.time)
            if wake_at is None:
                return
            self.time = wake_at
        raise AssertionError("the stream does not come to rest")
