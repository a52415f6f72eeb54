"""Filter chains for connections that are not looked into, by networks and server names."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from google.protobuf.message import Message
from msgspec import Struct

from weft.envoy.listener.chains import TLS, filter_chain
from weft.envoy.messages import cidr
from weft.envoy.network_filters import tcp_proxy
from weft.envoy.socket_match import stream_mark
from weft.ir.settings import MeshSettings
from weft.ir.view import StreamRoute


class Place(Struct, frozen=True):
    """One connection that a chain may match: its networks and server name, "" for any."""

    network: str = ""
    server_name: str = ""
    client_network: str = ""


class Places:
    """What the chains of one listener match. Envoy refuses a listener in which two chains match alike, so the first
    chain that names a place has it alone."""

    def __init__(self) -> None:
        self._taken: set[Place] = set()

    def take(self, wanted: Iterable[Place]) -> list[Place]:
        """Returns those of the places that were free, and takes them."""
        free = [place for place in dict.fromkeys(wanted) if place not in self._taken]
        self._taken.update(free)
        return free


def matched_chains(
    streams: Iterable[StreamRoute],
    settings: MeshSettings,
    *,
    places: Places,
    before: Sequence[Message] = (),
    closed_by: str = "",
    transport_socket: dict[str, Any] | None = None,
) -> Iterator[Message]:
    """Yields the chains of all streams that match something in particular; `before` are filters in front of each,
    `closed_by` is as for `tcp_proxy`."""
    for stream in streams:
        wanted = [place for place in _places(stream) if place != Place()]
        free = places.take(wanted)
        filters = [*before, *stream_filters(stream, settings, closed_by=closed_by)]
        groups = [free] if len(free) == len(wanted) else [[place] for place in free]
        for group in groups:
            if group:
                yield filter_chain(stream.name, filters, _match(group), transport_socket=transport_socket)


def catch_all(streams: Iterable[StreamRoute]) -> StreamRoute | None:
    """Returns the first stream that matches everything; None if there is none."""
    return next((stream for stream in streams if Place() in _places(stream)), None)


def stream_filters(stream: StreamRoute, settings: MeshSettings, *, closed_by: str = "") -> list[Message]:
    """Returns the filters that pass bytes on; in statistics they are named by the stream's first destination.
    `closed_by` is as for `tcp_proxy`."""
    name = next((d.cluster for d in stream.destinations if d.cluster), stream.name)
    return [stream_mark(), tcp_proxy(name, stream, settings, closed_by=closed_by)]


def has_server_names(streams: Iterable[StreamRoute]) -> bool:
    """Whether some stream is recognised by its server name."""
    return any(place.server_name for stream in streams for place in _places(stream))


def _places(stream: StreamRoute) -> list[Place]:
    """The single places of a stream's match. `*` is any server name."""
    names = None if stream.tls_names and "*" in stream.tls_names else stream.tls_names
    parts = ((("",) if values is None else values) for values in (stream.networks, names, stream.client_networks))
    return [Place(*place) for place in product(*parts)]


def _match(group: Sequence[Place]) -> dict[str, Any]:
    names = _distinct(place.server_name for place in group)
    return {
        "prefix_ranges": [cidr(network) for network in _distinct(place.network for place in group)],
        "server_names": names,
        "transport_protocol": TLS if names else "",
        "source_prefix_ranges": [cidr(network) for network in _distinct(place.client_network for place in group)],
    }


def _distinct(values: Iterable[str]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value]
