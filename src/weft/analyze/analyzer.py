"""All checks across objects, over one state of the mesh."""

from collections.abc import Callable, Iterator

from weft.analyze import access, aliases, gateways, interception, routes, selectors, services, traffic
from weft.base.issues import Issue
from weft.graph.tables import Derived
from weft.mesh.fragments import Fragments
from weft.mesh.reader import Mesh

Check = Callable[[Fragments, Mesh], Iterator[Issue]]

CHECKS: tuple[Check, ...] = (
    routes.missing_destinations,
    routes.ambiguous_ports,
    routes.missing_gateways,
    routes.hosts_owned_twice,
    traffic.unknown_hosts,
    traffic.empty_subsets,
    traffic.overruled_policies,
    services.bytes_without_address,
    services.shared_ports,
    services.nearness,
    aliases.settings_of_aliases,
    gateways.conflicting_servers,
    gateways.missing_credentials,
    selectors.selectors_without_workloads,
    access.request_rules_on_bytes,
    access.overruled_authentications,
    interception.unenforced_authentications,
    interception.uncaptured_ports,
    interception.raised_ports,
)


class Analysis:
    """Everything that is wrong between objects; what is wrong inside one is in `Fragments.issues`.

    Each check runs when somebody asks, and again only after something changed that it had read.
    """

    def __init__(self, fragments: Fragments, mesh: Mesh) -> None:
        graph = fragments.graph
        self._found: Derived[Check, tuple[Issue, ...]] = Derived(
            graph, "issues across objects", lambda check: tuple(check(fragments, mesh))
        )
        for check in CHECKS:
            graph.pin(self._found.node(check))

    def issues(self) -> tuple[Issue, ...]:
        """All issues, sorted by object."""
        found = (issue for check in CHECKS for issue in self._found.get(check))
        return tuple(sorted(dict.fromkeys(found), key=lambda i: (str(i.ref), i.code, i.path, i.message)))
