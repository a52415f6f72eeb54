"""Rules of HTTP: one entry of `http` becomes one draft."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from weft.base.provenance import Provenance
from weft.dialects.istio.networking.checks import check_count, check_duration, check_percent
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.destinations import backend
from weft.dialects.istio.networking.retries import retry_policy
from weft.dialects.istio.networking.virtual_service.cors import cors
from weft.dialects.istio.networking.virtual_service.drafts import Draft
from weft.dialects.istio.networking.virtual_service.faults import faults
from weft.dialects.istio.networking.virtual_service.matches import http_branches
from weft.dialects.istio.networking.virtual_service.transforms import header_edits, redirect_location, rewritten
from weft.ir.routing import Backend, Rank, RouteRule
from weft.model.istio_virtual_service import (
    HttpDirectResponse,
    HttpRoute,
    HttpRouteDestination,
    Percent,
    RouteDestination,
)

_LONGEST_BODY: Final = 1 << 20
_LARGEST_TOTAL: Final = (1 << 32) - 1


def http_draft(route: HttpRoute, path: str, context: Context, *, source: Provenance, rank: Rank) -> Draft:
    """A rule with its matches. Everything that it states is checked, whatever its action is."""
    request, response = header_edits(route.headers, f"{path}.headers", context)
    delay, abort = faults(route.fault, f"{path}.fault", context)
    rule = RouteRule(
        source=source,
        name=route.name,
        rank=rank,
        matches=None,
        action="forward",
        backends=backends(route.route, f"{path}.route", context),
        request=rewritten(request, route.rewrite, f"{path}.rewrite", context),
        response=response,
        timeout=check_duration(context.report, f"{path}.timeout", route.timeout, least=0),
        retry=retry_policy(route.retries, f"{path}.retries", context),
        cors=cors(route.cors_policy, f"{path}.corsPolicy", context),
        mirrors=_mirrors(route, path, context),
        delay=delay,
        abort=abort,
    )
    return Draft(_answered(rule, route, path, context), http_branches(route.match, path, context))


def backends(
    routes: Sequence[HttpRouteDestination | RouteDestination], path: str, context: Context
) -> tuple[Backend, ...]:
    """The weighted destinations of a rule; a single one gets everything, beside others weight 0 gets nothing."""
    for index, each in enumerate(routes):
        check_count(context.report, f"{path}[{index}].weight", each.weight)
    single = len(routes) == 1
    total = sum(each.weight for each in routes)
    if len(routes) > 1 and not 0 < total <= _LARGEST_TOTAL:
        context.report.invalid(path, f"the weights add up to {total}", "give each destination its share")
    found = [
        _backend(each, f"{path}[{index}]", context, weight=(each.weight or 100) if single else each.weight)
        for index, each in enumerate(routes)
    ]
    return tuple(each for each in found if each.weight > 0)


def _backend(route: HttpRouteDestination | RouteDestination, path: str, context: Context, *, weight: int) -> Backend:
    headers = route.headers if isinstance(route, HttpRouteDestination) else None
    edits = header_edits(headers, f"{path}.headers", context)
    return backend(route.destination, f"{path}.destination", context, weight=weight, edits=edits)


def _answered(rule: RouteRule, route: HttpRoute, path: str, context: Context) -> RouteRule:
    """The rule with its action where that is an answer by the proxy."""
    if route.redirect is not None:
        status, location = redirect_location(route.redirect, f"{path}.redirect", context)
        return replace(rule, action="redirect", status=status, request=location)
    if route.direct_response is not None:
        status, body = _direct_response(route.direct_response, f"{path}.directResponse", context)
        return replace(rule, action="respond", status=status, body=body)
    return rule


def _direct_response(response: HttpDirectResponse, path: str, context: Context) -> tuple[int, bytes]:
    if not 200 <= response.status <= 599:
        context.report.invalid(f"{path}.status", f"{response.status} is no status from 200 to 599")
    if response.body is None:
        return response.status, b""
    if response.body.text is not None and response.body.data is not None:
        context.report.invalid(f"{path}.body", "string and bytes exclude each other")
    body = response.body.data if response.body.data is not None else (response.body.text or "").encode()
    if len(body) > _LONGEST_BODY:
        context.report.invalid(f"{path}.body", f"{len(body)} bytes are too many: a body may have 1 MiB")
    return response.status, body


def _mirrors(route: HttpRoute, path: str, context: Context) -> tuple[tuple[Backend, float], ...]:
    """Where copies of requests go, with their share; without a percentage all are copied."""
    found: list[tuple[Backend, float]] = []
    if route.mirror is not None:
        share = _mirror_share(route, path, context)
        found.append((backend(route.mirror, f"{path}.mirror", context), share))
    for index, mirror in enumerate(route.mirrors):
        at = f"{path}.mirrors[{index}]"
        share = _percent_share(mirror.percentage, f"{at}.percentage", context)
        found.append((backend(mirror.destination, f"{at}.destination", context), share))
    return tuple((target, share) for target, share in found if share > 0)


def _mirror_share(route: HttpRoute, path: str, context: Context) -> float:
    if route.mirror_percentage is None and route.mirror_percent is not None:
        context.report.deprecated(f"{path}.mirrorPercent", "use mirrorPercentage.value")
        return check_percent(context.report, f"{path}.mirrorPercent", route.mirror_percent)
    return _percent_share(route.mirror_percentage, f"{path}.mirrorPercentage", context)


def _percent_share(percentage: Percent | None, path: str, context: Context) -> float:
    return 1.0 if percentage is None else check_percent(context.report, f"{path}.value", percentage.value)
