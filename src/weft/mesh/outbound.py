"""The client side of a scope: listeners for every service port, and the route tables that they refer to.

HTTP ports of one number share a listener on every address and one route table, named by the port; a port whose protocol
is detected, and a port of streams, has a listener of its own on each of the service's addresses (Istio).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from itertools import chain
from typing import Literal

from msgspec import structs

from weft.base.families import any_addresses
from weft.graph.core import Graph
from weft.graph.tables import Derived
from weft.ir.inventory import Service, ServicePort
from weft.ir.routing import Backend
from weft.ir.settings import MeshSettings, ProxyScope
from weft.ir.view import HTTP_PROXY, OutboundListener, Route, RouteConfiguration, StreamRoute, VirtualHost
from weft.mesh.endpoints import EndpointTable
from weft.mesh.headless import endpoint_host, endpoint_listeners
from weft.mesh.http_proxy import is_reachable, takes_requests, tunnel, with_port
from weft.mesh.names import bracketed, host_route, is_http, parse_route, short_names
from weft.mesh.own_hosts import HostPort, OwnHost, OwnHosts
from weft.mesh.routes import RouteResolver, RouteTables
from weft.mesh.scope import Scopes

UNKNOWN_HOST_PORT = 80
"""A route for a host that no service names applies to this port only (Istio, VirtualService)."""


class Outbound:
    """Listeners and route tables of scopes."""

    def __init__(
        self,
        graph: Graph,
        scopes: Scopes,
        *,
        tables: RouteTables,
        resolver: RouteResolver,
        endpoints: EndpointTable,
        settings: Derived[None, MeshSettings],
    ) -> None:
        self._scopes = scopes
        self._endpoints = endpoints
        self._tables = tables
        self._resolver = resolver
        self._settings = settings
        self._listeners: Derived[ProxyScope, tuple[OutboundListener, ...]] = Derived(
            graph, "outbound listeners", self._find_listeners
        )
        self._by_port: Derived[tuple[ProxyScope, int], tuple[str, ...]] = Derived(
            graph, "http hosts of port", self._find_hosts
        )
        self._of_host: Derived[tuple[ProxyScope, str, int, bool], tuple[VirtualHost, ...]] = Derived(
            graph, "virtual hosts", lambda key: tuple(self._build_hosts(*key[:3], alone=key[3]))
        )
        self._route_names: Derived[ProxyScope, tuple[str, ...]] = Derived(graph, "route names", self._find_route_names)
        self._own = OwnHosts(graph, self, scopes.all_aliases)
        self._routes: Derived[tuple[ProxyScope, str], RouteConfiguration | None] = Derived(
            graph, "routes", self._build_routes
        )

    def listeners(self, scope: ProxyScope) -> tuple[OutboundListener, ...]:
        """All listeners for what is captured in a scope, sorted by port and address."""
        return self._listeners.get(self._scopes.common(scope)) if scope.captured else ()

    def route_names(self, scope: ProxyScope) -> tuple[str, ...]:
        """Names of the route tables that listeners refer to, sorted."""
        return self._route_names.get(self._scopes.common(scope)) if scope.captured else (HTTP_PROXY,)

    def shared_names(self, scope: ProxyScope) -> tuple[str, ...]:
        """Those of tables that services share."""
        if not scope.captured:
            return (HTTP_PROXY,)
        return tuple(name for name in self.route_names(scope) if _is_shared(name))

    def routes(self, scope: ProxyScope, name: str) -> RouteConfiguration | None:
        """One route table; None if no listener of the scope refers to that name."""
        return self._routes.get((scope, name))

    def own_hosts(self, scope: ProxyScope) -> tuple[OwnHost, ...] | None:
        """What of the shared tables differs from the common scope's: see `OwnHosts.of`."""
        return self._own.of(scope, self._scopes.common(scope))

    # ---- listeners ---------------------------------------------------------------------------------------------
    def _find_listeners(self, scope: ProxyScope) -> tuple[OutboundListener, ...]:
        found: dict[tuple[int, str], list[tuple[str, OutboundListener]]] = {}
        shared: set[int] = set()
        for service in sorted(self._scopes.services(scope), key=lambda s: (s.source.created, s.host)):
            for port in service.ports:
                if is_http(port.protocol):
                    if port.number in shared:
                        continue
                    shared.add(port.number)
                host = service.host if port.protocol == "tls" else ""
                for listener in filter(_has_purpose, self._of_port(scope, service, port)):
                    found.setdefault((listener.port, listener.address), []).append((host, listener))
        return tuple(_united(found[key]) for key in sorted(found))

    def _find_route_names(self, scope: ProxyScope) -> tuple[str, ...]:
        return tuple(sorted({listener.route for listener in self.listeners(scope) if listener.route}))

    def _of_port(self, scope: ProxyScope, service: Service, port: ServicePort) -> Iterator[OutboundListener]:
        if port.protocol == "udp":
            return
        if is_http(port.protocol):
            yield self._http(scope, port.number)
            return
        streams = self._streams(scope, service, port)
        kind: Literal["stream", "detect"] = "detect" if port.protocol == "detect" else "stream"
        route = host_route(service.host, port.number) if kind == "detect" else ""
        fallback = self._scopes.fallback(scope)
        whole = OutboundListener(
            address="", port=port.number, kind=kind, route=route, streams=streams, fallback=fallback
        )
        if service.headless:
            yield from endpoint_listeners(whole, self._endpoints.of(service, port))
            return
        addresses = [address for _, address in service.addresses if "/" not in address]
        for address in addresses:
            yield structs.replace(whole, address=address)
        networks = tuple(address for _, address in service.addresses if "/" in address)
        if networks or not addresses:
            yield self._anywhere(scope, service, port, streams, networks=networks)

    def _http(self, scope: ProxyScope, port: int) -> OutboundListener:
        fallback = self._scopes.fallback(scope)
        anywhere, *also = any_addresses(scope.families)
        return OutboundListener(
            address=anywhere, also=tuple(also), port=port, kind="http", route=str(port), fallback=fallback
        )

    def _anywhere(
        self,
        scope: ProxyScope,
        service: Service,
        port: ServicePort,
        streams: tuple[StreamRoute, ...],
        *,
        networks: tuple[str, ...],
    ) -> OutboundListener:
        """Where a service has no address of its own it is recognised by port, and by network or server name.

        Bytes that say neither are those of a ServiceEntry that declares its port so (Istio), and nobody's else: on a
        port whose protocol is detected, or for another name in DNS, it would be a guess.
        """
        detected = port.protocol == "detect"
        guessed = not networks and (detected or (service.registry == "cluster" and port.protocol != "tls"))
        names = (service.host,) if port.protocol == "tls" and not networks else None
        narrowed = tuple(
            structs.replace(s, networks=s.networks or networks or None, tls_names=s.tls_names or names) for s in streams
        )
        anywhere, *also = any_addresses(scope.families)
        return OutboundListener(
            address=anywhere,
            also=tuple(also),
            port=port.number,
            kind="detect" if detected else "stream",
            route=str(port.number) if detected else "",
            streams=() if guessed else narrowed,
            fallback=self._scopes.fallback(scope),
        )

    def _streams(self, scope: ProxyScope, service: Service, port: ServicePort) -> tuple[StreamRoute, ...]:
        routed: tuple[StreamRoute, ...] = ()
        for level in ("tls", "stream"):
            table = self._tables.owner(scope, service.host, level)
            if table is not None and (level == "stream" or port.protocol == "tls"):
                routed += self._resolver.streams(scope, table.rules, port.number)
        if any(_matches_all(route) for route in routed):
            return routed
        itself = (Backend(service.host, port.number),)
        return (*routed, self._resolver.stream(scope, itself, port.number, name=service.host))

    # ---- route tables ------------------------------------------------------------------------------------------
    def _build_routes(self, key: tuple[ProxyScope, str]) -> RouteConfiguration | None:
        scope, name = key
        if not scope.captured:
            return self._routes_of_proxy(scope) if name == HTTP_PROXY else None
        parts = parse_route(name)
        if parts is None:
            return None
        endpoint, host, port = parts
        if host:
            found = self.hosts_of(self._named_by(scope)(host), host, port)
            hosts = tuple(_only(each, endpoint) for each in found[:1])
        else:
            hosts = self._joined(scope, name)
        return RouteConfiguration(name, hosts, self._scopes.fallback(scope), shared=not host) if hosts else None

    def _joined(self, scope: ProxyScope, name: str) -> tuple[VirtualHost, ...]:
        """The virtual hosts of a shared table; those of single endpoints come last, and take what is left."""
        common, named_by = self._scopes.common(scope), self._named_by(scope)
        alone = common != scope and self._own.is_main(common, name, scope.namespace)
        found = [
            self.hosts_of(by, host, port, alone=alone and by is not common)
            for host, port in self.members(scope, name)
            for by in (named_by(host),)
        ]
        whole = (hosts[0] for hosts in found if hosts)
        return unique_domains(chain(whole, chain.from_iterable(hosts[1:] for hosts in found)))

    def members(self, scope: ProxyScope, name: str) -> list[HostPort]:
        """The ports of hosts that are in a shared table; that of clients that nothing is captured for has all."""
        ports = [int(name)] if scope.captured else self._ports(scope)
        return [(host, port) for port in ports for host in self._in_table(scope, port)]

    def _ports(self, scope: ProxyScope) -> list[int]:
        reachable = {port.number for s in self._scopes.services(scope) for port in s.ports if is_reachable(port)}
        return sorted(reachable | {UNKNOWN_HOST_PORT})

    def _in_table(self, scope: ProxyScope, port: int) -> tuple[str, ...]:
        return self._by_port.get((self._scopes.common(scope), port))

    def hosts_of(self, scope: ProxyScope, host: str, port: int, *, alone: bool = False) -> tuple[VirtualHost, ...]:
        """The virtual host of a port of a host, then those of its single endpoints, as a scope's clients name them.

        `alone`: they are not made of those of the common scope, because few or none read these.
        """
        return self._of_host.get((scope, host, port, alone))

    def _named_by(self, scope: ProxyScope) -> Callable[[str], ProxyScope]:
        """By which scope a host is named: the common one, but for hosts of the client's namespace with a name more."""
        common, aliases = self._scopes.common(scope), self._scopes.all_aliases(scope)
        if common == scope:
            return lambda _: scope
        own = f".{scope.namespace}.svc.{self._settings.get(None).cluster_domain}"
        return lambda host: scope if any(n.endswith(own) for n in (host, *aliases.get(host, ()))) else common

    def _routes_of_proxy(self, scope: ProxyScope) -> RouteConfiguration:
        """The table of all hosts on all ports; hosts that are not in it are found by DNS, where that is allowed."""
        hosts = self._joined(scope, HTTP_PROXY)
        fallback: Literal["deny", "resolve"] = "deny" if self._scopes.fallback(scope) == "deny" else "resolve"
        return RouteConfiguration(HTTP_PROXY, hosts, fallback, by_port=True, shared=True)

    def _find_hosts(self, key: tuple[ProxyScope, int]) -> tuple[str, ...]:
        """Hosts with a virtual host in the table of a port: services first, then hosts that only a route names."""
        scope, port = key
        services = self._scopes.services(scope)
        in_table = _shares_table if scope.captured else _is_reachable
        hosts = [s.host for s in services if any(p.number == port and in_table(s, p) for p in s.ports)]
        if port == UNKNOWN_HOST_PORT:
            known = {service.host for service in services}
            hosts += [h for h in self._tables.hosts() if h not in known and self._routed_unknown(scope, h, known)]
        return tuple(hosts)

    def _routed_unknown(self, scope: ProxyScope, host: str, known: set[str]) -> bool:
        if host.startswith("*") and any(service.endswith(host[1:]) for service in known):
            return False
        table = self._tables.owner(scope, host, "http")
        return table is not None and host in table.hosts

    def _build_hosts(self, scope: ProxyScope, host: str, port: int, *, alone: bool) -> Iterator[VirtualHost]:
        common = self._scopes.common(scope)
        service = self._scopes.service(common, host)
        if alone or common == scope:
            found = self._build_host(common, host, port, service)
        else:
            found = next(iter(self.hosts_of(common, host, port)), None)
        if found is not None:
            whole = structs.replace(found, domains=self._domains(scope, host, port, service))
            yield whole
            if service is not None and service.headless:
                yield from self._endpoint_hosts(scope, service, port, whole)

    def _build_host(self, scope: ProxyScope, host: str, port: int, service: Service | None) -> VirtualHost | None:
        """The virtual host of a port of a host, still without domains."""
        name = f"{host}:{port}"
        bytes_of = _served_as_bytes(service, port) if service is not None and not scope.captured else None
        if service is not None and bytes_of is not None:
            return VirtualHost(name, (), (), tunnel=tunnel(service, self._streams(scope, service, bytes_of)))
        table = self._tables.owner(scope, host, "http")
        if table is not None:
            routes = self._resolver.http(scope, table.rules, port)
            if table.fallback == "service" and service is not None:
                routes += (self._resolver.default(scope, service, port),)
        elif service is not None:
            routes = (self._resolver.default(scope, service, port),)
        else:
            return None
        return VirtualHost(name, (), _without_unreachable(routes))

    def _endpoint_hosts(
        self, scope: ProxyScope, service: Service, number: int, whole: VirtualHost
    ) -> Iterator[VirtualHost]:
        port = next((p for p in service.ports if p.number == number and p.protocol != "udp"), None)
        if port is None:
            return
        found = (
            endpoint_host(whole, each, number, self._names(scope, each.host) if each.host else ())
            for each in self._endpoints.of(service, port)
        )
        for each in found:
            yield each if scope.captured else structs.replace(each, domains=with_port(each.domains, number))

    def _domains(self, scope: ProxyScope, host: str, port: int, service: Service | None) -> tuple[str, ...]:
        own = (host, *self._scopes.aliases(scope, host)) if service is not None else (host,)
        addresses = [a for _, a in service.addresses if "/" not in a] if service is not None else []
        names = (name for each in own for name in self._names(scope, each))
        domains = tuple(dict.fromkeys([*names, *map(bracketed, addresses)]))
        return domains if scope.captured else with_port(domains, port)

    def _names(self, scope: ProxyScope, host: str) -> tuple[str, ...]:
        return (host, *short_names(host, scope.namespace, self._settings.get(None).cluster_domain))


