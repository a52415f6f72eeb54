"""Limits of what is sent to a cluster at the same time."""

from typing import Any, Final

from weft.envoy.messages import percent, wrapped
from weft.ir.traffic import TrafficSettings

_UNLIMITED: Final = 2**32 - 1  # Istio's default for every limit; Envoy's own are 1024, and 3 retries


def circuit_breakers(settings: TrafficSettings) -> dict[str, Any]:
    """Returns CircuitBreakers; a limit that nobody states is no limit.

    What remains of limits is a statistic where there is one: counting down from no limit costs time in each request.
    """
    thresholds = {
        "max_connections": wrapped(_limit(settings.connections)),
        "max_pending_requests": wrapped(_limit(settings.pending)),
        "max_requests": wrapped(_limit(settings.requests)),
        "max_retries": wrapped(_limit(settings.retries)),
        "track_remaining": _is_limited(settings),
        "retry_budget": _budget(settings),
    }
    return {"thresholds": [thresholds]}


def _is_limited(settings: TrafficSettings) -> bool:
    limits = (settings.connections, settings.pending, settings.requests, settings.retries)
    return any(limit is not None for limit in limits)


def _limit(value: int | None) -> int:
    return _UNLIMITED if value is None else value


def _budget(settings: TrafficSettings) -> dict[str, Any] | None:
    if settings.retry_budget is None:
        return None
    share, at_least, _ = settings.retry_budget  # Envoy counts what is active now: it has no window
    return {"budget_percent": percent(share), "min_retry_concurrency": wrapped(at_least)}
