"""What a proxy shall do, joined and decided: the only thing that the proxy layer reads.

The mesh layer makes these values from fragments; everything that depends on who the proxy is (visibility, precedence,
client labels, ports) is settled in them. They are hashable, so that equal values are built to bytes once.
"""

from typing import Final, Literal, Protocol

from msgspec import Struct

from weft.base.durations import Milliseconds
from weft.base.families import Family
from weft.base.provenance import Provenance
from weft.ir import values
from weft.ir.access import Authorization, MutualMode
from weft.ir.inventory import Endpoint
from weft.ir.routing import RouteRule
from weft.ir.settings import MeshSettings, ProxyKey, ProxyScope, WorkloadClass
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Identity, Locality, Tls, Transform

HTTP_PROXY: Final = "http_proxy"
"""The route table of clients that nothing is captured for: all hosts on all ports (Istio's name for it)."""


class EndpointGroup(Struct, frozen=True, cache_hash=True):
    """Endpoints of one locality and priority (0 is first); `weight` is the locality's share, None for no shares."""

    locality: Locality
    priority: int
    weight: int | None
    endpoints: tuple[Endpoint, ...]


class Cluster(Struct, frozen=True, cache_hash=True, kw_only=True):
    """One destination of a scope: a service port or a subset of it, with everything merged.

    `name` is `outbound|<port>|<subset>|<host>`. `mesh_tls`: mutual TLS of the mesh with every endpoint, with none, or
    with those endpoints that say so. `settings.tls` is what an author asked for; it wins over `mesh_tls`, which is then
    "never" (own TLS, or off) or "always" (mode mesh). `peers` are the identities that endpoints may prove, sorted.
    `groups` and `families` (those of the client) are filled for DNS resolution only; other endpoints are discovered by
    `name`. `config` names the object that the settings come from, for people: `reviews.default` of a DestinationRule.
    `addressed`: clients may ask for one endpoint by its address. `any_source`: connections leave from the address that
    the machine picks, also where the proxy has one from which it calls workloads.
    """

    name: str
    host: str
    port: int
    subset: str
    protocol: values.Protocol
    discovery: Literal["endpoints", "dns", "dns_one", "dynamic", "original"]
    settings: TrafficSettings
    mesh_tls: Literal["never", "by_endpoint", "always"]
    server_name: str
    peers: tuple[Identity, ...]
    external: bool = False
    groups: tuple[EndpointGroup, ...] = ()
    config: str = ""
    any_source: bool = False
    addressed: bool = False
    families: tuple[Family, ...] = ("IPv4",)


class Endpoints(Struct, frozen=True, cache_hash=True):
    """All endpoints of the cluster `name`; `addressed` is as in `Cluster`."""

    name: str
    groups: tuple[EndpointGroup, ...]
    addressed: bool = False


class Destination(Struct, frozen=True, gc=False):
    """A cluster with its share of the traffic. A `broken` one answers 500; `cluster` is then empty."""

    cluster: str
    weight: int
    request: Transform | None = None
    response: Transform | None = None
    broken: str | None = None


class Route(Struct, frozen=True, cache_hash=True):
    """One rule of a virtual host, ready to be used: defaults filled in, backends resolved to clusters.

    `rule.matches` holds no match that this scope can't meet; `rule.retry` and `rule.timeout` are final. `hash_on` are
    the keys by which the destinations balance, in the form of `TrafficSettings.hash_on`.
    """

    rule: RouteRule
    destinations: tuple[Destination, ...] = ()
    mirrors: tuple[tuple[str, float], ...] = ()
    hash_on: tuple[tuple[str, ...], ...] = ()


class StreamRoute(Struct, frozen=True):
    """Where a connection goes that is not looked into: by destination networks and server names, None matching all.

    `name` is for logs and statistics. `idle` and `lifetime` end it, and `by_address` keeps connections of one client
    address at one endpoint: settings of the destinations (the first's, where they differ) that only a proxy of bytes
    can apply. `endpoint` is as in `VirtualHost`.
    """

    destinations: tuple[Destination, ...]
    networks: tuple[str, ...] | None = None
    tls_names: tuple[str, ...] | None = None
    name: str = ""
    client_networks: tuple[str, ...] | None = None
    idle: Milliseconds | None = None
    lifetime: Milliseconds | None = None
    by_address: bool = False
    endpoint: str = ""


