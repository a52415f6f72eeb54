"""Rules for connections: `tls` by server name, `tcp` by address."""

from collections.abc import Iterable

from weft.base.provenance import Provenance
from weft.dialects.istio.networking.checks import check_network
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.hosts import covers, is_server_name
from weft.dialects.istio.networking.virtual_service.drafts import Branch, Draft
from weft.dialects.istio.networking.virtual_service.gateways import gateway_names
from weft.dialects.istio.networking.virtual_service.matches import client_selector, port_match
from weft.dialects.istio.networking.virtual_service.rules import backends
from weft.ir.routing import HttpMatch, Rank, RouteRule
from weft.ir.values import Text
from weft.model.istio_virtual_service import L4MatchAttributes, RouteDestination, TcpRoute, TlsMatchAttributes, TlsRoute


def tcp_draft(route: TcpRoute, path: str, context: Context, *, source: Provenance, rank: Rank) -> Draft:
    """An entry of `tcp`."""
    branches = tuple(_tcp_branch(match, f"{path}.match[{index}]", context) for index, match in enumerate(route.match))
    return Draft(_forward(route.route, path, context, source=source, rank=rank), branches or None)


def tls_draft(
    route: TlsRoute, path: str, context: Context, *, source: Provenance, rank: Rank, hosts: tuple[str, ...]
) -> Draft:
    """An entry of `tls`; each server name of its matches must fall under one of the VirtualService's `hosts`."""
    if not route.match:
        context.report.invalid(f"{path}.match", "there is no match", "give a match with sniHosts")
    branches = tuple(
        _tls_branch(match, f"{path}.match[{index}]", context, hosts) for index, match in enumerate(route.match)
    )
    return Draft(_forward(route.route, path, context, source=source, rank=rank), branches)


def _forward(
    routes: tuple[RouteDestination, ...], path: str, context: Context, *, source: Provenance, rank: Rank
) -> RouteRule:
    if not routes:
        context.report.invalid(f"{path}.route", "there is no destination", "give route")
    found = backends(routes, f"{path}.route", context)
    return RouteRule(source=source, name="", rank=rank, matches=None, action="forward", backends=found)


def _tcp_branch(match: L4MatchAttributes, path: str, context: Context) -> Branch:
    source = match.source_subnet and check_network(context.report, f"{path}.sourceSubnet", match.source_subnet)
    built = HttpMatch(
        port=port_match(match.port, path, context),
        client=client_selector(match.source_labels, match.source_namespace, path, context),
        networks=_networks(match.destination_subnets, f"{path}.destinationSubnets", context),
        client_networks=(source,) if source else (),
    )
    return Branch(built, gateway_names(match.gateways, context.namespace))


def _tls_branch(match: TlsMatchAttributes, path: str, context: Context, hosts: tuple[str, ...]) -> Branch:
    if not match.sni_hosts:
        context.report.invalid(f"{path}.sniHosts", "there is no server name", "give sniHosts")
    for index, name in enumerate(match.sni_hosts):
        _check_server_name(name, f"{path}.sniHosts[{index}]", context, hosts)
    built = HttpMatch(
        port=port_match(match.port, path, context),
        client=client_selector(match.source_labels, match.source_namespace, path, context),
        networks=_networks(match.destination_subnets, f"{path}.destinationSubnets", context),
        tls_names=() if "*" in match.sni_hosts else tuple(_server_name(name) for name in match.sni_hosts),
    )
    return Branch(built, gateway_names(match.gateways, context.namespace))


def _check_server_name(name: str, path: str, context: Context, hosts: tuple[str, ...]) -> None:
    if not is_server_name(name):
        context.report.invalid(path, f"{name!r} is no server name")
    elif not any(covers(host, context.host(name)) or covers(host, name.lower()) for host in hosts):
        context.report.invalid(path, f"{name!r} falls under none of spec.hosts", "add it to spec.hosts")


def _server_name(name: str) -> Text:
    return ("glob" if name.startswith("*") else "exact"), name.lower()


def _networks(texts: Iterable[str], path: str, context: Context) -> tuple[str, ...]:
    found = (check_network(context.report, f"{path}[{index}]", text) for index, text in enumerate(texts))
    return tuple(each for each in found if each is not None)
