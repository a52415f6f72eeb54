"""The rules that a root takes from its delegate."""

from collections.abc import Iterator

from msgspec.structs import replace

from weft.base.issues import Ref
from weft.dialects.compiled import Lookup
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.virtual_service.actions import check_action
from weft.dialects.istio.networking.virtual_service.delegates import ContradictionError, merged_route
from weft.dialects.istio.networking.virtual_service.drafts import Draft
from weft.dialects.istio.networking.virtual_service.resolving import resolved_route
from weft.dialects.istio.networking.virtual_service.rules import http_draft
from weft.dialects.names import visible_to
from weft.ir.routing import Rank
from weft.model import codes
from weft.model.istio_virtual_service import Delegate, HttpRoute, VirtualService
from weft.model.objects import Object

_KIND = "VirtualService.networking.istio.io"
_DROPPED = "the rule is left out"


def check_delegate(subject: Object[VirtualService], context: Context) -> None:
    """A VirtualService without hosts: rules for others to take over, nothing else."""
    report, spec = context.report, subject.spec
    if spec.gateways:
        report.invalid("spec.gateways", "a VirtualService without hosts is a delegate: its root states the gateways")
    if spec.tls or spec.tcp:
        report.invalid("spec", "a VirtualService without hosts is a delegate: it has http rules only", "give hosts")
    if not spec.http:
        report.invalid("spec.http", "there is no rule")
    for index, route in enumerate(spec.http):
        path = f"spec.http[{index}]"
        check_action(route, path, context, in_delegate=True)
        http_draft(route, path, context, source=subject.provenance(path), rank=())


def delegated_drafts(
    root: Object[VirtualService], index: int, lookup: Lookup, context: Context, *, rank: Rank
) -> Iterator[Draft]:
    """The drafts in place of the root's rule `index`; findings on the delegate's rules are the delegate's own."""
    route: HttpRoute = root.spec.http[index]
    path = f"spec.http[{index}]"
    http_draft(route, path, context, source=root.provenance(path), rank=())
    delegate = _find(route.delegate or Delegate(), path, lookup, context)
    if delegate is None:
        return
    inner_context = Context(context.aside().report, delegate.metadata.namespace, context.settings)
    outer = resolved_route(route, context)
    for place, inner in enumerate(delegate.spec.http):
        via = delegate.provenance(f"spec.http[{place}]")
        try:
            merged = merged_route(outer, resolved_route(inner, inner_context))
        except ContradictionError as contradiction:
            reason = f"http[{place}] of {delegate.ref} is never reached: {contradiction}"
            context.report.warning(codes.DELEGATE_CONFLICT, path, reason, effect=_DROPPED)
            continue
        source = replace(root.provenance(path), via=(via,))
        yield http_draft(merged, path, context.aside(), source=source, rank=(*rank, place))


def _find(delegate: Delegate, path: str, lookup: Lookup, context: Context) -> Object[VirtualService] | None:
    """The delegate; None, with a finding on the root, where it can't be used."""
    ref = Ref(_KIND, delegate.namespace or context.namespace, delegate.name)
    found: Object[VirtualService] | None = lookup.object(ref)
    reason = _unusable(found, context)
    if reason is not None:
        message = f"the delegate {ref} {reason}"
        context.report.warning(codes.NOT_FOUND, f"{path}.delegate", message, effect=_DROPPED)
        return None
    return found


def _unusable(found: Object[VirtualService] | None, context: Context) -> str | None:
    if found is None:
        return "does not exist, or can't be read"
    if found.spec.hosts:
        return "is no delegate: it has hosts of its own"
    namespace = found.metadata.namespace
    allowed = visible_to(found.spec.export_to, namespace, context.settings.routes_visible_to)
    if allowed is not None and context.namespace not in allowed:
        return f"is not exported to the namespace {context.namespace}"
    own = Context(context.aside().report, namespace, context.settings)
    check_delegate(found, own)
    return "is invalid" if own.report.failed else None
