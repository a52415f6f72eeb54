"""Which settings a client uses towards a backend: whose policy counts, and how its levels overlay each other (T1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from weft.graph.tables import Derived
from weft.ir.inventory import Service
from weft.ir.routing import SubsetTerms
from weft.ir.settings import MeshSettings, ProxyScope
from weft.ir.traffic import TrafficPolicy, TrafficSettings
from weft.mesh.fragments import Fragments
from weft.mesh.matching import host_candidates, is_pattern, selects, visible
from weft.mesh.missing import host_group

LOCALITIES = ("spread", "failover", "prefer", "locality")
BALANCE = ("balance", "hash_on", "hash_size", "warmup", *LOCALITIES)
POOL = (
    "connections",
    "pending",
    "requests",
    "retries",
    "requests_per_connection",
    "streams",
    "connect",
    "idle",
    "tcp_idle",
    "lifetime",
    "keepalive",
    "ping",
    "http2",
)
EJECTION = ("eject_after", "eject_for", "eject_scan", "eject_share", "eject_split", "min_healthy")
PORT_GROUPS = (BALANCE, POOL, EJECTION, ("tls",))
_STICKY: Final[dict[str, Any]] = {"balance": "hash_ring", "hash_on": ("address",)}
"""How clients are kept at one endpoint where a service asks for that, and no author of a policy says how to balance."""

_SILENT: Final = TrafficSettings()

GROUPS = (*PORT_GROUPS, ("retry_budget",), ("proxy_header",))


class TrafficPolicies:
    """Policies by namespace and host, and the settings that follow from them."""

    def __init__(self, fragments: Fragments, settings: Derived[None, MeshSettings]) -> None:
        graph = fragments.graph
        self._settings = settings
        self._by_host = fragments.gathered(
            "traffic policies by host", _keys, TrafficPolicy, lambda key: host_group(key[1])
        )
        self._namespaces = fragments.index("namespaces with policies", _namespace, TrafficPolicy)
        self._patterns = fragments.index("namespaces with policies for patterns", _pattern_namespaces, TrafficPolicy)
        self._policy: Derived[tuple[ProxyScope, str, str], TrafficPolicy | None] = Derived(
            graph, "traffic policy", self._find
        )
        self._filled: Derived[TrafficSettings, TrafficSettings] = Derived(
            graph, "traffic settings", lambda said: fill(said, settings.get(None).defaults)
        )

    def policy(self, scope: ProxyScope, service: Service) -> TrafficPolicy | None:
        """The one policy that a scope's clients use for a service: their own namespace's, the service's, the root's."""
        return self._policy.get((scope, service.host, service.namespace))

    def settings(self, scope: ProxyScope, service: Service, port: int, subset: str) -> TrafficSettings:
        """Settings for one port and subset ("" for none), with the mesh's defaults filled in."""
        policy = self.policy(scope, service)
        said = settings_of(policy, port, subset) if policy is not None else _SILENT
        if service.sticky is not None and said.balance is None and not said.hash_on:
            said = msgspec.structs.replace(said, **_STICKY)
        return self._filled.get(said)

    def subsets(self, scope: ProxyScope, service: Service) -> tuple[SubsetTerms, ...]:
        """The subsets that are defined for a service, sorted by name."""
        policy = self.policy(scope, service)
        return tuple(sorted(policy.subsets, key=lambda s: s.name)) if policy is not None else ()

    def _find(self, key: tuple[ProxyScope, str, str]) -> TrafficPolicy | None:
        scope, host, service_namespace = key
        root = self._settings.get(None).root_namespace
        for namespace in filter(None, dict.fromkeys((scope.namespace, service_namespace, root))):
            if namespace == root and not self._namespaces.get(root):  # nearly always: a question less for each service
                continue
            own_only = namespace == scope.namespace == root
            found = self._find_in(namespace, host, scope, only_own=own_only)
            if found is not None:
                return found
        return self._find_in(root, host, scope) if scope.namespace == root else None

    def _find_in(self, namespace: str, host: str, scope: ProxyScope, *, only_own: bool = False) -> TrafficPolicy | None:
        """What a namespace says of a host; `only_own`: only what it says to its own clients alone.

        To clients of the root namespace what it says to all is what it is to others, the last resort (Istio).
        """
        for candidate in host_candidates(host) if self._patterns.get(namespace) else (host,):
            found = [
                policy
                for policy in self._by_host.get((namespace, candidate))
                if visible(policy.visible_to, scope.namespace) and (not only_own or policy.visible_to == (namespace,))
            ]
            chosen = [p for p in found if p.clients and selects(p.clients, scope.namespace, scope.clients)]
            general = [p for p in found if p.clients is None]
            if chosen or general:
                return unite(chosen or general)
        return None