def _only(host: VirtualHost, endpoint: str) -> VirtualHost:
    """The one host of an address of its own: what is called there is the service, whatever host requests name."""
    return structs.replace(host, domains=("*",), endpoint=endpoint)


def unique_domains(hosts: Iterable[VirtualHost]) -> tuple[VirtualHost, ...]:
    """Virtual hosts without domains that an earlier one has: one duplicate makes Envoy refuse the whole table.

    An endpoint that lost its first name to a host that is called the same is named by what it has left.
    """
    seen: set[str] = set()
    unique: dict[str, VirtualHost] = {}
    for host in hosts:
        domains = tuple(domain for domain in host.domains if domain not in seen)
        seen.update(domains)
        if not domains:
            continue
        if len(domains) < len(host.domains):
            host = structs.replace(host, domains=domains)
        if host.name in unique:
            host = structs.replace(host, name=f"{domains[0]}:{host.name.rpartition(':')[2]}")
        unique[host.name] = host
    return tuple(unique.values())


def _is_shared(name: str) -> bool:
    parts = parse_route(name)
    return parts is not None and not parts[1]


def _shares_table(service: Service, port: ServicePort) -> bool:
    """Whether a service's port is served by the table of the port's number, not by one of its own alone."""
    own = any("/" not in address for _, address in service.addresses)
    networks = any("/" in address for _, address in service.addresses)
    return is_http(port.protocol) or (port.protocol == "detect" and (networks or not (own or service.headless)))