class VirtualHost(Struct, frozen=True, cache_hash=True):
    """The routes of one host. `name` is `<host>:<port>`; `domains` are unique within their table.

    `endpoint` is the address of the one that requests are for, at destinations that are `addressed` and have it.
    `tunnel` is where bytes go for which a client asks by CONNECT.
    """

    name: str
    domains: tuple[str, ...]
    routes: tuple[Route, ...]
    https_redirect: bool = False
    endpoint: str = ""
    tunnel: StreamRoute | None = None


Fallback = Literal["allow", "deny", "not_found", "resolve"]
"""What happens to requests for hosts that a table does not name."""


class RouteConfiguration(Struct, frozen=True):
    """A table of hosts. `fallback` is for hosts that are in no virtual host: to their original address, refused with
    502, answered 404, or to the addresses that their name has in DNS.

    `by_port`: hosts are told apart by the port that requests name; else a host stands for itself on any port.
    `shared`: by many services, so that its hosts are worth being told one by one; a table never changes in this.
    Names of hosts are unique in a table, and so are their domains.
    """

    name: str
    hosts: tuple[VirtualHost, ...]
    fallback: Fallback
    by_port: bool = False
    shared: bool = False


class OutboundListener(Struct, frozen=True, cache_hash=True, kw_only=True):
    """One destination address and port that the proxy of a client serves.

    `address` is `0.0.0.0` or `::` for every address of a family; the listener is at the addresses `also` too. `kind`:
    HTTP by `route`, streams only, or told apart by looking at the first bytes (HTTP by `route`, else `streams`).
    `fallback` says what happens to connections that no stream matches: to their original address, or closed.
    """

    address: str
    port: int
    kind: Literal["http", "stream", "detect"]
    also: tuple[str, ...] = ()
    route: str = ""
    streams: tuple[StreamRoute, ...] = ()
    fallback: Literal["allow", "deny"] = "allow"


class InboundPort(Struct, frozen=True, cache_hash=True, kw_only=True):
    """One port that a workload serves.

    `authorizations` are all that are in force here, sorted by gate, tier and age; the proxy layer compiles them (IR A1
    to A14). `service` is the service that the port belongs to, for statistics. `forward_to` is where the application
    listens, `address:port` (0.0.0.0 for the address that was called) or `unix:/path`; None for what was called.
    `families` are those of the workload's addresses.
    """

    port: int
    protocol: values.Protocol
    mutual: MutualMode
    authorizations: tuple[Authorization, ...]
    service: str = ""
    name: str = ""
    pool: TrafficSettings | None = None
    forward_to: str | None = None
    families: tuple[Family, ...] = ("IPv4",)


class Inbound(Struct, frozen=True, cache_hash=True, kw_only=True):
    """The server side of a class of workloads. `other` holds for every port that is not listed (its port is 0).

    `trust_domains` are the domains whose identities are accepted, the local one first. Without interception the proxy
    serves the ports at its `address`, and no others. `families` are those of the workload's addresses, its primary one
    first.
    """

    ports: tuple[InboundPort, ...]
    other: InboundPort
    trust_domains: tuple[str, ...]
    interception: values.Interception = "redirect"
    address: str = ""
    families: tuple[Family, ...] = ("IPv4",)


class GatewayServer(Struct, frozen=True, kw_only=True):
    """One filter chain of a gateway's port: hosts by server name where TLS is seen, then HTTP by `route` or streams."""

    tls_names: tuple[str, ...] | None
    tls: Tls | None
    kind: Literal["http", "stream"]
    route: str = ""
    streams: tuple[StreamRoute, ...] = ()
    credentials: tuple[str, ...] = ()
    name: str = ""