def unite(policies: Iterable[TrafficPolicy]) -> TrafficPolicy:
    """Several policies for one host in one namespace: the oldest counts, and subsets of others are added to it.

    Of the others those count that are for the same clients (T1). The settings are those of the oldest one that states
    any, a later subset of the same name is ignored. Source: Istio, ENABLE_ENHANCED_DESTINATIONRULE_MERGE.
    """
    oldest, *others = sorted(policies, key=lambda p: (p.source.created, p.source.name))
    subsets = {subset.name: subset for subset in oldest.subsets}
    united = oldest
    for other in others:
        if (other.visible_to, other.clients) != (oldest.visible_to, oldest.clients):
            continue
        fresh = tuple(subset for subset in other.subsets if subset.name not in subsets)
        names = {subset.name for subset in fresh}
        subsets.update((subset.name, subset) for subset in fresh)
        stated = united if united.settings != TrafficSettings() or united.port_settings else other
        united = msgspec.structs.replace(
            united,
            settings=stated.settings,
            port_settings=stated.port_settings,
            subsets=united.subsets + fresh,
            subset_settings=united.subset_settings + tuple(s for s in other.subset_settings if s[0] in names),
            subset_port_settings=united.subset_port_settings
            + tuple(s for s in other.subset_port_settings if s[0] in names),
        )
    return united


def settings_of(policy: TrafficPolicy, port: int, subset: str) -> TrafficSettings:
    """What a policy says for one port and subset.

    A subset overlays the policy group by group (balancing, pool, ejection, TLS). A port's settings replace all four
    groups, also those that it does not state (Istio, DestinationRule: "traffic settings specified at the
    destination-level will not be inherited when overridden by port-level settings").
    """
    result = policy.settings
    by_port = dict(policy.port_settings)
    if port in by_port:
        result = replace_groups(result, by_port[port])
    result = overlay(result, dict(policy.subset_settings).get(subset, TrafficSettings()))
    by_subset_port = {(name, number): settings for name, number, settings in policy.subset_port_settings}
    if (subset, port) in by_subset_port:
        result = replace_groups(result, by_subset_port[subset, port])
    return result


def overlay(base: TrafficSettings, narrower: TrafficSettings) -> TrafficSettings:
    """`narrower` over `base`: a group that `narrower` states in any field replaces the whole group."""
    stated = [group for group in GROUPS if _says(narrower, group)]
    changes = {field: getattr(narrower, field) for group in stated for field in group}
    return msgspec.structs.replace(base, **changes)


def replace_groups(base: TrafficSettings, narrower: TrafficSettings) -> TrafficSettings:
    """`base` with the four groups that a port can state taken from `narrower`, stated or not."""
    changes = {field: getattr(narrower, field) for group in PORT_GROUPS for field in group}
    return msgspec.structs.replace(base, **changes)


def fill(settings: TrafficSettings, defaults: TrafficSettings) -> TrafficSettings:
    """Fields that are not said, taken from the defaults; ejection and localities only as a whole (Istio)."""
    stated = {field for group in (EJECTION, LOCALITIES) if _says(settings, group) for field in group}
    missing = {
        field: getattr(defaults, field)
        for field in TrafficSettings.__struct_fields__
        if field not in stated and not _says(settings, (field,))
    }
    return msgspec.structs.replace(settings, **missing)


def _says(settings: TrafficSettings, fields: Iterable[str]) -> bool:
    return any(getattr(settings, field) != getattr(_SILENT, field) for field in fields)


def _namespace(policy: TrafficPolicy) -> tuple[str]:
    return (policy.source.namespace,)


def _pattern_namespaces(policy: TrafficPolicy) -> Iterator[str]:
    if is_pattern(policy.host):
        yield policy.source.namespace


def _keys(policy: TrafficPolicy) -> Iterator[tuple[str, str]]:
    yield policy.source.namespace, policy.host
