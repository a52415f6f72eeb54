"""Cross-origin rules."""

from types import MappingProxyType
from typing import Final

from weft.dialects.istio.networking.checks import check_duration, check_header_name
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.texts import text_match
from weft.ir.routing import Cors
from weft.ir.values import Text
from weft.model.istio_virtual_service import CorsPolicy

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "*"})
_FORWARD: Final = MappingProxyType({"FORWARD": True, "IGNORE": False})


def cors(policy: CorsPolicy | None, path: str, context: Context) -> Cors | None:
    """A CORS policy; None if there is none."""
    if policy is None:
        return None
    report = context.report
    for index, method in enumerate(policy.allow_methods):
        if method not in _METHODS:
            report.invalid(f"{path}.allowMethods[{index}]", f"{method!r} is no method of HTTP")
    for field, names in (("allowHeaders", policy.allow_headers), ("exposeHeaders", policy.expose_headers)):
        for index, name in enumerate(names):
            check_header_name(report, f"{path}.{field}[{index}]", name)
    return Cors(
        origins=_origins(policy, path, context),
        methods=policy.allow_methods,
        headers=policy.allow_headers,
        expose=policy.expose_headers,
        max_age=check_duration(report, f"{path}.maxAge", policy.max_age, least=0),
        credentials=policy.allow_credentials,
        forward_unmatched=_FORWARD.get(policy.unmatched_preflights),
    )


def _origins(policy: CorsPolicy, path: str, context: Context) -> tuple[Text, ...]:
    """The origins that may call; the deprecated list of texts counts only without the list of matches (Istio)."""
    if policy.allow_origin:
        context.report.deprecated(f"{path}.allowOrigin", "use allowOrigins")
    if not policy.allow_origins:
        return tuple(("exact", origin) for origin in policy.allow_origin)
    found = [
        text_match(context.report, f"{path}.allowOrigins[{index}]", match)
        for index, match in enumerate(policy.allow_origins)
    ]
    for index, text in enumerate(found):
        if text is None:
            context.report.invalid(f"{path}.allowOrigins[{index}]", "the match is empty", "give exact, prefix or regex")
    return tuple(text for text in found if text is not None)
