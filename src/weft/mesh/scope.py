"""What a client may see: services and routes in its scope, and what happens to everything else.

The most specific statement about egress wins: one that selects the workload, else the namespace's own, else the root
namespace's (Istio, Sidecar: "a Sidecar in the root namespace applies to all namespaces without one").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import structs

from weft.graph.tables import Derived
from weft.ir.inventory import Service, Workload
from weft.ir.routing import EgressPolicy, RouteTable
from weft.ir.settings import MeshSettings, ProxyScope
from weft.ir.traffic import TrafficPolicy
from weft.ir.values import Selector
from weft.mesh.fragments import Fragments
from weft.mesh.inventory import Inventory, families_at
from weft.mesh.matching import host_matches, selects
from weft.mesh.names import namespace_of

Role = Literal["own", "edge"]


class Scopes:
    """Scopes of clients, and what is in them."""

    def __init__(self, fragments: Fragments, inventory: Inventory, settings: Derived[None, MeshSettings]) -> None:
        graph = fragments.graph
        self._fragments = fragments
        self._inventory = inventory
        self._settings = settings
        self._policies = fragments.index("egress by namespace", _policy_namespaces, EgressPolicy)
        self._keys = fragments.index("client label keys", _client_keys, EgressPolicy, TrafficPolicy, RouteTable)
        self._particular = fragments.index(
            "namespaces with their own view", _particular_namespaces, Service, TrafficPolicy, RouteTable, EgressPolicy
        )
        self._common: Derived[ProxyScope, ProxyScope] = Derived(graph, "common scope", self._find_common)
        self._egress: Derived[ProxyScope, EgressPolicy | None] = Derived(graph, "egress of scope", self._find_egress)
        self._services: Derived[ProxyScope, tuple[Service, ...]] = Derived(
            graph, "services of scope", self._find_services
        )

    def of(self, workload: Workload, role: Role) -> ProxyScope:
        """The scope of a workload's proxy; labels that nobody selects clients by are left out."""
        keys = self._keys.buckets()
        captures_dns = role == "own" and workload.captures_dns and workload.interception != "none"
        return ProxyScope(
            role=role,
            namespace=workload.namespace,
            cluster=workload.cluster,
            network=workload.network,
            locality=workload.locality,
            clients=tuple((key, value) for key, value in workload.labels if key in keys),
            captured=role != "own" or workload.interception != "none",
            families=families_at(workload),
            captures_dns=captures_dns,
            resolvers=workload.resolvers if captures_dns else (),
        )

    def common(self, scope: ProxyScope) -> ProxyScope:
        """The scope, of no namespace, whose clients have the same destinations; itself if there is none.

        Most namespaces say nothing that is for their own clients alone. What is made for the common scope then serves
        all of them: what a mesh costs does not grow with the number of namespaces. Only short names of hosts differ.
        """
        return self._common.get(scope)

    def services(self, scope: ProxyScope) -> tuple[Service, ...]:
        """The services that a scope's clients can reach by name, sorted by host."""
        return self._services.get(self.common(scope))

    def service(self, scope: ProxyScope, host: str) -> Service | None:
        """The service that a host means in a scope, as its own name or another; None if it is not in it."""
        found = self._inventory.meant(scope.namespace, host)
        return found if found is not None and self.imports(scope, found.namespace, found.host) else None

    def aliases(self, scope: ProxyScope, host: str) -> tuple[str, ...]:
        """Other names of a service in a scope, sorted."""
        return self._inventory.aliases(scope.namespace, host)

    def all_aliases(self, scope: ProxyScope) -> Mapping[str, tuple[str, ...]]:
        """The same of all services that have any, by their hosts."""
        return self._inventory.all_aliases(scope.namespace)

    def imports(self, scope: ProxyScope, namespace: str, host: str) -> bool:
        """Whether something of a namespace and host is in a scope."""
        patterns = self._patterns(scope)
        return patterns is None or in_patterns(patterns, namespace, host)

    def fallback(self, scope: ProxyScope) -> Literal["allow", "deny"]:
        """What happens to destinations that nothing in the scope names."""
        policy = self._egress.get(scope)
        action = policy.action if policy is not None and policy.action else self._settings.get(None).outbound
        return "deny" if action == "deny" else "allow"

    def _patterns(self, scope: ProxyScope) -> tuple[str, ...] | None:
        policy = self._egress.get(scope)
        return policy.services if policy is not None else None

    def _find_common(self, scope: ProxyScope) -> ProxyScope:
        if scope.namespace == self._settings.get(None).root_namespace or self._particular.get(scope.namespace):
            return scope
        return structs.replace(scope, namespace="", cluster="", network="", captures_dns=False, resolvers=())

    def _find_egress(self, scope: ProxyScope) -> EgressPolicy | None:
        if scope.role != "own":
            return None
        own = sorted(self._policies_in(scope.namespace), key=_age)
        for policy in own:
            select = policy.target.select
            if select is not None and selects(select, scope.namespace, scope.clients):
                return policy
        root = self._settings.get(None).root_namespace
        inherited = sorted(self._policies_in(root), key=_age) if root != scope.namespace else []
        return next((policy for policy in (*own, *inherited) if policy.target.select is None), None)

    def _policies_in(self, namespace: str) -> Iterator[EgressPolicy]:
        return self._fragments.of(self._policies.get(namespace), EgressPolicy)

    def _find_services(self, scope: ProxyScope) -> tuple[Service, ...]:
        patterns = self._patterns(scope)
        found = (self._inventory.meant(scope.namespace, host) for host in self._inventory.hosts())
        by_host = {service.host: service for service in found if service is not None}
        services = (by_host[host] for host in sorted(by_host))
        return tuple(s for s in services if patterns is None or in_patterns(patterns, s.namespace, s.host))


