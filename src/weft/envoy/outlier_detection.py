"""Ejection of endpoints that keep failing."""

from typing import Any, Final

from weft.envoy.messages import milliseconds, wrapped
from weft.ir.traffic import TrafficSettings

_FIELDS: Final = {
    "5xx": ("consecutive_5xx", "enforcing_consecutive_5xx"),
    "gateway": ("consecutive_gateway_failure", "enforcing_consecutive_gateway_failure"),
    "local": ("consecutive_local_origin_failure", "enforcing_consecutive_local_origin_failure"),
}


def outlier_detection(settings: TrafficSettings) -> dict[str, Any] | None:
    """Returns OutlierDetection; None where nobody asks for ejection.

    What is not stated is Envoy's default, which Istio documents as its own: 5 errors, 10 s between scans, 30 s out of
    use, 10 % of the endpoints at most. Ejection by success rate, which Envoy has on, stays off (Istio).
    """
    if settings.eject_split is None:
        return None
    fields: dict[str, Any] = {
        "interval": milliseconds(settings.eject_scan),
        "base_ejection_time": milliseconds(settings.eject_for),
        "max_ejection_percent": wrapped(_percentage(settings.eject_share)),
        "enforcing_success_rate": wrapped(0),
    }
    for error, count in settings.eject_after:
        threshold, enforcing = _FIELDS[error]
        fields[threshold] = wrapped(count or None)
        fields[enforcing] = wrapped(100 if count else 0)
    if settings.eject_split:
        fields["split_external_local_origin_errors"] = True
        fields["enforcing_local_origin_success_rate"] = wrapped(0)
    return fields


def _percentage(share: float | None) -> int | None:
    return None if share is None else round(share * 100)
