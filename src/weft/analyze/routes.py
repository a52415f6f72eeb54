"""Routes that lead nowhere, hang on nothing, or are never used."""

from collections.abc import Iterator

from weft.analyze.common import each
from weft.base.issues import Issue, Ref
from weft.ir.edge import Gateway
from weft.ir.routing import Backend, RouteRule, RouteTable
from weft.ir.settings import ProxyScope
from weft.mesh.fragments import Fragments
from weft.mesh.reader import Mesh


def missing_destinations(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """IST0101: a destination's host, port or subset does not exist."""
    for ref, table in each(fragments, RouteTable):
        scope = ProxyScope(role="edge", namespace=table.source.namespace)
        for rule in table.rules:
            for backend in _backends(rule):
                problem = _missing(mesh, scope, backend)
                if problem is not None:
                    yield _not_found(ref, rule, problem)


def _backends(rule: RouteRule) -> Iterator[Backend]:
    yield from rule.backends
    yield from (backend for backend, _ in rule.mirrors)


def _missing(mesh: Mesh, scope: ProxyScope, backend: Backend) -> str | None:
    service = mesh.inventory.meant(scope.namespace, backend.host)
    if backend.broken:
        return None
    if service is None:
        return f"host {backend.host!r}"
    if backend.port is not None and all(port.number != backend.port for port in service.ports):
        ports = ", ".join(str(port.number) for port in service.ports)
        return f"port {backend.port} of host {backend.host!r} (it has {ports or 'none'})"
    if backend.subset and backend.subset not in mesh.subset_names(scope, service):
        known = ", ".join(mesh.subset_names(scope, service))
        return f"subset {backend.subset!r} of host {backend.host!r} (known: {known or 'none'})"
    return None


def _not_found(ref: Ref, rule: RouteRule, problem: str) -> Issue:
    return Issue(
        "IST0101",
        "error",
        ref,
        rule.source.path,
        f"the referenced {problem} was not found",
        effect="requests for this destination are answered with 503",
        advice="correct the name, or create what it names (a Service, a ServiceEntry, a subset in a DestinationRule)",
    )


def ambiguous_ports(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """IST0112: a destination has several ports, and the rule names none; what was called may be none of them."""
    for ref, table in each(fragments, RouteTable):
        for rule in table.rules:
            for backend in _backends(rule):
                service = mesh.inventory.meant(table.source.namespace, backend.host)
                called = table.attach.kind not in ("gateway", "listener") and backend.host in table.hosts
                if backend.port is None and not called and service is not None and len(service.ports) > 1:
                    ports = ", ".join(str(port.number) for port in service.ports)
                    yield Issue(
                        "IST0112",
                        "error",
                        ref,
                        rule.source.path,
                        f"host {backend.host!r} has the ports {ports}, and the destination names none",
                        effect="requests go to the port that was called; where the service has no such port they fail",
                        advice="state destination.port.number",
                    )


def missing_gateways(fragments: Fragments, _: Mesh) -> Iterator[Issue]:
    """IST0101: the gateway that a route binds to does not exist."""
    known = {(gateway.source.namespace, gateway.source.name) for _, gateway in each(fragments, Gateway)}
    for ref, table in each(fragments, RouteTable):
        attach = table.attach
        if attach.kind == "gateway" and (attach.namespace, attach.name) not in known:
            yield Issue(
                "IST0101",
                "error",
                ref,
                "spec.gateways",
                f"the referenced gateway {attach.namespace + '/' + attach.name!r} was not found",
                effect="the routes are not used at a gateway",
                advice="correct the name (`namespace/name` for another namespace), or create the Gateway",
            )


def hosts_owned_twice(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """IST0109: another object owns the host for the same clients; this one is not used there."""
    for ref, table in each(fragments, RouteTable):
        if table.attach.kind not in ("service", "mesh"):
            continue
        scope = ProxyScope(role="edge", namespace=table.source.namespace)
        for host in table.hosts:
            owner = mesh.route_owner(scope, host, table.level)
            if owner is not None and owner.source != table.source and host in owner.hosts:
                yield Issue(
                    "IST0109",
                    "error",
                    ref,
                    "spec.hosts",
                    f"host {host!r} is already routed by {owner.source.kind} "
                    f"{owner.source.namespace}/{owner.source.name}, which is older",
                    effect="the routes of this object are not used for that host",
                    advice="merge the two objects into one",
                )
