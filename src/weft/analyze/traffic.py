"""Traffic policies for nobody."""

from collections.abc import Iterator

from weft.analyze.common import each
from weft.base.issues import Issue
from weft.ir.settings import ProxyScope
from weft.ir.traffic import TrafficPolicy, TrafficSettings
from weft.ir.values import Selector
from weft.mesh.fragments import Fragments
from weft.mesh.matching import host_matches
from weft.mesh.reader import Mesh
from weft.mesh.traffic import unite
from weft.model.codes import OVERRULED


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
        if service is None or service.resolution != "endpoints" or not service.ports:
            continue
        for subset in policy.subsets:
            if not any(mesh.endpoint_table.of(service, port, subset) for port in service.ports):
                yield Issue(
                    "IST0173",
                    "error",
                    ref,
                    "spec.subsets",
                    f"subset {subset.name!r} selects no pods",
                    effect="requests to the subset are answered with 503 (no healthy upstream)",
                    advice="compare the subset's labels with the labels of the pods",
                )


def overruled_policies(fragments: Fragments, _: Mesh) -> Iterator[Issue]:
    """WEFT0501: an older policy for the same host and clients states what this one does (T1)."""
    oldest: dict[tuple[str, str, Selector | None], TrafficPolicy] = {}
    by_age = sorted(each(fragments, TrafficPolicy), key=lambda item: (item[1].source.created, item[1].source.name))
    for ref, policy in by_age:
        key = (policy.source.namespace, policy.host, policy.clients)
        first = oldest.setdefault(key, policy)
        lost = _lost(policy, first) if first is not policy else ""
        if lost:
            name = f"{first.source.kind} {first.source.namespace}/{first.source.name}"
            yield Issue(
                OVERRULED,
                "warning",
                ref,
                "spec",
                f"{name} is for host {policy.host!r} too, and older",
                effect=f"not used of this object: {lost}",
                advice="merge the two objects into one",
            )
        if first is not policy and policy.visible_to == first.visible_to:
            oldest[key] = unite((first, policy))


def _lost(policy: TrafficPolicy, first: TrafficPolicy) -> str:
    """What of a policy is not used beside an older one; nothing where all of it is."""
    if policy.visible_to != first.visible_to:
        return "all of it, where both are exported to"
    known = {subset.name for subset in first.subsets}
    parts = [f"subset {subset.name!r}" for subset in policy.subsets if subset.name in known]
    if _says_something(policy) and _says_something(first):
        parts.append("the traffic policy")
    return ", ".join(parts)


def _says_something(policy: TrafficPolicy) -> bool:
    return policy.settings != TrafficSettings() or bool(policy.port_settings)
