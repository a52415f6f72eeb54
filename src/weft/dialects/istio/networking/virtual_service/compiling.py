"""A VirtualService as tables of routes (IR R3)."""

from collections.abc import Iterator
from itertools import combinations
from typing import Literal

from weft.base.families import is_address
from weft.dialects.compiled import Compiled, Lookup
from weft.dialects.istio.networking.checks import check_export_to
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.hosts import is_host_pattern, meet
from weft.dialects.istio.networking.virtual_service.actions import check_action
from weft.dialects.istio.networking.virtual_service.delegating import check_delegate, delegated_drafts
from weft.dialects.istio.networking.virtual_service.drafts import MESH, Draft, rules_at
from weft.dialects.istio.networking.virtual_service.gateways import attachment, gateway_names
from weft.dialects.istio.networking.virtual_service.rules import http_draft
from weft.dialects.istio.networking.virtual_service.streams import tcp_draft, tls_draft
from weft.dialects.names import visible_to
from weft.ir.routing import Rank, RouteTable
from weft.model.istio_virtual_service import VirtualService
from weft.model.objects import Object

Level = Literal["http", "tls", "stream"]


def compile_virtual_service(subject: Object[VirtualService], lookup: Lookup) -> Compiled:
    """One table per level (http, tls, stream) and place of attachment; none for a delegate."""
    context = Context.of(subject, lookup)
    spec = subject.spec
    check_export_to(context.report, spec.export_to)
    if not spec.hosts:
        check_delegate(subject, context)
        return context.report.compiled()
    gateways = gateway_names(spec.gateways or (MESH,), context.namespace)
    hosts = _hosts(spec, gateways, context)
    _check_gateways(spec, gateways, context)
    return context.report.compiled(*_tables(subject, lookup, context, hosts=hosts, gateways=gateways))


def _tables(
    subject: Object[VirtualService],
    lookup: Lookup,
    context: Context,
    *,
    hosts: tuple[str, ...],
    gateways: tuple[str, ...],
) -> tuple[RouteTable, ...]:
    clients = visible_to(subject.spec.export_to, context.namespace, context.settings.routes_visible_to)
    levels: tuple[tuple[Level, tuple[Draft, ...]], ...] = (
        ("http", tuple(_http(subject, lookup, context))),
        ("tls", tuple(_tls(subject, context, hosts))),
        ("stream", tuple(_tcp(subject, context))),
    )
    tables = (
        RouteTable(
            source=subject.provenance("spec"),
            family="virtual",
            attach=attachment(gateway),
            hosts=hosts,
            level=level,
            rules=rules_at(drafts, gateway),
            clients=clients,
            merge="oldest" if gateway == MESH else "append",
        )
        for gateway in gateways
        for level, drafts in levels
    )
    return tuple(table for table in tables if table.rules)


def _http(subject: Object[VirtualService], lookup: Lookup, context: Context) -> Iterator[Draft]:
    for index, route in enumerate(subject.spec.http):
        path, rank = f"spec.http[{index}]", _rank(subject, index)
        usable = check_action(route, path, context)
        if usable and route.delegate is not None:
            yield from delegated_drafts(subject, index, lookup, context, rank=rank)
        else:
            yield http_draft(route, path, context, source=subject.provenance(path), rank=rank)


def _tls(subject: Object[VirtualService], context: Context, hosts: tuple[str, ...]) -> Iterator[Draft]:
    for index, route in enumerate(subject.spec.tls):
        path, rank = f"spec.tls[{index}]", _rank(subject, index)
        yield tls_draft(route, path, context, source=subject.provenance(path), rank=rank, hosts=hosts)


def _tcp(subject: Object[VirtualService], context: Context) -> Iterator[Draft]:
    for index, route in enumerate(subject.spec.tcp):
        path, rank = f"spec.tcp[{index}]", _rank(subject, index)
        yield tcp_draft(route, path, context, source=subject.provenance(path), rank=rank)


def _rank(subject: Object[VirtualService], index: int) -> Rank:
    """By age, then name, then place in the object (IR R3)."""
    meta = subject.metadata
    return (meta.created, f"{meta.namespace}/{meta.name}", index)


def _hosts(spec: VirtualService, gateways: tuple[str, ...], context: Context) -> tuple[str, ...]:
    report = context.report
    if not (spec.http or spec.tls or spec.tcp):
        report.invalid("spec", "there is no rule", "give http, tls or tcp")
    for index, host in enumerate(spec.hosts):
        if not is_host_pattern(host) and not is_address(host):
            report.invalid(f"spec.hosts[{index}]", f"{host!r} is no host")
        elif host == "*" and MESH in gateways:
            report.invalid(f"spec.hosts[{index}]", "'*' can't be routed in the mesh", "name hosts, or gateways only")
    hosts = tuple(context.host(host) for host in spec.hosts)
    for first, second in combinations(hosts, 2):
        if meet(first, second):
            report.invalid("spec.hosts", f"{first} and {second} overlap", "keep one of them")
    return hosts


def _check_gateways(spec: VirtualService, gateways: tuple[str, ...], context: Context) -> None:
    """A match counts only at gateways that the object as a whole names too."""
    for field in ("http", "tls", "tcp"):
        for index, route in enumerate(getattr(spec, field)):
            for place, match in enumerate(route.match):
                for name in gateway_names(match.gateways, context.namespace):
                    if name not in gateways:
                        context.report.ineffective(
                            f"spec.{field}[{index}].match[{place}].gateways",
                            f"{name} is not among spec.gateways",
                            effect="the match never holds there",
                            advice="add it to spec.gateways",
                        )
