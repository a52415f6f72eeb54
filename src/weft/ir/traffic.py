"""How to talk to a backend: balancing, pools, ejection, TLS."""

from typing import Literal

from msgspec import Struct

from weft.base.durations import Milliseconds
from weft.base.provenance import Provenance
from weft.ir.routing import SubsetTerms
from weft.ir.values import Labels, Selector, Tls

Balance = Literal[
    "least",
    "round_robin",
    "random",
    "hash_ring",
    "hash_table",
    "utilization",
    "original",
]


class TrafficSettings(Struct, frozen=True, cache_hash=True):
    """Settings towards a backend. None: an outer level may say it (G3, T1).

    `hash_on`: ("header", name), ("cookie", name, path, milliseconds or "" to make none), ("query", name) or
    ("address",). `eject_after`: pairs of error kind ("5xx", "gateway", "local") and how many in a row, 0 for never.
    Endpoints are ejected at all iff `eject_split` is said.
    `spread`: from locality to shares; `failover`: from region to region; `prefer`: labels in order of priority.
    """

    balance: Balance | None = None
    hash_on: tuple[str, ...] = ()
    hash_size: int | None = None
    warmup: tuple[Milliseconds, float, float] | None = None
    spread: tuple[tuple[str, Labels], ...] = ()
    failover: tuple[tuple[str, str], ...] = ()
    prefer: tuple[str, ...] = ()
    locality: bool | None = None
    connections: int | None = None
    pending: int | None = None
    requests: int | None = None
    retries: int | None = None
    requests_per_connection: int | None = None
    streams: int | None = None
    connect: Milliseconds | None = None
    idle: Milliseconds | None = None
    tcp_idle: Milliseconds | None = None
    lifetime: Milliseconds | None = None
    keepalive: tuple[int, Milliseconds, Milliseconds] | None = None
    ping: tuple[Milliseconds, Milliseconds] | None = None
    http2: Literal["off", "upgrade", "as_client"] | None = None
    eject_after: tuple[tuple[str, int], ...] = ()
    eject_for: Milliseconds | None = None
    eject_scan: Milliseconds | None = None
    eject_share: float | None = None
    eject_split: bool | None = None
    min_healthy: float | None = None
    retry_budget: tuple[float, int, Milliseconds] | None = None
    tls: Tls | None = None
    proxy_header: int | None = None


class TrafficPolicy(Struct, frozen=True):
    """One author's settings for a host: the base, what differs per port, the subsets and what differs in each.

    `subset_settings` and `port_settings` hold (name or port, settings); a subset may have port settings of its own:
    (name, port, settings). `clients` limits it to some workloads, `visible_to` to some namespaces.
    """

    source: Provenance
    host: str
    settings: TrafficSettings
    port_settings: tuple[tuple[int, TrafficSettings], ...] = ()
    subsets: tuple[SubsetTerms, ...] = ()
    subset_settings: tuple[tuple[str, TrafficSettings], ...] = ()
    subset_port_settings: tuple[tuple[str, int, TrafficSettings], ...] = ()
    clients: Selector | None = None
    visible_to: tuple[str, ...] | None = None
