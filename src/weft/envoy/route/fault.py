"""Faults that are made on purpose."""

from typing import Any, Final

from google.protobuf.message import Message

from weft.base import protobuf
from weft.envoy.messages import fraction, milliseconds
from weft.ir.routing import RouteRule

FAULT: Final = "envoy.extensions.filters.http.fault.v3.HTTPFault"

_GRPC: Final = "grpc:"
_GRPC_STATUS: Final = (
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
)
"""Names of statuses in the order of their numbers (gRPC, "Status codes and their use in gRPC")."""


def fault(rule: RouteRule) -> Message | None:
    """Returns the HTTPFault of a rule; None if it has none."""
    if rule.delay is None and rule.abort is None:
        return None
    return protobuf.new(FAULT, delay=_delay(rule), abort=_abort(rule))


def _delay(rule: RouteRule) -> dict[str, Any] | None:
    if rule.delay is None:
        return None
    share, time = rule.delay
    return {"fixed_delay": milliseconds(time), "percentage": fraction(share)}


def _abort(rule: RouteRule) -> dict[str, Any] | None:
    if rule.abort is None:
        return None
    share, answer = rule.abort
    if answer.startswith(_GRPC):
        return {"grpc_status": _grpc_status(answer.removeprefix(_GRPC)), "percentage": fraction(share)}
    return {"http_status": int(answer), "percentage": fraction(share)}


def _grpc_status(status: str) -> int:
    return int(status) if status.isdigit() else _GRPC_STATUS.index(status.upper())