def in_patterns(patterns: Iterable[str], namespace: str, host: str) -> bool:
    """Whether `namespace/host` patterns take something in; a pattern that starts with `~` takes it out again."""
    included = False
    for pattern in patterns:
        excludes = pattern.startswith("~")
        wanted_namespace, _, wanted_host = pattern.removeprefix("~").partition("/")
        if wanted_namespace in ("*", namespace) and host_matches(wanted_host, host):
            if excludes:
                return False
            included = True
    return included


def _age(policy: EgressPolicy) -> tuple[int, str]:
    return policy.source.created, policy.source.name


def _policy_namespaces(policy: EgressPolicy) -> Iterator[str]:
    yield policy.target.namespace


def _particular_namespaces(fragment: object) -> Iterator[str]:
    """The namespaces for whose clients a fragment may mean something else than for those of others."""
    if isinstance(fragment, Service):
        yield from fragment.visible_to or ()
        if fragment.registry == "external":  # its host may be another service's, too, and who sees both prefers his own
            yield fragment.namespace
            yield from filter(None, (namespace_of(fragment.host),))
    elif isinstance(fragment, TrafficPolicy):
        if fragment.source.namespace != namespace_of(fragment.host):  # else all clients ask it, as those of its own do
            yield fragment.source.namespace
        yield from fragment.visible_to or ()
    elif isinstance(fragment, RouteTable):
        yield from fragment.clients or ()
    elif isinstance(fragment, EgressPolicy):
        yield fragment.target.namespace
    for selector in _client_selectors(fragment):
        yield from selector.namespaces or ()


def _client_keys(fragment: object) -> Iterator[str]:
    for selector in _client_selectors(fragment):
        yield from (key for key, _, _ in selector.labels)


def _client_selectors(fragment: object) -> Iterator[Selector]:
    if isinstance(fragment, EgressPolicy) and fragment.target.select is not None:
        yield fragment.target.select
    elif isinstance(fragment, TrafficPolicy) and fragment.clients is not None:
        yield fragment.clients
    elif isinstance(fragment, RouteTable):
        matches = (match for rule in fragment.rules for match in rule.matches or ())
        yield from (match.client for match in matches if match.client is not None)
