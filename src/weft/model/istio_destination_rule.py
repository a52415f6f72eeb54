"""DestinationRule of `networking.istio.io`, field by field.

Names, types and defaults follow `networking/v1alpha3/destination_rule.proto` of istio.io/api in its JSON form; see
`weft.model.istio_virtual_service` for the conventions.
"""

from typing import Literal

from msgspec import Struct, field

from weft.model.istio_type import WorkloadSelector
from weft.model.istio_virtual_service import PortSelector


class RingHash(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Hashing onto a ring."""

    minimum_ring_size: int = 0


class MagLev(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Hashing into a table."""

    table_size: int = 0


class CookieAttribute(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A further attribute of a cookie."""

    name: str = ""
    value: str = ""


class HttpCookie(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The cookie that keeps a client at one endpoint; made where it is missing and `ttl` is set."""

    name: str = ""
    path: str = ""
    ttl: str | None = None
    attributes: tuple[CookieAttribute, ...] = ()


class ConsistentHashLb(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Balancing by hash: exactly one key, at most one algorithm."""

    http_header_name: str | None = None
    http_cookie: HttpCookie | None = None
    use_source_ip: bool | None = None
    http_query_parameter_name: str | None = None
    ring_hash: RingHash | None = None
    maglev: MagLev | None = None
    minimum_ring_size: int = 0


class BackendUtilizationLb(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Balancing by what endpoints report about their load."""

    weight_stabilization_period: str | None = None
    weight_expiration_period: str | None = None
    weight_update_period: str | None = None
    error_utilization_penalty_percent: int = 0
    metric_names_for_computing_utilization: tuple[str, ...] = ()


class LocalityDistribute(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Shares of the traffic of one locality."""

    from_: str = field(default="", name="from")
    to: dict[str, int] = {}


class LocalityFailover(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Where the traffic of a region goes when it has no healthy endpoint."""

    from_: str = field(default="", name="from")
    to: str = ""


class LocalityLoadBalancerSetting(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Preference for near endpoints."""

    distribute: tuple[LocalityDistribute, ...] = ()
    failover: tuple[LocalityFailover, ...] = ()
    failover_priority: tuple[str, ...] = ()
    enabled: bool | None = None


class ZoneAwareLoadBalancerSetting(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Preference for the own zone in proportion to its size."""

    enabled: bool | None = None
    failover: tuple[LocalityFailover, ...] = ()
    failover_priority: tuple[str, ...] = ()
    min_cluster_size: int | None = None


class WarmupConfiguration(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A new endpoint gets its share step by step."""

    duration: str | None = None
    minimum_percent: float | None = None
    aggression: float | None = None


class LoadBalancerSettings(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How an endpoint is chosen; of `simple`, `consistent_hash` and `backend_utilization` at most one is set."""

    simple: Literal["UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"] | None = None
    consistent_hash: ConsistentHashLb | None = None
    backend_utilization: BackendUtilizationLb | None = None
    locality_lb_setting: LocalityLoadBalancerSetting | None = None
    zone_aware_lb_setting: ZoneAwareLoadBalancerSetting | None = None
    warmup_duration_secs: str | None = None
    warmup: WarmupConfiguration | None = None


class TcpKeepalive(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Probes of idle connections; what is not set is the operating system's."""

    probes: int = 0
    time: str | None = None
    interval: str | None = None


class TcpSettings(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Limits of connections."""

    max_connections: int = 0
    connect_timeout: str | None = None
    tcp_keepalive: TcpKeepalive | None = None
    max_connection_duration: str | None = None
    idle_timeout: str | None = None


class ConnectionKeepalive(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Pings on HTTP/2 connections."""

    interval: str | None = None
    timeout: str | None = None


class HttpSettings(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Limits of requests."""

    http1_max_pending_requests: int = 0
    http2_max_requests: int = 0
    max_requests_per_connection: int = 0
    max_retries: int = 0
    idle_timeout: str | None = None
    h2_upgrade_policy: Literal["DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"] = "DEFAULT"
    use_client_protocol: bool = False
    max_concurrent_streams: int = 0
    http2_keep_alive: ConnectionKeepalive | None = None


class ConnectionPoolSettings(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Limits towards a backend."""

    tcp: TcpSettings | None = None
    http: HttpSettings | None = None


class OutlierDetection(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """When an endpoint is left out for a while."""

    consecutive_errors: int = 0
    split_external_local_origin_errors: bool = False
    consecutive_local_origin_failures: int | None = None
    consecutive_gateway_errors: int | None = None
    consecutive_5xx_errors: int | None = field(default=None, name="consecutive5xxErrors")
    interval: str | None = None
    base_ejection_time: str | None = None
    max_ejection_percent: int = 0
    min_health_percent: int = 0
    outlier_detection_http_error_codes: tuple[int, ...] = ()


class ClientTlsSettings(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """TLS as a client."""

    mode: Literal["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"] = "DISABLE"
    client_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""
    credential_name: str = ""
    subject_alt_names: tuple[str, ...] = ()
    sni: str = ""
    insecure_skip_verify: bool | None = None
    ca_crl: str = ""


class PortTrafficPolicy(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Settings of one port; what it leaves out is the default, not the outer policy's."""

    port: PortSelector | None = None
    load_balancer: LoadBalancerSettings | None = None
    connection_pool: ConnectionPoolSettings | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTlsSettings | None = None


class TunnelSettings(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Connections are led through a proxy by CONNECT or POST."""

    protocol: str = ""
    target_host: str = ""
    target_port: int = 0


class ProxyProtocol(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The PROXY protocol's header is sent."""

    version: Literal["V1", "V2"] = "V1"


class RetryBudget(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How much of the load may be retries."""

    percent: float | None = None
    min_retry_concurrency: int = 0
    budget_interval: str | None = None


class TrafficPolicy(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """How to talk to a host."""

    load_balancer: LoadBalancerSettings | None = None
    connection_pool: ConnectionPoolSettings | None = None
    outlier_detection: OutlierDetection | None = None
    tls: ClientTlsSettings | None = None
    port_level_settings: tuple[PortTrafficPolicy, ...] = ()
    tunnel: TunnelSettings | None = None
    proxy_protocol: ProxyProtocol | None = None
    retry_budget: RetryBudget | None = None


class Subset(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A named part of a host's endpoints."""

    name: str = ""
    labels: dict[str, str] = {}
    traffic_policy: TrafficPolicy | None = None


class DestinationRule(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Subsets of a host, and how to talk to it."""

    host: str = ""
    traffic_policy: TrafficPolicy | None = None
    subsets: tuple[Subset, ...] = ()
    export_to: tuple[str, ...] = ()
    workload_selector: WorkloadSelector | None = None
