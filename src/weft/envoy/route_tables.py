"""Route tables as graph nodes, in the two forms in which they travel.

A table that services share is told in parts: a frame by RDS, and each virtual host by VHDS ("Virtual Host Discovery
Service" in Envoy's documentation). A change of one host then costs that host, whatever else is in the table. All other
tables, and all tables for whoever asks for them whole, have their hosts inside.

The host for all other hosts comes by VHDS, too: so no table is ever without an answer to its first question, and a host
for every name takes its place in one response.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from weft.base.protobuf import serialize
from weft.base.wire import bytes_field, string_field
from weft.envoy.built import BuildFailure, Built, Contents, built, built_bytes, by_name
from weft.envoy.names import local_domains
from weft.envoy.rbac.http import route_access
from weft.envoy.resource import resource
from weft.envoy.route.route import OPEN
from weft.envoy.route_configuration import VIRTUAL_HOSTS_FIELD, frame, has_catch_all
from weft.envoy.type_urls import RDS, VHDS
from weft.envoy.virtual_host import fallback_host, host_bytes
from weft.graph.core import Graph
from weft.graph.tables import Derived
from weft.ir import view
from weft.ir.access import Authorization
from weft.ir.settings import ProxyKey, ProxyScope

Owner = ProxyScope | ProxyKey
"""Whose table: sidecars of a scope share theirs, a gateway's depend on which gateway it is."""

Policies = tuple[Authorization, ...]
HostBytes = bytes | BuildFailure

_NAME_FIELD: Final = 1


class RouteTables:
    """The tables of scopes and gateways, each virtual host built once per distinct value."""

    def __init__(self, graph: Graph, mesh: view.MeshReader) -> None:
        self._mesh = mesh
        self.hosts: Derived[tuple[view.VirtualHost, Policies], HostBytes] = Derived(
            graph, "virtual host bytes", lambda key: self._build_host(*key)
        )
        self._host: Derived[tuple[str, view.VirtualHost], Built] = Derived(
            graph, "virtual host resource", self._build_shared_host
        )
        self._fallback: Derived[tuple[str, view.Fallback], Built | None] = Derived(
            graph, "fallback host resource", self._build_fallback
        )
        self._frame: Derived[tuple[str, bool], Built] = Derived(graph, "route frame resource", self._build_frame)
        self._whole: Derived[tuple[Owner, str], Built | None] = Derived(graph, "route resource", self._build_whole)

    def tables(self, owner: Owner) -> Iterator[Built]:
        """What RDS tells: frames of shared tables, and all others whole."""
        for name in self._names(owner):
            table, _ = self._find(owner, name)
            if table is not None:
                found = self._frame.get((name, table.by_port)) if table.shared else self._whole.get((owner, name))
                yield from (found,) if found is not None else ()

    def shared_hosts(self, owner: Owner) -> Iterator[Built]:
        """What VHDS tells: the virtual hosts of shared tables."""
        for name in self._names(owner):
            table, _ = self._find(owner, name)
            if table is not None and table.shared:
                yield from (self._host.get((name, host)) for host in table.hosts)
                if not has_catch_all(table) and (fallback := self._fallback.get((name, table.fallback))) is not None:
                    yield fallback

    def own_hosts(self, scope: ProxyScope) -> tuple[Built, ...] | None:
        """Those of `shared_hosts` that the common scope has otherwise; None where all are its own."""
        found = self._mesh.own_hosts(scope)
        return tuple(self._host.get(each) for each in found) if found is not None else None

    def whole(self, owner: Owner) -> Contents:
        """All tables with their hosts inside."""
        found = (self._whole.get((owner, name)) for name in self._names(owner))
        return by_name(each for each in found if each is not None)

    def failures(self, owner: Owner) -> Iterator[BuildFailure]:
        """The virtual hosts of whole tables that could not be built (as `host:port`); those of shared ones are with
        `shared_hosts`.
        """
        for name in self._names(owner):
            table, policies = self._find(owner, name)
            for host in table.hosts if table is not None and not table.shared else ():
                found = self.hosts.get((host, policies))
                if isinstance(found, BuildFailure):
                    yield found

    def _names(self, owner: Owner) -> tuple[str, ...]:
        if isinstance(owner, ProxyKey):
            return self._mesh.gateway_route_names(owner)
        return self._mesh.route_names(owner)

    def _find(self, owner: Owner, name: str) -> tuple[view.RouteConfiguration | None, Policies]:
        if not isinstance(owner, ProxyKey):
            return self._mesh.routes(owner, name), ()
        policies = next((each.authorizations for each in self._mesh.gateway_listeners(owner)), ())
        return self._mesh.gateway_routes(owner, name), policies

    # ---- bytes -------------------------------------------------------------------------------------------------
    def _build_host(self, host: view.VirtualHost, policies: Policies) -> HostBytes:
        access = route_access(policies, local_domains(self._mesh.settings())) if policies else OPEN
        return built_bytes(RDS, host.name, lambda: host_bytes(host, access))

    def _build_shared_host(self, key: tuple[str, view.VirtualHost]) -> Built:
        table, host = key
        found = self._build_host(host, ())
        return found if isinstance(found, BuildFailure) else _shared_host(table, host.name, found)

    def _build_fallback(self, key: tuple[str, view.Fallback]) -> Built | None:
        table, fallback = key
        host: Any = fallback_host(fallback)
        return _shared_host(table, host.name, serialize(host)) if host is not None else None

    def _build_frame(self, key: tuple[str, bool]) -> Built:
        name, by_port = key
        return built(RDS, name, lambda: serialize(frame(name, by_port=by_port, in_parts=True)))

    def _build_whole(self, key: tuple[Owner, str]) -> Built | None:
        owner, name = key
        table, policies = self._find(owner, name)
        return built(RDS, name, lambda: b"".join(self._joined(table, policies))) if table is not None else None

    def _joined(self, table: view.RouteConfiguration, policies: Policies) -> Iterator[bytes]:
        """A table's bytes: its frame, then its hosts, each serialized alone (protobuf merges concatenated messages)."""
        yield serialize(frame(table.name, by_port=table.by_port))
        for host in table.hosts:
            found = self.hosts.get((host, policies))
            if isinstance(found, bytes):
                yield bytes_field(VIRTUAL_HOSTS_FIELD, found)
        fallback = None if has_catch_all(table) else fallback_host(table.fallback)
        if fallback is not None:
            yield bytes_field(VIRTUAL_HOSTS_FIELD, serialize(fallback))


def _shared_host(table: str, name: str, host: bytes) -> Built:
    """A virtual host by its name in a table, which its message must have too: else it could never be removed.

    Of two values of a field the last one counts (protobuf.dev/programming-guides/encoding), so the bytes need not be
    made again.
    """
    full_name = f"{table}/{name}"
    return resource(VHDS, full_name, host + string_field(_NAME_FIELD, full_name))