class GatewayListener(Struct, frozen=True, cache_hash=True, kw_only=True):
    """One port that a gateway listens on, at `bind` ("" for everywhere) and at the addresses `also`.

    `authorizations` are as in `InboundPort`.
    """

    bind: str
    port: int
    servers: tuple[GatewayServer, ...]
    also: tuple[str, ...] = ()
    authorizations: tuple[Authorization, ...] = ()


class HostTable(Struct, frozen=True, cache_hash=True):
    """What a proxy answers to questions about hosts: pairs of a name (`*.` before it for all below it) and addresses.

    For other names it asks the `resolvers`: nobody without any, None for those of the place that it runs in. `families`
    are those of the workload's addresses.
    """

    hosts: tuple[tuple[str, tuple[str, ...]], ...]
    resolvers: tuple[str, ...] | None = ()
    families: tuple[Family, ...] = ("IPv4",)


class Credential(Struct, frozen=True):
    """A certificate chain with its key, or roots; PEM. It never shows what it holds."""

    certificate: bytes = b""
    key: bytes = b""
    roots: bytes = b""

    def __repr__(self) -> str:
        return "Credential(...)"


class MeshReader(Protocol):
    """What the proxy layer may ask of the mesh. Reads are recorded by the graph, so results follow changes."""

    def settings(self) -> MeshSettings:
        """Settings of the mesh."""

    def common_scope(self, scope: ProxyScope) -> ProxyScope:
        """The scope that stands for all whose clients have the same clusters, endpoints and listeners."""

    def cluster_names(self, scope: ProxyScope) -> tuple[str, ...]:
        """Names of all outbound clusters in a scope, sorted."""

    def clusters_on_demand(self, scope: ProxyScope) -> frozenset[str]:
        """Names of those that are told only to a proxy that asks for them."""

    def cluster(self, scope: ProxyScope, name: str) -> Cluster | None:
        """One outbound cluster of a scope; None if there is none (any more)."""

    def endpoints(self, scope: ProxyScope, name: str) -> Endpoints | None:
        """The endpoints of an outbound cluster that discovers them; None for others."""

    def route_names(self, scope: ProxyScope) -> tuple[str, ...]:
        """Names of the route tables that a scope's listeners refer to, sorted."""

    def routes(self, scope: ProxyScope, name: str) -> RouteConfiguration | None:
        """One route table of a scope."""

    def own_hosts(self, scope: ProxyScope) -> tuple[tuple[str, VirtualHost], ...] | None:
        """The virtual hosts of shared route tables, each with its table's name, by which a scope differs from the
        common one; None where its tables are its own as a whole."""

    def outbound_listeners(self, scope: ProxyScope) -> tuple[OutboundListener, ...]:
        """Listeners for what workloads of a scope send, sorted by port and address."""

    def outbound_fallback(self, scope: ProxyScope) -> Literal["allow", "deny"]:
        """What happens to destinations that no listener names."""

    def host_table(self, scope: ProxyScope) -> HostTable | None:
        """What a scope's proxies answer to questions about hosts; None where they are not asked."""

    def inbound(self, server: WorkloadClass) -> Inbound:
        """The server side of workloads that have their own proxy."""

    def gateway_listeners(self, key: ProxyKey) -> tuple[GatewayListener, ...]:
        """Listeners of a gateway's proxy, sorted by port and bind address."""

    def gateway_route_names(self, key: ProxyKey) -> tuple[str, ...]:
        """Names of the route tables that a gateway's listeners refer to, sorted."""

    def gateway_routes(self, key: ProxyKey, name: str) -> RouteConfiguration | None:
        """One route table of a gateway."""

    def credential(self, namespace: str, reference: values.SecretRef) -> Credential | None:
        """What a reference leads to for proxies of a namespace; None if it is not there, or not theirs."""

    def explain(self, scope: ProxyScope, name: str) -> tuple[Provenance, ...]:
        """The objects that an outbound cluster or a virtual host (`host:port`) of a scope comes from."""
