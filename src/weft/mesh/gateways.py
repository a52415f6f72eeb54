"""The server side of gateways: listeners by port, merged over all gateways that select the proxy, and their routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from weft.base.families import any_addresses
from weft.graph.tables import Derived
from weft.ir.access import Authorization
from weft.ir.edge import Gateway, Listener
from weft.ir.routing import RouteTable
from weft.ir.settings import MeshSettings, ProxyKey, WorkloadClass
from weft.ir.values import Tls
from weft.ir.view import GatewayListener, GatewayServer, RouteConfiguration, StreamRoute, VirtualHost
from weft.mesh.fragments import Fragments
from weft.mesh.inventory import Inventory
from weft.mesh.matching import intersect_hosts, selects, visible
from weft.mesh.names import is_http
from weft.mesh.routes import RouteResolver, RouteTables

Authorizations = Callable[[WorkloadClass], tuple[Authorization, ...]]

RAISED_BY = 8_000
"""By so much is the port higher that stands for one which a gateway may not open: 80 is 8080, 443 is 8443."""


class Gateways:
    """Listeners and route tables of gateways' proxies."""

    def __init__(
        self,
        fragments: Fragments,
        inventory: Inventory,
        *,
        tables: RouteTables,
        resolver: RouteResolver,
        authorizations: Authorizations,
        settings: Derived[None, MeshSettings],
    ) -> None:
        graph = fragments.graph
        self._fragments = fragments
        self._inventory = inventory
        self._tables = tables
        self._resolver = resolver
        self._authorizations = authorizations
        self._settings = settings
        self._all = fragments.index("gateways", lambda _: ("*",), Gateway)
        self._servers: Derived[WorkloadClass, tuple[Listener, ...]] = Derived(
            graph, "gateway servers", self._find_servers
        )
        self._listeners: Derived[ProxyKey, tuple[GatewayListener, ...]] = Derived(
            graph, "gateway listeners", self._find_listeners
        )
        self._routes: Derived[tuple[ProxyKey, str], RouteConfiguration | None] = Derived(
            graph, "gateway routes", self._build_routes
        )

    def listeners(self, key: ProxyKey) -> tuple[GatewayListener, ...]:
        """All listeners of a gateway's proxy, sorted by port and bind address."""
        return self._listeners.get(key)

    def route_names(self, key: ProxyKey) -> tuple[str, ...]:
        """Names of the route tables that listeners refer to, sorted."""
        names = {server.route for listener in self.listeners(key) for server in listener.servers if server.route}
        return tuple(sorted(names))

    def routes(self, key: ProxyKey, name: str) -> RouteConfiguration | None:
        """One route table; None if no listener of the proxy refers to that name."""
        return self._routes.get((key, name))

    # ---- listeners ---------------------------------------------------------------------------------------------
    def _find_servers(self, server: WorkloadClass) -> tuple[Listener, ...]:
        """Everything that gateways ask of workloads of this class, oldest first."""
        found: list[Listener] = []
        for ref in self._all.get("*"):
            gateways = list(self._fragments.of((ref,), Gateway))
            if any(g.role == "edge" and selects(g.workloads, server.namespace, server.labels) for g in gateways):
                found += self._fragments.of((ref,), Listener)
        return tuple(sorted(found, key=lambda s: (s.source.created, s.source.namespace, s.source.name)))

    def _find_listeners(self, key: ProxyKey) -> tuple[GatewayListener, ...]:
        by_port: dict[tuple[int, str], list[Listener]] = {}
        for listener in self._servers.get(key.server):
            by_port.setdefault((self._port(key.server, listener), listener.bind), []).append(listener)
        authorizations = self._authorizations(key.server)
        everywhere, *also = self._settings.get(None).gateway_addresses or any_addresses(key.scope.families)
        return tuple(
            GatewayListener(
                bind=bind or everywhere,
                also=() if bind else tuple(also),
                port=port,
                servers=tuple(self._chains(key, port, listeners)),
                authorizations=authorizations,
            )
            for (port, bind), listeners in sorted(by_port.items())
        )

    def _port(self, server: WorkloadClass, listener: Listener) -> int:
        """The port that the proxy listens on, as far as it may."""
        return opened_port(self._target_port(server, listener), self._settings.get(None).first_gateway_port)

    def _target_port(self, server: WorkloadClass, listener: Listener) -> int:
        """The port that is asked for: behind a service it is the service port's target (Istio)."""
        for service in self._inventory.services_over(server):
            for port in service.ports:
                if port.number == listener.port:
                    key = (port.target, "tcp")
                    named = next((n for name, n, transport in server.ports if (name, transport) == key), listener.port)
                    return port.target if isinstance(port.target, int) else named
        return listener.port

    def _chains(self, key: ProxyKey, port: int, listeners: list[Listener]) -> Iterator[GatewayServer]:
        """Filter chains of one port: all plain HTTP servers share one, each TLS server has its own."""
        plain = [listener for listener in listeners if is_http(listener.protocol) and listener.tls is None]
        if plain:
            yield GatewayServer(tls_names=None, tls=None, kind="http", route=plain_route(port, plain[0].bind))
        seen: set[str] = set()
        for listener in listeners:
            if listener in plain:
                continue
            names = tuple(n for n in _hosts(listener) if n not in seen)
            if listener.tls is not None and not names:
                continue
            seen.update(names)
            yield from self._chain(key, listener, names)

    def _chain(self, key: ProxyKey, listener: Listener, names: tuple[str, ...]) -> Iterator[GatewayServer]:
        tls_names = names if listener.tls is not None else None
        if _terminates_http(listener):
            yield GatewayServer(
                tls_names=tls_names,
                tls=listener.tls,
                kind="http",
                route=tls_route(listener),
                name=listener.name,
            )
            return
        streams = tuple(self._streams(key, listener))
        between = listener.tls is not None and listener.tls.mode == "passthrough_mesh"
        if streams or between:
            tls = listener.tls if listener.tls is not None and (between or _decrypts(listener.tls)) else None
            yield GatewayServer(tls_names=tls_names, tls=tls, kind="stream", streams=streams, name=listener.name)

    def _streams(self, key: ProxyKey, listener: Listener) -> Iterator[StreamRoute]:
        """What a server of streams passes on: by server name where TLS stays closed, else as bytes (Istio).

        A rule has the server names of its own that its namespace may bind here.
        """
        closed = listener.tls is not None and not _decrypts(listener.tls)
        for table in self._attached(key, listener):
            if table.level != ("tls" if closed else "stream"):
                continue
            for stream in self._resolver.streams(key.scope, table.rules, listener.port):
                if stream.tls_names is None:
                    yield stream
                elif names := _named(listener, table, stream.tls_names):
                    yield msgspec.structs.replace(stream, tls_names=names)

    def _attached(self, key: ProxyKey, listener: Listener) -> Iterator[RouteTable]:
        for table in self._tables.at_gateway(listener.gateway.namespace, listener.gateway.name):
            if visible(table.clients, key.server.namespace) and any(_meet(listener, table, h) for h in table.hosts):
                yield table

    # ---- route tables ------------------------------------------------------------------------------------------
    def _build_routes(self, key: tuple[ProxyKey, str]) -> RouteConfiguration | None:
        proxy, name = key
        listeners = [each for each in self._servers.get(proxy.server) if self._route(proxy.server, each) == name]
        if not listeners:
            return None
        hosts: dict[tuple[str, ...], VirtualHost] = {}
        for listener in listeners:
            for host in self._virtual_hosts(proxy, listener):
                found = hosts.get(host.domains)
                hosts[host.domains] = host if found is None else _append(found, host)
        return RouteConfiguration(name, tuple(_ordered(hosts[each]) for each in sorted(hosts)), "not_found")

    def _route(self, server: WorkloadClass, listener: Listener) -> str | None:
        """The route table that a server of HTTP reads; None for a server of streams."""
        if not _terminates_http(listener):
            return None
        return plain_route(self._port(server, listener), listener.bind) if listener.tls is None else tls_route(listener)

    def _virtual_hosts(self, proxy: ProxyKey, listener: Listener) -> Iterator[VirtualHost]:
        found: dict[str, VirtualHost] = {}
        for table in self._attached(proxy, listener):
            if table.level != "http":
                continue
            routes = self._resolver.http(proxy.scope, table.rules, listener.port)
            for domain in _named(listener, table, table.hosts):
                host = VirtualHost(f"{domain}:{listener.port}", (domain,), routes, listener.https_redirect)
                found[domain] = _append(found[domain], host) if domain in found else host
        for domain in _hosts(listener) if listener.https_redirect else ():
            found.setdefault(domain, VirtualHost(f"{domain}:{listener.port}", (domain,), (), True))
        yield from found.values()


