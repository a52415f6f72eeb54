"""Edits of requests and responses: headers, rewrites, and the new location of a redirect."""

import re
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from weft.dialects.checks import check_port
from weft.dialects.istio.networking.checks import check_header_name, check_header_value, check_regex, check_text
from weft.dialects.istio.networking.context import Context
from weft.dialects.report import within
from weft.ir.values import Labels, Transform
from weft.model.istio_virtual_service import HeaderOperations, Headers, HttpRedirect, HttpRewrite, RegexRewrite

_HOST_HEADERS: Final = frozenset({"host", ":authority"})
_BACK_REFERENCE: Final = re.compile(r"\\(.)?")
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def header_edits(headers: Headers | None, path: str, context: Context) -> tuple[Transform | None, Transform | None]:
    """Edits of the request's and of the response's headers; None where there is none."""
    if headers is None:
        return None, None
    request = _edits(headers.request, f"{path}.request", context, host=True)
    return request, _edits(headers.response, f"{path}.response", context, host=False)


def rewritten(edits: Transform | None, rewrite: HttpRewrite | None, path: str, context: Context) -> Transform | None:
    """The edits of a request with a rewrite of its path and host; the rewrite's host wins over one set as header."""
    if rewrite is None:
        return edits
    if not (rewrite.uri or rewrite.authority or rewrite.uri_regex_rewrite):
        context.report.invalid(path, "nothing is rewritten", "give uri, uriRegexRewrite or authority")
    if rewrite.uri and rewrite.uri_regex_rewrite:
        context.report.invalid(path, "uri and uriRegexRewrite exclude each other")
    check_text(context.report, f"{path}.uri", rewrite.uri)
    check_text(context.report, f"{path}.authority", rewrite.authority)
    base = edits or Transform()
    return replace(
        base,
        host=rewrite.authority or base.host,
        prefix=rewrite.uri or None,
        path_regex=_path_regex(rewrite.uri_regex_rewrite, f"{path}.uriRegexRewrite", context),
    )


def redirect_location(redirect: HttpRedirect, path: str, context: Context) -> tuple[int, Transform]:
    """The status of a redirect and what of the request's location it changes."""
    report = context.report
    status = redirect.redirect_code or 301
    if status not in _REDIRECTS:
        report.invalid(f"{path}.redirectCode", f"{status} is no redirect: give 301, 302, 303, 307 or 308")
    if redirect.port is not None and redirect.derive_port is not None:
        report.invalid(path, "port and derivePort exclude each other")
    if redirect.uri and redirect.prefix_rewrite:
        report.invalid(path, "uri and prefixRewrite exclude each other")
    texts = {
        "uri": redirect.uri,
        "authority": redirect.authority,
        "scheme": redirect.scheme,
        "prefixRewrite": redirect.prefix_rewrite,
    }
    for field, text in texts.items():
        check_text(report, f"{path}.{field}", text)
    if redirect.port is not None:
        check_port(report, f"{path}.port", redirect.port)
    location = Transform(
        host=redirect.authority or None,
        scheme=redirect.scheme or None,
        port=0 if redirect.derive_port == "FROM_REQUEST_PORT" else redirect.port,
        path=redirect.uri or None,
        prefix=redirect.prefix_rewrite or None,
    )
    if redirect == HttpRedirect():
        report.invalid(path, "nothing is changed", "give uri, authority, scheme, port or redirectCode")
    return status, location


def _edits(operations: HeaderOperations | None, path: str, context: Context, *, host: bool) -> Transform | None:
    if operations is None:
        return None
    new_host = (_host_of(operations.set) or _host_of(operations.add)) if host else None
    edits = Transform(
        set=_pairs(operations.set, f"{path}.set", context),
        add=_pairs(operations.add, f"{path}.add", context),
        remove=_names(operations.remove, f"{path}.remove", context),
        host=new_host,
    )
    return edits if edits != Transform() else None


def _host_of(headers: Mapping[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() in _HOST_HEADERS), None)


def _pairs(headers: Mapping[str, str], path: str, context: Context) -> Labels:
    for name, value in headers.items():
        check_header_name(context.report, within(path, name), name, pseudo=(":authority",))
        check_header_value(context.report, within(path, name), value)
    return tuple(sorted((name.lower(), text) for name, text in headers.items() if name.lower() not in _HOST_HEADERS))


def _names(names: tuple[str, ...], path: str, context: Context) -> tuple[str, ...]:
    for index, name in enumerate(names):
        if check_header_name(context.report, f"{path}[{index}]", name) and name.lower() == "host":
            context.report.invalid(f"{path}[{index}]", "the host can't be removed", "rewrite it: rewrite.authority")
    return tuple(sorted({name.lower() for name in names}))


def _path_regex(rewrite: RegexRewrite | None, path: str, context: Context) -> tuple[str, str] | None:
    if rewrite is None:
        return None
    compiled = check_regex(context.report, f"{path}.match", rewrite.match)
    for found in _BACK_REFERENCE.finditer(rewrite.rewrite):
        character = found[1] or ""
        known = character == "\\" or (character.isdigit() and (compiled is None or int(character) <= compiled.groups))
        if not known:
            context.report.invalid(f"{path}.rewrite", f"{found[0]!r} refers to no group of the match")
    return rewrite.match, rewrite.rewrite
