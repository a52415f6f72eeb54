"""Limits of connections and requests, of a DestinationRule, of a Sidecar and of the mesh."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from msgspec.structs import replace

from weft.base.durations import Milliseconds
from weft.dialects.istio.networking.checks import check_count, check_duration
from weft.dialects.istio.networking.context import Context
from weft.ir.traffic import TrafficSettings
from weft.model.istio_destination_rule import (
    ConnectionKeepalive,
    ConnectionPoolSettings,
    HttpSettings,
    TcpKeepalive,
    TcpSettings,
)

Http2 = Literal["off", "upgrade", "as_client"]
UPGRADES: Final[Mapping[str, Http2]] = MappingProxyType({"DO_NOT_UPGRADE": "off", "UPGRADE": "upgrade"})
"""What an H2UpgradePolicy means; others say nothing."""


def with_pool(
    said: TrafficSettings, pool: ConnectionPoolSettings | None, path: str, context: Context
) -> TrafficSettings:
    """`said` with limits added. A limit of 0 is not stated (Istio, ConnectionPoolSettings)."""
    if pool is None:
        return said
    if pool.tcp is not None:
        said = _with_tcp(said, pool.tcp, f"{path}.tcp", context)
    return _with_http(said, pool.http, f"{path}.http", context) if pool.http is not None else said


def keepalive(
    settings: TcpKeepalive | None, path: str, context: Context
) -> tuple[int, Milliseconds, Milliseconds] | None:
    """Probes, idle time before the first and time between two; 0 is the operating system's default."""
    if settings is None:
        return None
    report = context.report
    check_count(report, f"{path}.probes", settings.probes)
    time = check_duration(report, f"{path}.time", settings.time, least=1_000)
    interval = check_duration(report, f"{path}.interval", settings.interval, least=1_000)
    return settings.probes, time or 0, interval or 0


def _with_tcp(said: TrafficSettings, tcp: TcpSettings, path: str, context: Context) -> TrafficSettings:
    report = context.report
    check_count(report, f"{path}.maxConnections", tcp.max_connections)
    return replace(
        said,
        connections=tcp.max_connections or None,
        connect=check_duration(report, f"{path}.connectTimeout", tcp.connect_timeout),
        keepalive=keepalive(tcp.tcp_keepalive, f"{path}.tcpKeepalive", context),
        lifetime=check_duration(report, f"{path}.maxConnectionDuration", tcp.max_connection_duration),
        tcp_idle=check_duration(report, f"{path}.idleTimeout", tcp.idle_timeout, least=0),
    )


def _with_http(said: TrafficSettings, http: HttpSettings, path: str, context: Context) -> TrafficSettings:
    report = context.report
    limits = {
        "http1MaxPendingRequests": http.http1_max_pending_requests,
        "http2MaxRequests": http.http2_max_requests,
        "maxRequestsPerConnection": http.max_requests_per_connection,
        "maxRetries": http.max_retries,
        "maxConcurrentStreams": http.max_concurrent_streams,
    }
    for field, value in limits.items():
        check_count(report, f"{path}.{field}", value)
    if http.use_client_protocol and http.h2_upgrade_policy == "UPGRADE":
        report.invalid(path, "useClientProtocol and h2UpgradePolicy UPGRADE exclude each other")
    return replace(
        said,
        pending=http.http1_max_pending_requests or None,
        requests=http.http2_max_requests or None,
        requests_per_connection=http.max_requests_per_connection or None,
        retries=http.max_retries or None,
        streams=http.max_concurrent_streams or None,
        idle=check_duration(report, f"{path}.idleTimeout", http.idle_timeout, least=0),
        http2="as_client" if http.use_client_protocol else UPGRADES.get(http.h2_upgrade_policy),
        ping=_ping(http.http2_keep_alive, f"{path}.http2KeepAlive", context),
    )


def _ping(
    settings: ConnectionKeepalive | None, path: str, context: Context
) -> tuple[Milliseconds, Milliseconds] | None:
    if settings is None:
        return None
    interval = check_duration(context.report, f"{path}.interval", settings.interval)
    timeout = check_duration(context.report, f"{path}.timeout", settings.timeout)
    if interval is None or timeout is None:
        context.report.invalid(path, "give interval and timeout")
    return interval or 0, timeout or 0
