"""Policies that are in force in another way than their authors may think."""

from collections.abc import Iterator

from weft.analyze.common import each
from weft.base.issues import Issue, Ref
from weft.ir.access import Authentication, Authorization
from weft.ir.inventory import Workload
from weft.ir.settings import ProxyKey
from weft.mesh.access.authorization import rules_about_requests
from weft.mesh.access.coverage import age, covers
from weft.mesh.fragments import Fragments
from weft.mesh.names import is_http
from weft.mesh.reader import Mesh
from weft.model.codes import OVERRULED, REQUEST_RULE_ON_BYTES


def request_rules_on_bytes(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """WEFT0305: a rule about requests selects a workload with a port that serves bytes (A9)."""
    classes = dict.fromkeys(_classes(fragments, mesh))
    streams = {key.server: ports for key in classes if (ports := _stream_ports(mesh, key))}
    for ref, authorization in each(fragments, Authorization):
        covered = (found for server, found in streams.items() if covers(authorization.target, server))
        served = sorted({port for found in covered for port in found})
        if not served:
            continue
        for rule in rules_about_requests((authorization,)):
            widened = rule.unparsed == "widen"
            yield Issue(
                REQUEST_RULE_ON_BYTES,
                "warning",
                ref,
                rule.source.path,
                f"the rule is about requests, but port {', '.join(map(str, served))} serves bytes that are not HTTP",
                effect="there it holds for every connection that the rest of it fits"
                if widened
                else "there it never holds",
                advice="name the ports that the rule is for, or declare the service's port as HTTP",
            )


def overruled_authentications(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """WEFT0501: of several objects at one level the oldest alone says how peers prove who they are (I5)."""
    whole = ((ref, found) for ref, found in each(fragments, Authentication) if found.port is None)
    by_age = sorted(whole, key=lambda item: age(item[1].source))
    told: dict[Ref, Authentication] = {}
    for key in dict.fromkeys(_classes(fragments, mesh)):
        oldest: dict[tuple[str, str], Authentication] = {}
        for ref, authentication in by_age:
            if covers(authentication.target, key.server):
                level = (authentication.target.kind, authentication.source.kind)
                first = oldest.setdefault(level, authentication)
                if first is not authentication:
                    told.setdefault(ref, first)
    yield from (_overruled(ref, first) for ref, first in told.items())


def _overruled(ref: Ref, oldest: Authentication) -> Issue:
    source = oldest.source
    return Issue(
        OVERRULED,
        "warning",
        ref,
        "spec",
        f"{source.kind} {source.namespace}/{source.name} is for the same workloads, and older",
        effect="this object is not used where both select",
        advice="merge the two objects into one",
    )


def _classes(fragments: Fragments, mesh: Mesh) -> Iterator[ProxyKey]:
    """The proxies that enforce what is in force at their workloads: gateways and sidecars."""
    for _, workload in each(fragments, Workload):
        if workload.mode == "none":
            continue
        edge = mesh.key(workload, "edge")
        yield edge if mesh.gateway_listeners(edge) else mesh.key(workload, "own")


def _stream_ports(mesh: Mesh, key: ProxyKey) -> tuple[int, ...]:
    """Ports that are declared to be no HTTP; those whose protocol is detected may be."""
    if key.scope.role == "edge":
        listeners = mesh.gateway_listeners(key)
        return tuple(each.port for each in listeners if any(server.kind == "stream" for server in each.servers))
    ports = mesh.inbound(key.server).ports
    return tuple(port.port for port in ports if port.protocol != "detect" and not is_http(port.protocol))
