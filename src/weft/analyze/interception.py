"""What can't hold where nothing is redirected to proxies, or where gateways have no privilege."""

from collections.abc import Iterator
from typing import Final

from weft.analyze.common import each
from weft.base.issues import Issue
from weft.envoy.names import OWN_PORTS
from weft.ir.access import Authentication
from weft.ir.edge import Listener
from weft.ir.inventory import Service, ServicePort, Workload
from weft.mesh.access.coverage import covers
from weft.mesh.fragments import Fragments
from weft.mesh.gateways import opened_port
from weft.mesh.http_proxy import takes_requests
from weft.mesh.inventory import class_of
from weft.mesh.reader import Mesh
from weft.model.codes import PAST_PROXY, RAISED_PORT, UNCAPTURED_PORT

_ADVICE: Final = "isolation netns or userns redirects everything"
_TUNNELLED: Final = (
    "port {} does not serve HTTP, and nothing else is led to proxies by itself",
    "clients reach it if they ask their http_proxy for a tunnel (CONNECT), and not by its name or address",
)
_UNREACHABLE: Final = ("port {} serves UDP, and HTTP proxies lead to TCP only", "clients can't reach it by its service")
_OWN: Final = ("pods serve port {} on port {}, which is one of Envoy's own", "clients can't reach it by its service")


def unenforced_authentications(fragments: Fragments, _: Mesh) -> Iterator[Issue]:
    """WEFT0306: mutual TLS is required at workloads that can be called past their proxies."""
    servers = {class_of(workload) for workload in _uncaptured(fragments)}
    for ref, found in each(fragments, Authentication):
        if found.mutual == "require" and any(covers(found.target, server) for server in servers):
            yield Issue(
                PAST_PROXY,
                "warning",
                ref,
                "spec",
                "mutual TLS can't be enforced: nothing is redirected to the proxies of these workloads",
                effect="proxies ask for it at their addresses; who calls an application at its own one is not asked",
                advice=_ADVICE,
            )


def uncaptured_ports(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """WEFT0503: a service has ports that requests to an HTTP proxy do not lead to."""
    hidden = {workload.uid for workload in _uncaptured(fragments)}
    for ref, service in each(fragments, Service) if hidden else ():
        members = mesh.inventory.members(service.members) if service.members is not None else ()
        if any(workload.uid in hidden for workload in members):
            for message, effect in filter(None, map(_problem, service.ports)):
                yield Issue(UNCAPTURED_PORT, "info", ref, "spec.ports", message, effect=effect, advice=_ADVICE)


def raised_ports(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """WEFT0504: a gateway listens on another port than its server states, as it may not open that."""
    first = mesh.settings().first_gateway_port
    for ref, listener in each(fragments, Listener):
        if listener.port < first:
            yield Issue(
                RAISED_PORT,
                "info",
                ref,
                listener.source.path,
                f"port {listener.port} can't be opened here: ports below {first} are for root",
                effect=f"the gateway listens on port {opened_port(listener.port, first)} instead",
                advice="call that port, or start the mesh as root",
            )


def _uncaptured(fragments: Fragments) -> Iterator[Workload]:
    return (workload for _, workload in each(fragments, Workload) if workload.interception == "none")


def _problem(port: ServicePort) -> tuple[str, str] | None:
    if port.protocol == "udp":
        message, effect = _UNREACHABLE
        return message.format(port.number), effect
    if port.target in OWN_PORTS:
        message, effect = _OWN
        return message.format(port.number, port.target), effect
    if not takes_requests(port):
        message, effect = _TUNNELLED
        return message.format(port.number), effect
    return None
