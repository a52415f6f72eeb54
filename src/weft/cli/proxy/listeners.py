"""`proxy-config listeners`: one row a filter chain."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from weft.cli.proxy.dump import Json, typed
from weft.cli.proxy.endpoints import Address, SocketAddress
from weft.cli.proxy.routes import RouteConfiguration, inline_summary

HEADER: Final = ("ADDRESSES", "PORT", "MATCH", "DESTINATION")

_TYPES: Final = "type.googleapis.com/envoy.extensions.filters.network."
_HTTP: Final = f"{_TYPES}http_connection_manager.v3.HttpConnectionManager"
_TCP: Final = f"{_TYPES}tcp_proxy.v3.TcpProxy"

_PROTOCOLS: Final = {
    ("http/1.0", "http/1.1", "h2c"): "HTTP",
    ("istio-peer-exchange", "istio"): "TCP TLS",
    ("istio", "istio-http/1.0", "istio-http/1.1", "istio-h2"): "Istio HTTP Plain",
    ("http/1.0", "http/1.1", "h2c", "istio-http/1.0", "istio-http/1.1", "istio-h2"): "HTTP TLS",
}
"""The words of istioctl for lists of application protocols."""


class ListenerFilter(Struct, frozen=True):
    """Which listeners are meant; what is not given matches all. `type` is HTTP, TCP or HTTP+TCP, as istioctl's."""

    address: str = ""
    port: int | None = None
    type: str = ""


class _Range(Struct, frozen=True):
    address_prefix: str = ""
    prefix_len: int = 0

    def __str__(self) -> str:
        return f"{self.address_prefix}/{self.prefix_len}"


class _Match(Struct, frozen=True):
    destination_port: int | None = None
    prefix_ranges: tuple[_Range, ...] = ()
    server_names: tuple[str, ...] = ()
    transport_protocol: str = ""
    application_protocols: tuple[str, ...] = ()


class _Filter(Struct, frozen=True):
    typed_config: Json = {}


class _Chain(Struct, frozen=True):
    filter_chain_match: _Match = _Match()
    filters: tuple[_Filter, ...] = ()


class _AdditionalAddress(Struct, frozen=True):
    address: Address = Address()


class _Listener(Struct, frozen=True):
    address: Address = Address()
    additional_addresses: tuple[_AdditionalAddress, ...] = ()
    filter_chains: tuple[_Chain, ...] = ()
    default_filter_chain: _Chain | None = None

    @property
    def chains(self) -> tuple[_Chain, ...]:
        return (*self.filter_chains, *([self.default_filter_chain] if self.default_filter_chain else []))

    @property
    def socket(self) -> SocketAddress:
        return self.address.socket_address or SocketAddress(str(self.address))

    @property
    def addresses(self) -> tuple[str, ...]:
        more = (each.address.socket_address for each in self.additional_addresses)
        return (self.socket.address, *(each.address for each in more if each is not None))


class _Discovery(Struct, frozen=True):
    route_config_name: str = ""


class _HttpConnectionManager(Struct, frozen=True):
    rds: _Discovery | None = None
    route_config: RouteConfiguration | None = None


class _Named(Struct, frozen=True):
    name: str = ""


class _Weighted(Struct, frozen=True):
    clusters: tuple[_Named, ...] = ()


class _TcpProxy(Struct, frozen=True):
    cluster: str = ""
    weighted_clusters: _Weighted | None = None


def select(listeners: Iterable[Json], wanted: ListenerFilter) -> list[Json]:
    """The listeners that are meant, sorted by port and address. Raises DumpError."""
    keyed = [(typed(listener, _Listener), listener) for listener in listeners]
    found = [(listener, resource) for listener, resource in keyed if _matches(listener, wanted)]
    found.sort(key=lambda pair: (pair[0].socket.port_value, pair[0].socket.address))
    return [resource for _, resource in found]


def rows(listeners: Iterable[Json]) -> list[tuple[str, ...]]:
    """One row a filter chain. Raises DumpError."""
    return [row for listener in listeners for row in _rows(typed(listener, _Listener))]


def _rows(listener: _Listener) -> Iterator[tuple[str, ...]]:
    socket = listener.socket
    for chain in listener.chains:
        match = "; ".join(_conditions(chain.filter_chain_match)) or "ALL"
        yield ",".join(listener.addresses), str(socket.port_value or "-"), match, _destination(chain)


def _matches(listener: _Listener, wanted: ListenerFilter) -> bool:
    return (
        wanted.address in ("", *listener.addresses)
        and wanted.port in (None, listener.socket.port_value)
        and wanted.type in ("", _type(listener))
    )


def _type(listener: _Listener) -> str:
    types = {filter_.typed_config.get("@type") for chain in listener.chains for filter_ in chain.filters}
    if _HTTP in types:
        return "HTTP+TCP" if _TCP in types else "HTTP"
    return "TCP" if _TCP in types else "UNKNOWN"


def _conditions(match: _Match) -> Iterator[str]:
    if match.server_names:
        yield f"SNI: {','.join(match.server_names)}"
    if match.transport_protocol:
        yield f"Trans: {match.transport_protocol}"
    if match.application_protocols:
        yield f"App: {_protocols(match.application_protocols)}"
    port = f":{match.destination_port}" if match.destination_port else ""
    if match.prefix_ranges or port:
        yield f"Addr: {','.join(map(str, match.prefix_ranges)) or '*'}{port}"


def _protocols(protocols: Sequence[str]) -> str:
    return _PROTOCOLS.get(tuple(protocols), ",".join(protocols))


def _destination(chain: _Chain) -> str:
    for config in (filter_.typed_config for filter_ in chain.filters):
        if config.get("@type") == _HTTP:
            return _http_destination(typed(config, _HttpConnectionManager))
        if config.get("@type") == _TCP:
            return _tcp_destination(typed(config, _TcpProxy))
    return "Non-HTTP/Non-TCP"


def _http_destination(manager: _HttpConnectionManager) -> str:
    if manager.route_config:
        return inline_summary(manager.route_config)
    return f"Route: {manager.rds.route_config_name}" if manager.rds else "HTTP"


def _tcp_destination(proxy: _TcpProxy) -> str:
    weighted = proxy.weighted_clusters.clusters if proxy.weighted_clusters else ()
    names = [proxy.cluster] if proxy.cluster else [cluster.name for cluster in weighted]
    if len(names) == 1 and names[0].endswith("Cluster"):  # the mesh's own, as PassthroughCluster
        return names[0]
    return f"Cluster: {', '.join(names)}"
