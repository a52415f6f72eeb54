"""How an endpoint is chosen."""

from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from weft.base.durations import Milliseconds
from weft.dialects.istio.networking.checks import check_duration, check_header_name, stated
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.destination_rule.localities import with_localities
from weft.ir.traffic import Balance, TrafficSettings
from weft.model.istio_destination_rule import ConsistentHashLb, HttpCookie, LoadBalancerSettings

_SIMPLE: Final = MappingProxyType[str, Balance](
    {
        "LEAST_CONN": "least",
        "LEAST_REQUEST": "least",
        "RANDOM": "random",
        "ROUND_ROBIN": "round_robin",
        "PASSTHROUGH": "original",
    }
)
_LARGEST_TABLE: Final = 5_000_011
_LARGEST_RING: Final = 8 * 1024 * 1024
"""What the data plane takes (Envoy, `MaglevLbConfig.table_size` and `RingHashLbConfig.minimum_ring_size`)."""

_WARMUP_SHARE: Final = 10.0
_WARMUP_AGGRESSION: Final = 1.0
"""Defaults of Istio's WarmupConfiguration: 10 per cent of the load at first, growing evenly."""


def with_balancing(
    said: TrafficSettings, settings: LoadBalancerSettings | None, path: str, context: Context
) -> TrafficSettings:
    """`said` with the choice of endpoints added."""
    if settings is None:
        return said
    kinds = stated(
        simple=settings.simple,
        consistentHash=settings.consistent_hash,
        backendUtilization=settings.backend_utilization,
    )
    if len(kinds) > 1:
        context.report.invalid(path, f"{' and '.join(kinds)} exclude each other")
    said = replace(said, balance=_SIMPLE.get(settings.simple or ""), warmup=_warmup(settings, path, context))
    if settings.simple == "LEAST_CONN":
        context.report.deprecated(f"{path}.simple", "use LEAST_REQUEST", effect="LEAST_CONN means LEAST_REQUEST")
    if settings.consistent_hash is not None:
        said = _with_hash(said, settings.consistent_hash, f"{path}.consistentHash", context)
    if settings.backend_utilization is not None:
        said = _with_utilization(said, settings, f"{path}.backendUtilization", context)
    if settings.zone_aware_lb_setting is not None:
        context.report.unsupported(
            f"{path}.zoneAwareLbSetting", effect="zones are not balanced", advice="use localityLbSetting"
        )
    return with_localities(said, settings.locality_lb_setting, f"{path}.localityLbSetting", context)


def _with_hash(said: TrafficSettings, settings: ConsistentHashLb, path: str, context: Context) -> TrafficSettings:
    if settings.ring_hash is not None and settings.maglev is not None:
        context.report.invalid(path, "ringHash and maglev exclude each other")
    hash_on = _hash_key(settings, path, context)
    if settings.maglev is not None:
        size = settings.maglev.table_size or None
        if size is not None and not (1 < size <= _LARGEST_TABLE and _is_prime(size)):
            context.report.invalid(f"{path}.maglev.tableSize", f"{size} is no prime number up to {_LARGEST_TABLE}")
        return replace(said, balance="hash_table", hash_on=hash_on, hash_size=size)
    if settings.minimum_ring_size:
        context.report.deprecated(f"{path}.minimumRingSize", "use ringHash.minimumRingSize")
    ring = settings.ring_hash.minimum_ring_size if settings.ring_hash is not None else settings.minimum_ring_size
    if not 0 <= ring <= _LARGEST_RING:
        context.report.invalid(f"{path}.ringHash.minimumRingSize", f"{ring} is outside of 1 to {_LARGEST_RING}")
    return replace(said, balance="hash_ring", hash_on=hash_on, hash_size=ring or None)


def _hash_key(settings: ConsistentHashLb, path: str, context: Context) -> tuple[str, ...]:
    keys = stated(
        httpHeaderName=settings.http_header_name,
        httpCookie=settings.http_cookie,
        useSourceIp=settings.use_source_ip or None,
        httpQueryParameterName=settings.http_query_parameter_name,
    )
    if len(keys) != 1:
        advice = "give one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName"
        context.report.invalid(path, f"{len(keys)} keys to hash by", advice)
    if settings.http_header_name is not None:
        check_header_name(context.report, f"{path}.httpHeaderName", settings.http_header_name)
        return ("header", settings.http_header_name.lower())
    if settings.http_cookie is not None:
        return _cookie(settings.http_cookie, f"{path}.httpCookie", context)
    if settings.http_query_parameter_name is not None:
        if not settings.http_query_parameter_name:
            context.report.invalid(f"{path}.httpQueryParameterName", "the parameter has no name")
        return ("query", settings.http_query_parameter_name)
    return ("address",)


def _cookie(cookie: HttpCookie, path: str, context: Context) -> tuple[str, ...]:
    if not cookie.name:
        context.report.invalid(f"{path}.name", "the cookie has no name")
    if cookie.attributes:
        context.report.unsupported(f"{path}.attributes", effect="the cookie is set without them")
    ttl = check_duration(context.report, f"{path}.ttl", cookie.ttl, least=0)
    return ("cookie", cookie.name, cookie.path, "" if ttl is None else str(ttl))


def _with_utilization(
    said: TrafficSettings, settings: LoadBalancerSettings, path: str, context: Context
) -> TrafficSettings:
    details = settings.backend_utilization
    for field in details.__struct_fields__ if details is not None else ():
        if getattr(details, field) not in (None, 0, ()):
            context.report.unsupported(path, effect="endpoints are weighted with the default periods and penalties")
            break
    return replace(said, balance="utilization")


def _warmup(settings: LoadBalancerSettings, path: str, context: Context) -> tuple[Milliseconds, float, float] | None:
    report, warmup = context.report, settings.warmup
    if warmup is None:
        if settings.warmup_duration_secs is not None:
            report.deprecated(f"{path}.warmupDurationSecs", "use warmup.duration")
        duration = check_duration(report, f"{path}.warmupDurationSecs", settings.warmup_duration_secs)
        return (duration, _WARMUP_SHARE / 100, _WARMUP_AGGRESSION) if duration is not None else None
    duration = check_duration(report, f"{path}.warmup.duration", warmup.duration)
    least = _WARMUP_SHARE if warmup.minimum_percent is None else warmup.minimum_percent
    growth = _WARMUP_AGGRESSION if warmup.aggression is None else warmup.aggression
    if duration is None:
        report.invalid(f"{path}.warmup.duration", "there is no duration")
    if not 0 <= least <= 100:
        report.invalid(f"{path}.warmup.minimumPercent", f"{least:g} is no percentage: give 0 to 100")
    if growth < 1:
        report.invalid(f"{path}.warmup.aggression", f"{growth:g} is less than 1")
    return (duration or 0, least / 100, growth)


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))
