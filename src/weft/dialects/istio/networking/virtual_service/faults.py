"""Faults injected for tests of resilience."""

from typing import Final

from weft.base.durations import Milliseconds
from weft.dialects.istio.networking.checks import check_duration, check_percent, stated
from weft.dialects.istio.networking.context import Context
from weft.model.istio_virtual_service import Abort, Delay, HttpFaultInjection, Percent

_GRPC: Final = frozenset(
    {
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    }
)
"""Status codes of gRPC by name."""

Faults = tuple[tuple[float, Milliseconds] | None, tuple[float, str] | None]


def faults(fault: HttpFaultInjection | None, path: str, context: Context) -> Faults:
    """Delay and abort of a rule, each with its share; None for what is not asked."""
    if fault is None:
        return None, None
    if fault.delay is None and fault.abort is None:
        context.report.invalid(path, "neither delay nor abort is given")
    return _delay(fault.delay, f"{path}.delay", context), _abort(fault.abort, f"{path}.abort", context)


def _delay(delay: Delay | None, path: str, context: Context) -> tuple[float, Milliseconds] | None:
    if delay is None:
        return None
    if delay.exponential_delay is not None:
        context.report.invalid(f"{path}.exponentialDelay", "this kind of delay does not exist yet", "use fixedDelay")
    elif delay.fixed_delay is None:
        context.report.invalid(path, "there is no fixedDelay")
    if delay.percent and delay.percentage is None:
        context.report.deprecated(f"{path}.percent", "use percentage.value")
    time = check_duration(context.report, f"{path}.fixedDelay", delay.fixed_delay)
    share = _share(delay.percentage, float(delay.percent), path, context)
    return (share, time) if time is not None else None


def _abort(abort: Abort | None, path: str, context: Context) -> tuple[float, str] | None:
    if abort is None:
        return None
    kinds = stated(httpStatus=abort.http_status, grpcStatus=abort.grpc_status, http2Error=abort.http2_error)
    if len(kinds) != 1:
        context.report.invalid(path, "give exactly one of httpStatus and grpcStatus")
    share = _share(abort.percentage, 0.0, path, context)
    if abort.http2_error is not None:
        context.report.invalid(f"{path}.http2Error", "this kind of abort does not exist yet", "use httpStatus")
    if abort.grpc_status is not None:
        return share, _grpc(abort.grpc_status, f"{path}.grpcStatus", context)
    if abort.http_status is not None and not 200 <= abort.http_status <= 599:
        context.report.invalid(f"{path}.httpStatus", f"{abort.http_status} is no status from 200 to 599")
    return share, str(abort.http_status)


def _grpc(status: str, path: str, context: Context) -> str:
    if status not in _GRPC:
        context.report.invalid(path, f"{status!r} is no status of gRPC", "write its name, such as UNAVAILABLE")
    return f"grpc:{status}"


def _share(percentage: Percent | None, deprecated: float, path: str, context: Context) -> float:
    """The share of requests; without one, none is affected (Istio, HTTPFaultInjection: "if left unspecified")."""
    value = percentage.value if percentage is not None else deprecated
    if percentage is None and not deprecated:
        context.report.ineffective(path, "no percentage is given", effect="no request is affected")
    return check_percent(context.report, f"{path}.percentage.value", value)
