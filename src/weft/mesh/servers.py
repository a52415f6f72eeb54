"""The server side of a class of workloads: which ports it serves, who must prove who they are, and who may call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from msgspec import Struct, structs

from weft.base.issues import Ref
from weft.dialects.compiled import Compiled
from weft.graph.buckets import Index
from weft.graph.tables import Derived
from weft.ir.access import Authentication, Authorization, InboundServer, MutualMode
from weft.ir.inventory import Service, ServicePort
from weft.ir.settings import MeshSettings, WorkloadClass
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Protocol
from weft.ir.view import Inbound, InboundPort
from weft.mesh.access.authentication import mutual_mode, ports_with_modes
from weft.mesh.access.authorization import authorizations_for
from weft.mesh.access.coverage import covers
from weft.mesh.fragments import Fragments
from weft.mesh.inventory import Inventory

F = TypeVar("F")
OTHER_PORT = 0
_OWN_HOSTS = frozenset({"0.0.0.0", "127.0.0.1", "[::]", "[::1]"})


class _Served(Struct, frozen=True, kw_only=True):
    """A port before its mode and policies are known."""

    number: int
    protocol: Protocol
    service: str = ""
    name: str = ""
    pool: TrafficSettings | None = None
    forward_to: str | None = None


class Servers:
    """Inbound sides, per class of workloads."""

    def __init__(self, fragments: Fragments, inventory: Inventory, settings: Derived[None, MeshSettings]) -> None:
        graph = fragments.graph
        self._fragments = fragments
        self._inventory = inventory
        self._settings = settings
        self._authentications = fragments.index("authentications by namespace", _target_namespace, Authentication)
        self._authorizations = fragments.index("authorizations by namespace", _target_namespace, Authorization)
        self._inbound_servers = fragments.index("inbound servers by namespace", _target_namespace, InboundServer)
        self._inbound: Derived[WorkloadClass, Inbound] = Derived(graph, "inbound", self._build)
        self._at_address: Derived[WorkloadClass, Inbound] = Derived(graph, "inbound at address", self._build_at_address)
        self._mutual: Derived[tuple[WorkloadClass, int], MutualMode] = Derived(
            graph, "mutual TLS of port", self._find_mutual
        )
        self._in_force: Derived[WorkloadClass, tuple[Authorization, ...]] = Derived(
            graph, "authorizations of class", self._find_authorizations
        )

    def inbound(self, server: WorkloadClass) -> Inbound:
        """The server side of workloads of a class."""
        return self._at_address.get(server) if server.interception == "none" else self._inbound.get(server)

    def authorizations(self, server: WorkloadClass) -> tuple[Authorization, ...]:
        """All authorizations in force at workloads of a class, in order of evaluation."""
        return self._in_force.get(_anywhere(server))

    def mutual(self, server: WorkloadClass, port: int) -> MutualMode:
        """How a port of workloads of a class takes mutual TLS."""
        return self._mutual.get((_anywhere(server), port))

    def _find_mutual(self, key: tuple[WorkloadClass, int]) -> MutualMode:
        server, port = key
        return mutual_mode(tuple(self._in_scope(self._authentications, server, Authentication)), server, port)

    def _build(self, server: WorkloadClass) -> Inbound:
        settings = self._settings.get(None)
        authentications = tuple(self._in_scope(self._authentications, server, Authentication))
        declared = self._declared(server)
        ports = {port.number: port for port in (self._stated(declared) or self._from_services(server))}
        for number in ports_with_modes(authentications, server):
            ports.setdefault(number, _Served(number=number, protocol="detect"))
        pool = next((each.pool for each in declared if each.port is None), None)
        inbound = [
            self._port(served, mutual_mode(authentications, server, number), server, pool)
            for number, served in sorted(ports.items())
        ]
        other = self._port(
            _Served(number=OTHER_PORT, protocol="detect"), mutual_mode(authentications, server, None), server, pool
        )
        domain = settings.trust_domain
        return Inbound(
            ports=tuple(inbound),
            other=other,
            trust_domains=(domain.name, *domain.aliases),
            interception=server.interception,
            families=server.families,
        )

    def _build_at_address(self, server: WorkloadClass) -> Inbound:
        """The same for a workload that nothing is captured for: the proxy has to be told where the application is."""
        shared = self._inbound.get(_anywhere(server))
        ports = tuple(structs.replace(port, forward_to=_target(port, server.application)) for port in shared.ports)
        return structs.replace(shared, ports=ports, address=server.address)

    def _port(
        self, served: _Served, mutual: MutualMode, server: WorkloadClass, pool: TrafficSettings | None
    ) -> InboundPort:
        return InboundPort(
            port=served.number,
            protocol=served.protocol,
            mutual=mutual,
            authorizations=self.authorizations(server),
            service=served.service,
            name=served.name,
            pool=served.pool or pool,
            forward_to=served.forward_to,
            families=server.families,
        )

    def _declared(self, server: WorkloadClass) -> list[InboundServer]:
        """What an author says of the workload as a server: of several objects the one of lowest rank counts."""
        found = [
            each
            for each in self._fragments.of(self._inbound_servers.get(server.namespace), InboundServer)
            if covers(each.target, server)
        ]
        narrow = [each for each in found if each.target.kind == "workloads"] or found
        rank = min((each.rank for each in narrow), default=())
        return [each for each in narrow if each.rank == rank]

    @staticmethod
    def _stated(declared: list[InboundServer]) -> list[_Served]:
        """Ports that are declared one by one: then there are no others (Istio, Sidecar.ingress)."""
        return [
            _Served(number=each.port, protocol=each.protocol, pool=each.pool, forward_to=each.forward_to)
            for each in declared
            if isinstance(each.port, int)
        ]

    def _from_services(self, server: WorkloadClass) -> Iterator[_Served]:
        seen: set[int] = set()
        for service, port, number in self._served(server):
            if number not in seen:
                seen.add(number)
                yield _Served(number=number, protocol=port.protocol, service=service.host, name=port.name)

    def _served(self, server: WorkloadClass) -> Iterator[tuple[Service, ServicePort, int]]:
        """Every port that services lead to, oldest service first: it decides the protocol of a shared port."""
        for service in self._inventory.services_over(server):
            for port in service.ports:
                number = port.target if isinstance(port.target, int) else _named(server, port.target)
                if number is not None and port.protocol != "udp":
                    yield service, port, number

    def _find_authorizations(self, server: WorkloadClass) -> tuple[Authorization, ...]:
        found = tuple(self._in_scope(self._authorizations, server, Authorization))
        return authorizations_for(found, server)

    def _in_scope(self, index: Index[Ref, Compiled, str], server: WorkloadClass, kind: type[F]) -> Iterator[F]:
        root = self._settings.get(None).root_namespace
        for namespace in dict.fromkeys(("", root, server.namespace)):
            yield from self._fragments.of(index.get(namespace), kind)


def _anywhere(server: WorkloadClass) -> WorkloadClass:
    """The class without its own addresses, which decide nothing about policies: those are found once for replicas."""
    return structs.replace(server, address="", application="") if server.address else server


def _target(port: InboundPort, application: str) -> str:
    """Where the application listens. An author's `127.0.0.1` is the pod's own loopback: the application's address."""
    host, _, number = (port.forward_to or f"0.0.0.0:{port.port}").rpartition(":")
    own = f"[{application}]" if ":" in application else application
    return f"{own}:{number}" if host in _OWN_HOSTS else f"{host}:{number}"


def _named(server: WorkloadClass, name: str) -> int | None:
    return next((number for port, number, transport in server.ports if (port, transport) == (name, "tcp")), None)


def _target_namespace(fragment: Authentication | Authorization | InboundServer) -> tuple[str]:
    return (fragment.target.namespace,)
