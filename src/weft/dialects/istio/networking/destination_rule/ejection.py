"""When an endpoint is left out for a while, of a DestinationRule and of the mesh."""

from msgspec.structs import replace

from weft.dialects.istio.networking.checks import check_count, check_duration, check_percent
from weft.dialects.istio.networking.context import Context
from weft.ir.traffic import TrafficSettings
from weft.model.istio_destination_rule import OutlierDetection


def with_ejection(
    said: TrafficSettings, detection: OutlierDetection | None, path: str, context: Context
) -> TrafficSettings:
    """`said` with ejection added: being stated at all turns it on, with the data plane's defaults for the rest.

    `min_healthy` is always said then, as Istio's default of 0 differs from the data plane's.
    """
    if detection is None:
        return said
    report = context.report
    if detection.consecutive_errors:
        report.deprecated(
            f"{path}.consecutiveErrors",
            "use consecutive5xxErrors or consecutiveGatewayErrors",
            effect="it is not counted",
        )
    if detection.outlier_detection_http_error_codes:
        effect = "statuses of 500 and more count as errors, and no others"
        report.unsupported(f"{path}.outlierDetectionHttpErrorCodes", effect=effect)
    split = detection.split_external_local_origin_errors
    if detection.consecutive_local_origin_failures and not split:
        report.ineffective(
            f"{path}.consecutiveLocalOriginFailures",
            "local failures count as those of the endpoint",
            advice="set splitExternalLocalOriginErrors",
        )
    return replace(
        said,
        eject_after=_limits(detection, path, context),
        eject_scan=check_duration(report, f"{path}.interval", detection.interval),
        eject_for=check_duration(report, f"{path}.baseEjectionTime", detection.base_ejection_time),
        eject_share=check_percent(report, f"{path}.maxEjectionPercent", detection.max_ejection_percent) or None,
        min_healthy=check_percent(report, f"{path}.minHealthPercent", detection.min_health_percent),
        eject_split=split,
    )


def _limits(detection: OutlierDetection, path: str, context: Context) -> tuple[tuple[str, int], ...]:
    """How many errors in a row are too many, by kind; what is not stated is left out, 0 is never."""
    local = detection.consecutive_local_origin_failures if detection.split_external_local_origin_errors else None
    counts = (
        ("5xx", "consecutive5xxErrors", detection.consecutive_5xx_errors),
        ("gateway", "consecutiveGatewayErrors", detection.consecutive_gateway_errors),
        ("local", "consecutiveLocalOriginFailures", local),
    )
    for _, field, count in counts:
        check_count(context.report, f"{path}.{field}", count or 0)
    return tuple((kind, count) for kind, _, count in counts if count is not None)
