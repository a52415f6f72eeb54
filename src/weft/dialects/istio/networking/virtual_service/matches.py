"""Matches of HTTP requests."""

from typing import Final

from weft.dialects.checks import check_port
from weft.dialects.istio.networking.checks import check_header_name, check_labels
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.texts import present_or_match, text_match
from weft.dialects.istio.networking.virtual_service.drafts import Branch
from weft.dialects.istio.networking.virtual_service.gateways import gateway_names
from weft.dialects.names import label_terms
from weft.dialects.report import within
from weft.ir.routing import HttpMatch, Pairs
from weft.ir.values import Selector, Text
from weft.model.istio_virtual_service import HttpMatchRequest, StringMatch

_CLAIM_PREFIX: Final = "@request.auth.claims"
_LONGEST_PARAMETER: Final = 1024
_EVERY_PATH: Final = (("prefix", "/"), ("iprefix", "/"))
_PSEUDO_HEADERS: Final = (":authority", ":method", ":path", ":scheme")


def http_branches(matches: tuple[HttpMatchRequest, ...], path: str, context: Context) -> tuple[Branch, ...] | None:
    """The matches of one rule; None if it has none and so always matches."""
    if not matches:
        return None
    found = (http_branch(match, f"{path}.match[{index}]", context) for index, match in enumerate(matches))
    return tuple(branch for branch in found if branch is not None)


def http_branch(match: HttpMatchRequest, path: str, context: Context) -> Branch | None:
    """One match; None if it asks for something that can't be decided, and so must never hold."""
    if _asks_for_claims(match, path, context):
        return None
    report = context.report
    built = HttpMatch(
        path=_path(match, path, context),
        method=text_match(report, f"{path}.method", match.method),
        host=text_match(report, f"{path}.authority", match.authority),
        scheme=text_match(report, f"{path}.scheme", match.scheme),
        headers=_headers(match.headers, f"{path}.headers", context),
        not_headers=_headers(match.without_headers, f"{path}.withoutHeaders", context),
        query=_query(match.query_params, f"{path}.queryParams", context),
        port=port_match(match.port, path, context),
        client=client_selector(match.source_labels, match.source_namespace, path, context),
    )
    gateways = gateway_names(match.gateways, context.namespace)
    return Branch(built, gateways, name=match.name, stat=match.stat_prefix)


def _path(match: HttpMatchRequest, path: str, context: Context) -> Text | None:
    """The match of a path; every path begins with a slash, so that this prefix asks for nothing."""
    found = text_match(context.report, f"{path}.uri", match.uri, ignore_case=match.ignore_uri_case)
    return None if found in _EVERY_PATH else found


def port_match(port: int, path: str, context: Context) -> int | None:
    """The port that was called; 0 is none stated."""
    if port == 0:
        return None
    check_port(context.report, f"{path}.port", port)
    return port


def client_selector(labels: dict[str, str], namespace: str, path: str, context: Context) -> Selector | None:
    """The workloads that a match's `sourceLabels` and `sourceNamespace` stand for; None for all."""
    check_labels(context.report, f"{path}.sourceLabels", labels)
    if not labels and not namespace:
        return None
    return Selector(namespaces=(namespace,) if namespace else None, labels=label_terms(labels))


def _headers(headers: dict[str, StringMatch | None], path: str, context: Context) -> Pairs:
    for name in headers:
        check_header_name(context.report, within(path, name), name, pseudo=_PSEUDO_HEADERS)
    found = ((name, within(path, name), match) for name, match in headers.items())
    return tuple(sorted((name.lower(), present_or_match(context.report, at, match)) for name, at, match in found))


def _query(parameters: dict[str, StringMatch | None], path: str, context: Context) -> Pairs:
    for name in parameters:
        if not 0 < len(name.encode()) <= _LONGEST_PARAMETER:
            context.report.invalid(within(path, name[:80]), "the name of a parameter has 1 to 1024 bytes")
    found = ((name, within(path, name), match) for name, match in parameters.items())
    return tuple(sorted((name, present_or_match(context.report, at, match)) for name, at, match in found))


def _asks_for_claims(match: HttpMatchRequest, path: str, context: Context) -> bool:
    """Whether a match reads claims of a token; no token is verified yet, so no claim is known."""
    for field, headers in (("headers", match.headers), ("withoutHeaders", match.without_headers)):
        for name in headers:
            if name.startswith(_CLAIM_PREFIX):
                context.report.unsupported(
                    within(f"{path}.{field}", name),
                    effect="this match never holds",
                    advice="match a header that a gateway in front sets from the token",
                )
                return True
    return False