def opened_port(port: int, first: int) -> int:
    """The port that a gateway opens in the place of one: the next that it may, for those below the `first`."""
    return port if port >= first else port + RAISED_BY


def plain_route(port: int, bind: str) -> str:
    """The route table that all plain HTTP servers of a port share: `http.8080`, with the bind address if any.

    `port` is the one that the proxy listens on: servers of several ports may meet there.
    """
    return f"http.{port}.{bind}" if bind else f"http.{port}"


def tls_route(listener: Listener) -> str:
    """The route table of one TLS server: `https.443.<server>.<gateway>.<namespace>`."""
    base = f"https.{listener.port}.{listener.name}.{listener.gateway.name}.{listener.gateway.namespace}"
    return f"{base}.{listener.bind}" if listener.bind else base


def _terminates_http(listener: Listener) -> bool:
    if listener.tls is None:
        return is_http(listener.protocol)
    return _decrypts(listener.tls) and listener.protocol not in ("tcp", "tls")


def _decrypts(tls: Tls) -> bool:
    return not tls.mode.startswith("passthrough")


def _hosts(listener: Listener) -> tuple[str, ...]:
    return tuple(dict.fromkeys(pattern.partition("/")[2] for pattern in listener.hosts))


def _meet(listener: Listener, table: RouteTable, host: str) -> tuple[str, ...]:
    """Where a table's host and a listener's hosts meet, for tables of namespaces that may bind to the listener."""
    meeting = []
    for pattern in listener.hosts:
        namespace, _, allowed = pattern.partition("/")
        common = intersect_hosts(host, allowed)
        if namespace in ("*", table.source.namespace) and common is not None:
            meeting.append(common)
    return tuple(meeting)


def _named(listener: Listener, table: RouteTable, hosts: Iterable[str]) -> tuple[str, ...]:
    """All that `_meet` yields for some hosts, each once."""
    return tuple(dict.fromkeys(common for host in hosts for common in _meet(listener, table, host)))


def _append(first: VirtualHost, second: VirtualHost) -> VirtualHost:
    return msgspec.structs.replace(
        first,
        routes=tuple(dict.fromkeys(first.routes + second.routes)),
        https_redirect=first.https_redirect or second.https_redirect,
    )


def _ordered(host: VirtualHost) -> VirtualHost:
    """The host with what takes every request last: routes of several objects may follow each other here (Istio)."""
    narrow = [route for route in host.routes if route.rule.matches is not None]
    general = [route for route in host.routes if route.rule.matches is None]
    return msgspec.structs.replace(host, routes=(*narrow, *general[:1]))
