"""Objects that speak of a service by a name that is only another name for it."""

from collections.abc import Iterator

from weft.analyze.common import each
from weft.base.issues import Issue, Ref
from weft.ir.routing import RouteTable
from weft.ir.traffic import TrafficPolicy
from weft.mesh.fragments import Fragments
from weft.mesh.reader import Mesh
from weft.mesh.routes import MESH
from weft.model.codes import INEFFECTIVE


def settings_of_aliases(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """IST0133: routes or settings for an ExternalName; its requests are those of the service that it names.

    Source: Istio 1.21, upgrade notes: neither VirtualServices nor DestinationRules of such a host count any more.
    """
    for ref, path, namespace, host in _statements(fragments):
        service = mesh.inventory.meant(namespace, host)
        if service is not None and service.host != host:
            yield Issue(
                INEFFECTIVE,
                "warning",
                ref,
                path,
                f"{host} is another name for {service.host}",
                effect="what the object says of it is not used: its requests are those of the service",
                advice=f"write {service.host}",
            )


def _statements(fragments: Fragments) -> Iterator[tuple[Ref, str, str, str]]:
    """The hosts that policies and routes are for, each with its object, the path in it, and the object's namespace."""
    for ref, policy in each(fragments, TrafficPolicy):
        yield ref, "spec.host", policy.source.namespace, policy.host
    for ref, table in each(fragments, RouteTable):
        for host in table.hosts if table.attach.kind in MESH else ():
            yield ref, "spec.hosts", table.source.namespace, host
