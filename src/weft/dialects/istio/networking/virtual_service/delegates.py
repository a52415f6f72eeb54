"""Delegation: the rules of another VirtualService, in the place of the root's rule (Istio, HTTPRoute.delegate).

A match of the delegate counts where it lies inside a match of the root: both are united to one. What the delegate does
not state of a rule it takes from the root.
"""

from collections.abc import Iterator

from msgspec.structs import replace

from weft.model.istio_virtual_service import HttpMatchRequest, HttpRoute, StringMatch

_INHERITED = (
    "rewrite",
    "timeout",
    "retries",
    "fault",
    "mirror",
    "mirrors",
    "mirror_percent",
    "mirror_percentage",
    "cors_policy",
    "headers",
)
_TEXTS = ("uri", "scheme", "method", "authority")
_MAPS = ("headers", "without_headers", "query_params")


class ContradictionError(ValueError):
    """A rule of a delegate holds for no request that its root's rule lets through; the text says which match."""


def merged_route(root: HttpRoute, delegate: HttpRoute) -> HttpRoute:
    """The delegate's rule inside the root's; raises ContradictionError where one of its matches is outside of it."""
    inherited = {field: getattr(root, field) for field in _INHERITED if not getattr(delegate, field)}
    return replace(
        delegate,
        name=_joined(root.name, delegate.name),
        match=_merged_matches(root.match, delegate.match),
        **inherited,
    )


def _merged_matches(
    root: tuple[HttpMatchRequest, ...], delegate: tuple[HttpMatchRequest, ...]
) -> tuple[HttpMatchRequest, ...]:
    if not root or not delegate:
        return root or delegate
    return tuple(_each_merged(root, delegate))


def _each_merged(
    root: tuple[HttpMatchRequest, ...], delegate: tuple[HttpMatchRequest, ...]
) -> Iterator[HttpMatchRequest]:
    for index, inner in enumerate(delegate):
        around = [outer for outer in root if _contains(outer, inner)]
        if not around:
            raise ContradictionError(f"match[{index}] of the delegate lies outside of every match of the root")
        yield from (_merged_match(outer, inner) for outer in around)


def _merged_match(outer: HttpMatchRequest, inner: HttpMatchRequest) -> HttpMatchRequest:
    texts = {field: getattr(inner, field) or getattr(outer, field) for field in _TEXTS}
    maps = {field: {**getattr(outer, field), **getattr(inner, field)} for field in (*_MAPS, "source_labels")}
    return replace(
        inner,
        name=_joined(outer.name, inner.name),
        port=inner.port or outer.port,
        gateways=inner.gateways or outer.gateways,
        source_namespace=inner.source_namespace or outer.source_namespace,
        ignore_uri_case=inner.ignore_uri_case or outer.ignore_uri_case,
        stat_prefix=inner.stat_prefix or outer.stat_prefix,
        **texts,
        **maps,
    )


def _contains(outer: HttpMatchRequest, inner: HttpMatchRequest) -> bool:
    return (
        all(_text_contains(getattr(outer, field), getattr(inner, field)) for field in _TEXTS)
        and all(_map_contains(getattr(outer, field), getattr(inner, field)) for field in _MAPS)
        and (outer.uri is None or inner.uri is None or outer.ignore_uri_case == inner.ignore_uri_case)
        and (not outer.port or inner.port in (0, outer.port))
        and (not outer.source_namespace or inner.source_namespace in ("", outer.source_namespace))
        and all(outer.source_labels.get(key, value) == value for key, value in inner.source_labels.items())
        and (not outer.gateways or set(inner.gateways) <= set(outer.gateways))
    )


def _map_contains(outer: dict[str, StringMatch | None], inner: dict[str, StringMatch | None]) -> bool:
    return all(_text_contains(outer.get(name), match) for name, match in inner.items())


def _text_contains(outer: StringMatch | None, inner: StringMatch | None) -> bool:
    """Whether a delegate's text match lies inside the root's; a regular expression lies in nothing but itself."""
    if outer is None or inner is None or outer == inner:
        return True
    if outer.prefix is not None:
        return any(text is not None and text.startswith(outer.prefix) for text in (inner.exact, inner.prefix))
    return outer == StringMatch()


def _joined(outer: str, inner: str) -> str:
    return "-".join(name for name in (outer, inner) if name)