def _served_as_bytes(service: Service, number: int) -> ServicePort | None:
    """The port of a service if only bytes are served there."""
    ports = [port for port in service.ports if port.number == number and is_reachable(port)]
    return ports[0] if ports and not any(takes_requests(port) for port in ports) else None


def _is_reachable(_: Service, port: ServicePort) -> bool:
    return is_reachable(port)


def _united(found: list[tuple[str, OutboundListener]]) -> OutboundListener:
    """The one listener of an address and port. Several services of TLS there are told apart by server name.

    `found` pairs each with the host that TLS asks for; the host is empty for other protocols.
    """
    if len(found) == 1:
        return found[0][1]
    return reduce(_combine, (_by_server_name(listener, host) if host else listener for host, listener in found))


def _by_server_name(listener: OutboundListener, host: str) -> OutboundListener:
    streams = tuple(s if s.tls_names else structs.replace(s, tls_names=(host,)) for s in listener.streams)
    return structs.replace(listener, streams=streams)


def _has_purpose(listener: OutboundListener) -> bool:
    return listener.kind != "stream" or bool(listener.streams)


def _combine(first: OutboundListener, second: OutboundListener) -> OutboundListener:
    """Two services on one address and port: HTTP beside detected HTTP is detected, streams add their rules."""
    if first.kind == second.kind == "http":
        return first
    kind: Literal["stream", "detect"] = "stream" if {first.kind, second.kind} == {"stream"} else "detect"
    return OutboundListener(
        address=first.address,
        also=first.also,
        port=first.port,
        kind=kind,
        route=first.route or second.route,
        streams=_before_catch_all(first.streams + second.streams),
        fallback=first.fallback,
    )


def _before_catch_all(streams: tuple[StreamRoute, ...]) -> tuple[StreamRoute, ...]:
    narrow = [stream for stream in streams if not _matches_all(stream)]
    general = [stream for stream in streams if _matches_all(stream)]
    return (*narrow, *general[:1])


def _matches_all(stream: StreamRoute) -> bool:
    return stream.networks is None and stream.tls_names is None and stream.client_networks is None


def _without_unreachable(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    for position, route in enumerate(routes):
        if route.rule.matches is None:
            return routes[: position + 1]
    return routes
