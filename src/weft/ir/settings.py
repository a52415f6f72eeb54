"""Settings of the whole mesh, and the key by which proxies share what they get."""

from typing import Literal

from msgspec import Struct

from weft.base.durations import Milliseconds
from weft.base.families import Family
from weft.ir.inventory import TrustDomain
from weft.ir.routing import Retry
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Interception, Labels, Locality

PathNormal = Literal["none", "base", "merge_slashes", "decode_and_merge_slashes"]
DEFAULT_RETRY = Retry(
    attempts=2,
    on=(
        "connect-failure",
        "refused-stream",
        "unavailable",
        "cancelled",
        "retriable-status-codes",
    ),
)
"""Istio's default for outbound HTTP (MeshConfig.defaultHttpRetryPolicy)."""

DEFAULT_INBOUND_RETRY = Retry(attempts=2, on=("reset-before-request",))
"""Istio's default from the proxy to its workload (MeshConfig.defaultInboundHttpRetryPolicy)."""


class MeshSettings(Struct, frozen=True, kw_only=True):
    """One per mesh: what has no narrower home. Defaults are those of Istio's MeshConfig.

    The three `..._visible_to` hold for objects that do not say so themselves; `.` is the object's own namespace.
    `network` is that of the cluster's endpoints. Without one, `networks` tell it by address: pairs of a network and a
    range, the narrowest range first. `gateway_addresses` are where gateways listen for servers that state no address;
    without any it is everywhere.
    `concurrency` is the number of worker threads of proxies that are started from now on; 0 is one for each processor.
    Instead of ports below `first_gateway_port`, which gateways may not open, they open higher ones.
    `captures_dns`: proxies answer their workloads' DNS where these do not say otherwise. `resolvers` are whom they ask
    for names that they do not know: nobody without any, None for those of the place that they run in. Where there is
    `cluster_dns`, they answer only for hosts that it does not know.
    `on_demand`: sidecars get clusters that only requests of HTTP use when the first such request asks for them.
    """

    trust_domain: TrustDomain = TrustDomain(name="cluster.local")
    root_namespace: str = "istio-system"
    cluster_domain: str = "cluster.local"
    cluster: str = "Kubernetes"
    network: str = ""
    networks: tuple[tuple[str, str], ...] = ()
    outbound: Literal["allow", "deny", "resolve"] = "allow"
    automatic_tls: bool = True
    defaults: TrafficSettings = TrafficSettings(connect=10_000)
    retry: Retry | None = DEFAULT_RETRY
    inbound_retry: Retry | None = DEFAULT_INBOUND_RETRY
    detect: Milliseconds = 0
    path_normal: PathNormal = "base"
    access_log: str = ""
    service_visible_to: tuple[str, ...] | None = None
    routes_visible_to: tuple[str, ...] | None = None
    policies_visible_to: tuple[str, ...] | None = None
    lowest_tls: Literal["1.2", "1.3"] = "1.2"
    gateway_addresses: tuple[str, ...] = ()
    first_gateway_port: int = 0
    concurrency: int = 1
    captures_dns: bool = False
    resolvers: tuple[str, ...] | None = ()
    cluster_dns: bool = False
    on_demand: bool = False
    family_order: tuple[str, ...] = ("profile", "virtual", "standard", "ingress")


class ProxyScope(Struct, frozen=True, kw_only=True, cache_hash=True):
    """What decides the client side of a proxy: proxies with equal scopes send alike and share those resources.

    `clients` are the workload's labels, reduced to those that some policy or route for clients selects by. Where
    nothing is `captured`, the proxy takes only what clients send it as their HTTP proxy. `families` are those of the
    workload's addresses, its primary one first. `captures_dns` and `resolvers` are as in `Workload`.
    """

    role: Literal["own", "node", "front", "edge", "between_networks"]
    namespace: str
    cluster: str = ""
    network: str = ""
    node: str = ""
    locality: Locality = ("", "", "")
    clients: Labels = ()
    captured: bool = True
    families: tuple[Family, ...] = ("IPv4",)
    captures_dns: bool = False
    resolvers: tuple[str, ...] = ()


class WorkloadClass(Struct, frozen=True, kw_only=True, cache_hash=True):
    """What decides the server side of a proxy: workloads of equal class are served alike (replicas, as a rule).

    Without interception each workload is a class of its own: `address` is where its proxy listens, `application` where
    the workload itself does. Both are empty otherwise. `families` are as in `ProxyScope`.
    """

    namespace: str
    labels: Labels
    ports: tuple[tuple[str, int, str], ...] = ()
    interception: Interception = "redirect"
    address: str = ""
    application: str = ""
    families: tuple[Family, ...] = ("IPv4",)


class ProxyKey(Struct, frozen=True, kw_only=True, cache_hash=True):
    """The key of a view: proxies with equal keys get equal resources (their own secrets aside)."""

    scope: ProxyScope
    server: WorkloadClass
