"""Retry policies, of a route and of the mesh."""

from typing import Final

from weft.base.durations import Milliseconds
from weft.dialects.istio.networking.checks import check_count, check_duration
from weft.dialects.istio.networking.context import Context
from weft.dialects.report import Report
from weft.ir.routing import Retry
from weft.ir.settings import DEFAULT_RETRY
from weft.model.istio_virtual_service import HttpRetry

_CONDITIONS: Final = frozenset(
    {
        "5xx",
        "gateway-error",
        "reset",
        "reset-before-request",
        "connect-failure",
        "envoy-ratelimited",
        "retriable-4xx",
        "refused-stream",
        "retriable-status-codes",
        "retriable-headers",
        "http3-post-connect-failure",
        "cancelled",
        "deadline-exceeded",
        "internal",
        "resource-exhausted",
        "unavailable",
    }
)
"""Names that `retryOn` may hold, beside status codes (Istio, HTTPRetry.retryOn)."""

_BACKOFF_GROWTH: Final = 10
"""The longest pause is ten times the first one (Istio, HTTPRetry.backoff)."""


def retry_policy(
    retries: HttpRetry | None, path: str, context: Context, *, default: Retry = DEFAULT_RETRY
) -> Retry | None:
    """A retry policy: None leaves it to the mesh, 0 attempts turn retries off.

    `default` says on what is retried without `retryOn`. What the mesh's own policy says does not count then: the policy
    that is stated wins whole (Istio, MeshConfig.defaultHttpRetryPolicy).
    """
    if retries is None:
        return None
    report = context.report
    check_count(report, f"{path}.attempts", retries.attempts)
    per_try = check_duration(report, f"{path}.perTryTimeout", retries.per_try_timeout, least=0)
    backoff = _backoff(check_duration(report, f"{path}.backoff", retries.backoff))
    conditions = _conditions(report, f"{path}.retryOn", retries.retry_on)
    if retries.attempts <= 0:
        if per_try or conditions:
            report.ineffective(path, "attempts is 0: there are no retries", advice="set attempts, or nothing else")
        return Retry(attempts=0)
    return Retry(
        attempts=retries.attempts,
        on=conditions or default.on,
        per_try=per_try or None,
        backoff=backoff,
        other_host=retries.retry_ignore_previous_hosts,
        other_locality=bool(retries.retry_remote_localities),
    )


def _backoff(first: Milliseconds | None) -> tuple[Milliseconds, Milliseconds] | None:
    return (first, _BACKOFF_GROWTH * first) if first is not None else None


def _conditions(report: Report, path: str, text: str) -> tuple[str, ...]:
    """Names and status codes of `retryOn`; codes switch on the condition that reads them."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if part not in _CONDITIONS and not _is_status(part):
            report.invalid(path, f"{part!r} is neither a retry condition nor a status code")
    if any(_is_status(part) for part in parts) and "retriable-status-codes" not in parts:
        parts.append("retriable-status-codes")
    return tuple(dict.fromkeys(parts))


def _is_status(text: str) -> bool:
    return text.isascii() and text.isdigit() and 100 <= int(text) <= 599
