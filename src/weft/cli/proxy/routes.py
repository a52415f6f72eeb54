"""`proxy-config routes`, and what tables say of route configurations that are inline in listeners."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from weft.cli.proxy.dump import Json, typed
from weft.cli.proxy.names import Metadata

HEADER: Final = ("NAME", "VHOST NAME", "DOMAINS", "MATCH", "VIRTUAL SERVICE")

_DOMAINS_SHOWN: Final = 2
_ADDRESS_OR_PORT: Final = re.compile(r".*:\d+|[\d.]+|\[.*\]")
_EVERYWHERE: Final = "/*"
_NO_ROUTE: Final = "404"
_PASSTHROUGH: Final = "PassthroughCluster"


class _Regex(Struct, frozen=True):
    regex: str = ""


class _Match(Struct, frozen=True):
    prefix: str = ""
    path: str = ""
    path_separated_prefix: str = ""
    safe_regex: _Regex | None = None


class _Action(Struct, frozen=True):
    cluster: str = ""


class _Route(Struct, frozen=True):
    match: _Match = _Match()
    route: _Action | None = None
    metadata: Metadata = Metadata()


class _VirtualHost(Struct, frozen=True):
    name: str = ""
    domains: tuple[str, ...] = ()
    routes: tuple[_Route, ...] = ()


class RouteConfiguration(Struct, frozen=True):
    """A route table, as far as it is shown."""

    name: str = ""
    virtual_hosts: tuple[_VirtualHost, ...] = ()


def select(configurations: Iterable[Json], name: str | None) -> list[Json]:
    """The route tables called `name`, or all, sorted by name: numbers (ports) first, in their order."""
    found = [c for c in configurations if name in (None, c.get("name", ""))]
    return sorted(found, key=lambda c: _order(str(c.get("name", ""))))


def rows(configurations: Iterable[Json]) -> list[tuple[str, ...]]:
    """One row a route, as istioctl without those that lead to the original destination. Raises DumpError."""
    return [row for configuration in configurations for row in _rows(typed(configuration, RouteConfiguration))]


def inline_summary(configuration: RouteConfiguration) -> str:
    """What the listener table says of an inline route table: its cluster if there is only one, else its matches."""
    routes = [route for host in configuration.virtual_hosts for route in host.routes]
    clusters = {route.route.cluster if route.route else "" for route in routes}
    if len(clusters) == 1 and all(_describe(route.match) == _EVERYWHERE for route in routes):
        only = clusters.pop()
        if only:
            return only if only.endswith("Cluster") else f"Cluster: {only}"
    return "Inline Route: " + "; ".join(_host_summary(host) for host in configuration.virtual_hosts)


def _rows(configuration: RouteConfiguration) -> Iterator[tuple[str, ...]]:
    for host in configuration.virtual_hosts:
        domains = _shown_domains(host.domains)
        name = host.name.removeprefix(f"{configuration.name}/")  # as hosts are named that are discovered one by one
        for route in host.routes:
            if route.route is None or route.route.cluster != _PASSTHROUGH:
                yield configuration.name, name, domains, _describe(route.match), route.metadata.config
        if not host.routes:
            yield configuration.name, name, domains, _EVERYWHERE, _NO_ROUTE


def _order(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (1 << 16, name)


def _shown_domains(domains: Sequence[str]) -> str:
    """Few of many, the shortest first: forms with a port and addresses say nothing that the name does not."""
    plain = [domain for domain in domains if not _ADDRESS_OR_PORT.fullmatch(domain)] or list(domains)
    shown = ", ".join(sorted(plain, key=len)[:_DOMAINS_SHOWN])
    rest = len(plain) - _DOMAINS_SHOWN
    return f"{shown} + {rest} more..." if rest > 0 else shown


def _describe(match: _Match) -> str:
    if match.safe_regex:
        return f"regex {match.safe_regex.regex}"
    if match.path_separated_prefix:
        return f"PathPrefix:{match.path_separated_prefix}"
    return f"{match.prefix}*" if match.prefix else match.path


def _host_summary(host: _VirtualHost) -> str:
    matches = ", ".join(_describe(route.match) for route in host.routes) or _NO_ROUTE
    domains = _shown_domains(host.domains)
    return matches if domains == "*" else f"{domains} {matches}"
