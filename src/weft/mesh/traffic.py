"""Which settings a client uses towards a backend: whose policy counts, and how its levels overlay each other (T1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from weft.base.issues import Ref
from weft.dialects.compiled import Compiled
from weft.graph.collections import Index
from weft.graph.tables import Derived
from weft.ir.inventory import Service
from weft.ir.routing import SubsetTerms
from weft.ir.settings import MeshSettings, ProxyScope
from weft.ir.traffic import TrafficPolicy, TrafficSettings
from weft.mesh.fragments import Fragments
from weft.mesh.matching import host_candidates, selects, visible

BALANCE = ("balance", "hash_on", "hash_size", "warmup", "spread", "failover", "prefer", "locality")
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
GROUPS = (*PORT_GROUPS, ("retry_budget",), ("proxy_header",))


class TrafficPolicies:
    """Policies by namespace and host, and the settings that follow from them."""

    def __init__(self, fragments: Fragments, settings: Derived[None, MeshSettings]) -> None:
        graph = fragments.graph
        self._fragments = fragments
        self._settings = settings
        self._by_host: Index[Ref, Compiled, tuple[str, str]] = Index(
            graph, "traffic policies by host", fragments.compiled, _keys
        )
        self._policy: Derived[tuple[ProxyScope, str, str], TrafficPolicy | None] = Derived(
            graph, "traffic policy", self._find
        )

    def policy(self, scope: ProxyScope, service: Service) -> TrafficPolicy | None:
        """The one policy that a scope's clients use for a service: their own namespace's, the service's, the root's."""
        return self._policy.get((scope, service.host, service.namespace))

    def settings(self, scope: ProxyScope, service: Service, port: int, subset: str) -> TrafficSettings:
        """Settings for one port and subset ("" for none), with the mesh's defaults filled in."""
        policy = self.policy(scope, service)
        said = settings_of(policy, port, subset) if policy is not None else TrafficSettings()
        return fill(said, self._settings.get(None).defaults)

    def subsets(self, scope: ProxyScope, service: Service) -> tuple[SubsetTerms, ...]:
        """The subsets that are defined for a service, sorted by name."""
        policy = self.policy(scope, service)
        return tuple(sorted(policy.subsets, key=lambda s: s.name)) if policy is not None else ()

    def _find(self, key: tuple[ProxyScope, str, str]) -> TrafficPolicy | None:
        scope, host, service_namespace = key
        root = self._settings.get(None).root_namespace
        for namespace in dict.fromkeys((scope.namespace, service_namespace, root)):
            found = self._find_in(namespace, host, scope)
            if found is not None:
                return found
        return None

    def _find_in(self, namespace: str, host: str, scope: ProxyScope) -> TrafficPolicy | None:
        for candidate in host_candidates(host):
            refs = self._by_host.get((namespace, candidate))
            found = [
                policy
                for policy in self._fragments.of(refs, TrafficPolicy)
                if policy.host == candidate and visible(policy.visible_to, scope.namespace)
            ]
            chosen = [p for p in found if p.clients and selects(p.clients, scope.namespace, scope.clients)]
            general = [p for p in found if p.clients is None]
            if chosen or general:
                return unite(chosen or general)
        return None


def unite(policies: Iterable[TrafficPolicy]) -> TrafficPolicy:
    """Several policies for one host in one namespace: the oldest states the settings, subsets of all are added.

    Source: Istio, ENABLE_ENHANCED_DESTINATIONRULE_MERGE; a later subset of the same name is ignored.
    """
    oldest, *others = sorted(policies, key=lambda p: (p.source.created, p.source.name))
    subsets = {subset.name: subset for subset in oldest.subsets}
    united = oldest
    for other in others:
        fresh = tuple(subset for subset in other.subsets if subset.name not in subsets)
        names = {subset.name for subset in fresh}
        subsets.update((subset.name, subset) for subset in fresh)
        united = msgspec.structs.replace(
            united,
            settings=united.settings if united.settings != TrafficSettings() else other.settings,
            port_settings=united.port_settings or other.port_settings,
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
    empty = TrafficSettings()
    stated = [group for group in GROUPS if any(getattr(narrower, f) != getattr(empty, f) for f in group)]
    changes = {field: getattr(narrower, field) for group in stated for field in group}
    return msgspec.structs.replace(base, **changes)


def replace_groups(base: TrafficSettings, narrower: TrafficSettings) -> TrafficSettings:
    """`base` with the four groups that a port can state taken from `narrower`, stated or not."""
    changes = {field: getattr(narrower, field) for group in PORT_GROUPS for field in group}
    return msgspec.structs.replace(base, **changes)


def fill(settings: TrafficSettings, defaults: TrafficSettings) -> TrafficSettings:
    """Fields that are not said, taken from the defaults."""
    empty = TrafficSettings()
    missing = {
        field: getattr(defaults, field)
        for field in TrafficSettings.__struct_fields__
        if getattr(settings, field) == getattr(empty, field)
    }
    return msgspec.structs.replace(settings, **missing)


def _keys(_: Ref, compiled: Compiled) -> Iterator[tuple[str, str]]:
    for fragment in compiled.fragments:
        if isinstance(fragment, TrafficPolicy):
            yield fragment.source.namespace, fragment.host
