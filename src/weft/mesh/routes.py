"""Whose routes count for a host, and rules made ready for one scope: matches decided, backends resolved (R1 to R12)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

import msgspec

from weft.graph.tables import Derived
from weft.ir.inventory import Service
from weft.ir.routing import Backend, HttpMatch, Retry, RouteRule, RouteTable
from weft.ir.settings import MeshSettings, ProxyScope
from weft.ir.traffic import TrafficSettings
from weft.ir.view import Destination, Route, StreamRoute
from weft.mesh.fragments import Fragments
from weft.mesh.matching import host_candidates, is_pattern, selects, visible
from weft.mesh.missing import host_group
from weft.mesh.names import outbound_cluster
from weft.mesh.scope import Scopes
from weft.mesh.traffic import TrafficPolicies

MESH = ("service", "mesh")
Level = Literal["http", "tls", "stream"]


class RouteTables:
    """Route tables by what they attach to and by host."""

    def __init__(self, fragments: Fragments, scopes: Scopes, settings: Derived[None, MeshSettings]) -> None:
        self._fragments = fragments
        self._scopes = scopes
        self._settings = settings
        self._by_host = fragments.gathered("route tables by host", _mesh_hosts, RouteTable, host_group)
        self._patterns = fragments.index("route tables for patterns", _patterns, RouteTable)
        self._by_gateway = fragments.index("route tables by gateway", _gateways, RouteTable)

    def owner(self, scope: ProxyScope, host: str, level: Level) -> RouteTable | None:
        """The one table of a level that a scope's clients use for a host: most specific host, family, age (R2, R3)."""
        for candidate in host_candidates(host) if self._patterns.get(None) else (host,):
            tables = [t for t in self._by_host.get(candidate) if t.level == level and self._applies(t, scope, host)]
            if tables:
                order = self._settings.get(None).family_order
                return min(tables, key=lambda t: (_family(t, order), *_age(t)))
        return None

    def hosts(self) -> tuple[str, ...]:
        """All hosts and patterns that some table for clients names, sorted."""
        return self._by_host.buckets()

    def at_gateway(self, namespace: str, name: str) -> tuple[RouteTable, ...]:
        """All tables attached to a gateway, oldest first."""
        found = (
            table
            for table in self._fragments.of(self._by_gateway.get((namespace, name)), RouteTable)
            if table.attach.kind in ("gateway", "listener")
            and (table.attach.namespace, table.attach.name) == (namespace, name)
        )
        return tuple(sorted(found, key=_age))

    def _applies(self, table: RouteTable, scope: ProxyScope, host: str) -> bool:
        return visible(table.clients, scope.namespace) and self._scopes.imports(scope, table.source.namespace, host)


