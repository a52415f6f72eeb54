"""The server side of a class of workloads: which ports it serves, who must prove who they are, and who may call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from weft.base.issues import Ref
from weft.dialects.compiled import Compiled
from weft.graph.collections import Index
from weft.graph.tables import Derived
from weft.ir.access import Authentication, Authorization
from weft.ir.inventory import Service, ServicePort
from weft.ir.settings import MeshSettings, WorkloadClass
from weft.ir.view import Inbound, InboundPort
from weft.mesh.access.authentication import mutual_mode, ports_with_modes
from weft.mesh.access.authorization import authorizations_for
from weft.mesh.fragments import Fragments
from weft.mesh.inventory import Inventory
from weft.mesh.matching import selects

F = TypeVar("F")
OTHER_PORT = 0


class Servers:
    """Inbound sides, per class of workloads."""

    def __init__(self, fragments: Fragments, inventory: Inventory, settings: Derived[None, MeshSettings]) -> None:
        graph = fragments.graph
        self._fragments = fragments
        self._inventory = inventory
        self._settings = settings
        self._authentications: Index[Ref, Compiled, str] = Index(
            graph, "authentications by namespace", fragments.compiled, _authentication_namespaces
        )
        self._authorizations: Index[Ref, Compiled, str] = Index(
            graph, "authorizations by namespace", fragments.compiled, _authorization_namespaces
        )
        self._inbound: Derived[WorkloadClass, Inbound] = Derived(graph, "inbound", self._build)
        self._in_force: Derived[WorkloadClass, tuple[Authorization, ...]] = Derived(
            graph, "authorizations of class", self._find_authorizations
        )

    def inbound(self, server: WorkloadClass) -> Inbound:
        """The server side of workloads of a class."""
        return self._inbound.get(server)

    def authorizations(self, server: WorkloadClass) -> tuple[Authorization, ...]:
        """All authorizations in force at workloads of a class, in order of evaluation."""
        return self._in_force.get(server)

    def _build(self, server: WorkloadClass) -> Inbound:
        settings = self._settings.get(None)
        authentications = tuple(self._in_scope(self._authentications, server, Authentication))
        authorizations = self.authorizations(server)
        ports: dict[int, InboundPort] = {}
        for service, port, number in self._served(server):
            served = InboundPort(
                port=number,
                protocol=port.protocol,
                mutual=mutual_mode(authentications, server, number),
                authorizations=authorizations,
                service=service.host,
                name=port.name,
            )
            ports.setdefault(number, served)
        for number in ports_with_modes(authentications, server):
            mode = mutual_mode(authentications, server, number)
            undeclared = InboundPort(port=number, protocol="detect", mutual=mode, authorizations=authorizations)
            ports.setdefault(number, undeclared)
        other = InboundPort(
            port=OTHER_PORT,
            protocol="detect",
            mutual=mutual_mode(authentications, server, None),
            authorizations=authorizations,
        )
        domain = settings.trust_domain
        return Inbound(
            ports=tuple(ports[number] for number in sorted(ports)),
            other=other,
            trust_domains=(domain.name, *domain.aliases),
        )

    def _served(self, server: WorkloadClass) -> Iterator[tuple[Service, ServicePort, int]]:
        """Every port that services lead to, oldest service first: it decides the protocol of a shared port."""
        services = sorted(self._inventory.services_in(server.namespace), key=lambda s: (s.source.created, s.host))
        for service in services:
            if service.members is None or not selects(service.members, server.namespace, server.labels):
                continue
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


def _named(server: WorkloadClass, name: str) -> int | None:
    return next((number for port, number, _ in server.ports if port == name), None)


def _authentication_namespaces(_: Ref, compiled: Compiled) -> Iterator[str]:
    return (f.target.namespace for f in compiled.fragments if isinstance(f, Authentication))


def _authorization_namespaces(_: Ref, compiled: Compiled) -> Iterator[str]:
    return (f.target.namespace for f in compiled.fragments if isinstance(f, Authorization))
