"""Traffic policies for nobody."""

from collections.abc import Iterator

from weft.analyze.common import each
from weft.base.issues import Issue
from weft.ir.settings import ProxyScope
from weft.ir.traffic import TrafficPolicy
from weft.mesh.fragments import Fragments
from weft.mesh.matching import host_matches
from weft.mesh.names import outbound_cluster
from weft.mesh.reader import Mesh


def unknown_hosts(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """IST0174: a policy names a host that no service has."""
    hosts = mesh.inventory.hosts()
    for ref, policy in each(fragments, TrafficPolicy):
        if not any(host_matches(policy.host, host) for host in hosts):
            yield Issue(
                "IST0174",
                "warning",
                ref,
                "spec.host",
                f"no service in the mesh has the host {policy.host!r}",
                effect="the object is not used",
                advice="correct the host, or create the Service or ServiceEntry",
            )


def empty_subsets(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """IST0173: a subset selects no endpoint, so that its requests are answered with 503."""
    for ref, policy in each(fragments, TrafficPolicy):
        scope = ProxyScope(role="edge", namespace=policy.source.namespace)
        service = mesh.inventory.service(scope.namespace, policy.host)
        if service is None or service.resolution != "endpoints":
            continue
        for subset in policy.subsets:
            names = [outbound_cluster(port.number, subset.name, service.host) for port in service.ports]
            found = [mesh.endpoints(scope, name) for name in names]
            if found and not any(each is not None and each.groups for each in found):
                yield Issue(
                    "IST0173",
                    "error",
                    ref,
                    "spec.subsets",
                    f"subset {subset.name!r} selects no pods",
                    effect="requests to the subset are answered with 503 (no healthy upstream)",
                    advice="compare the subset's labels with the labels of the pods",
                )