class RouteResolver:
    """Makes rules ready for one scope and port."""

    def __init__(self, scopes: Scopes, policies: TrafficPolicies, settings: Derived[None, MeshSettings]) -> None:
        self._scopes = scopes
        self._policies = policies
        self._settings = settings

    def http(self, scope: ProxyScope, rules: Iterable[RouteRule], port: int) -> tuple[Route, ...]:
        """The HTTP rules that a scope's clients can meet on a port, in order."""
        ready = (self._route(scope, rule, port) for rule in sorted(rules, key=lambda r: r.rank))
        return tuple(route for route in ready if route is not None)

    def streams(self, scope: ProxyScope, rules: Iterable[RouteRule], port: int) -> tuple[StreamRoute, ...]:
        """The rules for connections that a scope's clients can meet on a port, in order."""
        found: list[StreamRoute] = []
        for rule in sorted(rules, key=lambda r: r.rank):
            base = self.stream(scope, rule.backends, port, name=rule.name)
            if rule.matches is None:
                found.append(base)
            else:
                found += [
                    msgspec.structs.replace(
                        base,
                        networks=match.networks or None,
                        tls_names=tuple(text for _, text in match.tls_names) or None,
                        client_networks=match.client_networks or None,
                    )
                    for match in rule.matches
                    if _meets(match, scope, port)
                ]
        return tuple(found)

    def stream(self, scope: ProxyScope, backends: tuple[Backend, ...], port: int, *, name: str) -> StreamRoute:
        """Connections of any kind to some backends, with what the first one's settings say of connections."""
        targets = self._targets(scope, backends, port)
        settings = next(filter(None, (self._settings_of(scope, target) for target in targets)), TrafficSettings())
        return StreamRoute(
            tuple(map(_destination, targets)),
            name=name,
            idle=settings.tcp_idle,
            lifetime=settings.lifetime,
            by_address=settings.hash_on == ("address",),
        )

    def default(self, scope: ProxyScope, service: Service, port: int) -> Route:
        """The route of a service that no table routes: all to itself, with the mesh's retries."""
        rule = RouteRule(service.source, "default", (), None, "forward", (Backend(service.host, port),))
        ready = self._route(scope, rule, port)
        assert ready is not None
        return ready

    def _route(self, scope: ProxyScope, rule: RouteRule, port: int) -> Route | None:
        matches = rule.matches
        if matches is not None:
            matches = tuple(_decided(m) for m in matches if _meets(m, scope, port))
            if not matches:
                return None
        targets = self._targets(scope, rule.backends, port)
        mirrors = [(to, share) for backend, share in rule.mirrors for to in self._targets(scope, (backend,), port)]
        settings = filter(None, (self._settings_of(scope, target) for target in targets))
        hash_on = tuple(dict.fromkeys(each.hash_on for each in settings if each.hash_on))
        retry = self._retry(rule, hashed=bool(hash_on))
        return Route(
            rule=msgspec.structs.replace(rule, matches=matches, retry=retry, backends=(), mirrors=()),
            destinations=tuple(map(_destination, targets)),
            mirrors=tuple((_destination(to).cluster, share) for to, share in mirrors),
            hash_on=hash_on,
        )

    def _retry(self, rule: RouteRule, *, hashed: bool) -> Retry | None:
        retry = rule.retry if rule.retry is not None else self._settings.get(None).retry
        if retry is None or rule.action != "forward":
            return None
        return msgspec.structs.replace(retry, other_host=not hashed) if retry.other_host is None else retry

    def _targets(self, scope: ProxyScope, backends: Iterable[Backend], port: int) -> list[_Target]:
        found = ((backend, self._scopes.service(scope, backend.host)) for backend in backends)
        return [_Target(backend, service, _port(service, backend, port)) for backend, service in found]

    def _settings_of(self, scope: ProxyScope, to: _Target) -> TrafficSettings | None:
        if to.service is None:
            return None
        return self._policies.settings(scope, to.service, to.port, to.backend.subset)


class _Target(NamedTuple):
    """A backend with what it leads to, if that is known."""

    backend: Backend
    service: Service | None
    port: int


def _destination(to: _Target) -> Destination:
    backend = to.backend
    host = to.service.host if to.service is not None else backend.host
    name = "" if backend.broken else outbound_cluster(to.port, backend.subset, host)
    return Destination(name, backend.weight, backend.request, backend.response, backend.broken)


def _port(service: Service | None, backend: Backend, port: int) -> int:
    """The stated port; else the only one of the service; else the one that was called (Istio, Destination.port)."""
    if backend.port is not None:
        return backend.port
    if service is not None and len(service.ports) == 1:
        return service.ports[0].number
    return port


def _meets(match: HttpMatch, scope: ProxyScope, port: int) -> bool:
    if match.port is not None and match.port != port:
        return False
    return match.client is None or selects(match.client, scope.namespace, scope.clients)


def _decided(match: HttpMatch) -> HttpMatch:
    return msgspec.structs.replace(match, port=None, client=None)


def _age(table: RouteTable) -> tuple[int, str, str]:
    return table.source.created, table.source.namespace, table.source.name


def _family(table: RouteTable, order: tuple[str, ...]) -> int:
    return order.index(table.family) if table.family in order else len(order)


def _mesh_hosts(table: RouteTable) -> tuple[str, ...]:
    return table.hosts if table.attach.kind in MESH else ()


def _patterns(table: RouteTable) -> Iterator[None]:
    if any(map(is_pattern, _mesh_hosts(table))):
        yield None


def _gateways(table: RouteTable) -> Iterator[tuple[str, str]]:
    if table.attach.kind in ("gateway", "listener"):
        yield table.attach.namespace, table.attach.name
