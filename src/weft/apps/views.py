"""Views of proxies: computed from the graph, shared by equal proxies, and told what changed once per change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from typing import TypeVar

from weft.apps.parts import Contents, Differences, Owner, PartKey, Parts
from weft.apps.recollection import Recollection
from weft.envoy.resource import Resource
from weft.envoy.resources import WHOLE_TYPES, ProxyResources
from weft.envoy.type_urls import CDS, ON_DEMAND
from weft.graph.tables import Derived
from weft.graph.watch import Watcher
from weft.ir.settings import ProxyKey
from weft.mesh.reader import Mesh
from weft.mesh.scope import Role
from weft.model.proxy_node import parse_node_id
from weft.serve.ads.messages import Node
from weft.serve.ads.names import Names
from weft.serve.ads.views import Rule, View
from weft.serve.callers import Pod

T = TypeVar("T")

WorkloadName = tuple[str, Role]
"""The uid of a workload and the role of its proxy."""


Record = Callable[[Differences, Set[str]], None]
"""Hears what is told: names that are different, and the uids of pods whose proxies show another view."""


class ProxyViews:
    """The views of all connected proxies. `uid_of` gives the uid of the workload that a pod is, `record` hears of
    what is told."""

    def __init__(
        self,
        mesh: Mesh,
        resources: ProxyResources,
        uid_of: Callable[[Pod], str],
        record: Record = lambda _, __: None,
    ) -> None:
        self._record = record
        self._mesh = mesh
        self._uid_of = uid_of
        self._parts = Parts(resources)
        self._recollection = Recollection()
        self._views: dict[ProxyKey, View] = {}
        self._having: dict[Owner, dict[ProxyKey, None]] = {}
        self._keys: Derived[WorkloadName, ProxyKey | None] = Derived(resources.graph, "proxy key", self._find_key)
        self._key_watcher: Watcher[WorkloadName, ProxyKey | None] = Watcher(self._keys)
        self._pods: dict[WorkloadName, str] = {}
        self._moved: set[str] = set()

    def view_of(self, pod: Pod, node: Node) -> View | None:
        """The view that a pod's proxy shares with its equals; None while nothing is known of the pod's workload."""
        role: Role = "edge" if parse_node_id(node.id).role == "router" else "own"
        name = (self._uid_of(pod), role)
        self._pods[name] = pod.uid
        key = self._key_watcher.add(name)
        return self._view(key) if key is not None else None

    def publish_endpoints(self) -> None:
        """Tells all streams the endpoints that changed: quick, and before anything else."""
        differences = self._parts.take_endpoints()
        self._publish(differences)
        self._record(differences, frozenset())

    def compute(self) -> Iterator[None]:
        """Computes what has changed, a bit at each step; nothing is told before `publish`."""
        return self._parts.compute()

    @property
    def computed(self) -> bool:
        """Whether `publish` has anything to tell, or to say."""
        return self._parts.computed or bool(self._moved) or self._key_watcher.pending()

    def publish(self) -> set[str]:
        """Tells all streams what was computed.

        Returns the uids of pods whose proxies belong to another view now: their streams must be moved.
        """
        differences = self._parts.take()
        self._publish(differences)
        moved = self._moved | {self._pods[name] for name, _ in self._key_watcher.changes()}
        self._moved = set()
        self._record(differences, moved)
        return moved

    def refresh(self) -> set[str]:
        """All of the above at once; returns what `publish` does."""
        self.publish_endpoints()
        for _ in self.compute():
            pass
        return self.publish()

    def proxies(self) -> dict[ProxyKey, list[str]]:
        """The uids of the workloads whose proxies are in use, by what decides their configuration."""
        found: dict[ProxyKey, list[str]] = {}
        for name in self._pods:
            key = self._keys.get(name)
            if key is not None:
                found.setdefault(key, []).append(name[0])
        return found

    def owners_of(self, uid: str) -> set[Owner]:
        """Whose resources the proxy of a pod shows; none if it is not connected."""
        keys = (self._keys.get(name) for name, each in self._pods.items() if each == uid)
        return {owner for key in keys if key is not None for owner in _owners(key)}

    def forget_unused(self, connected: Callable[[str], bool]) -> None:
        """Drops views that no stream shows, and the keys of pods that are not connected (by their uid)."""
        self._recollection.forget()
        for key in [key for key, view in self._views.items() if not view.watched]:
            del self._views[key]
            for owner in _owners(key):
                del self._having[owner][key]
                if not self._having[owner]:
                    del self._having[owner]
                    self._parts.remove(owner)
        for name in [name for name, uid in self._pods.items() if not connected(uid)]:
            del self._pods[name]
            self._key_watcher.remove(name)

    def _publish(self, differences: Differences) -> None:
        changes: dict[ProxyKey, dict[str, Set[str]]] = {}
        for owner, by_type in differences.items():
            for key in self._having.get(owner, ()):
                mine = changes.setdefault(key, {})
                for type_url, names in by_type.items():
                    mine[type_url] = mine[type_url] | names if type_url in mine else names
        for key, changed in changes.items():
            self._views[key].publish(changed)

    def _view(self, key: ProxyKey) -> View:
        view = self._views.get(key)
        if view is None:
            if self._parts.pending():  # what is new must not refer to what the others have not got yet
                self._moved |= self.refresh()
            for owner in _owners(key):
                self._parts.add(owner)
                self._having.setdefault(owner, {})[key] = None
            source = _ViewSource(self._parts, self._recollection, key)
            view = self._views[key] = View(f"{key.scope.role}/{key.server.namespace}", source)
        return view

    def _find_key(self, name: WorkloadName) -> ProxyKey | None:
        uid, role = name
        workload = self._mesh.inventory.workload(uid)
        return self._mesh.key(workload, role) if workload is not None else None


class _ViewSource:
    """What a view holds now, as streams look it up."""

    def __init__(self, parts: Parts, recollection: Recollection, key: ProxyKey) -> None:
        self._parts = parts
        self._recollection = recollection
        self._own, self._shared = _owners(key)

    def wildcard(self, type_url: str) -> Contents | None:
        """All resources of a type that is discovered as a whole; None for other types."""
        if type_url not in WHOLE_TYPES:
            return self._waiting(CDS) if type_url == ON_DEMAND else None
        own, shared = self._tables(type_url)
        if not own:
            return shared
        question = ("all", frozenset[str]())
        return self._recollection.answer((self._own, type_url), (own, shared), question, lambda: {**shared, **own})

    def named(self, type_url: str, name: str) -> Resource | None:
        """One resource; None if there is none."""
        return self.find(type_url, (name,))[0]

    def find(self, type_url: str, names: Sequence[str]) -> Sequence[Resource | None]:
        """Several resources, in the order of their names."""
        own, shared = self._tables(type_url)
        waiting = self._waiting(type_url)
        if waiting:
            return [own.get(name) or shared.get(name) or waiting.get(name) for name in names]
        return [own.get(name) or shared.get(name) for name in names]

    def derived(self, rule: Rule[T], type_url: str, names: Names) -> T:
        """What follows from the resources of a type. Views that have none of their own share it."""
        own, shared = self._tables(type_url)
        key: PartKey = (self._own if own else self._shared, type_url)
        tables = (own, shared) if own else (shared,)
        if type_url == CDS:
            tables = (*tables, self._waiting(CDS))
        return self._recollection.answer(key, tables, (rule, names), lambda: rule(self, type_url, names))

    def _waiting(self, type_url: str) -> Contents:
        """Clusters that are told only to a proxy that asks for them."""
        return self._parts.held((self._shared, ON_DEMAND)) if type_url == CDS else {}

    def _tables(self, type_url: str) -> tuple[Contents, Contents]:
        return self._parts.held((self._own, type_url)), self._parts.held((self._shared, type_url))


def _owners(key: ProxyKey) -> tuple[Owner, Owner]:
    """The view's own part and the one that it shares."""
    return key, key.scope
