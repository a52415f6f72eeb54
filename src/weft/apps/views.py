"""Views of proxies: computed from the graph, shared by equal proxies, and told what changed once per change."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from weft.envoy.resource import Resource
from weft.envoy.resources import WHOLE_TYPES, ProxyResources
from weft.graph.tables import Derived
from weft.graph.watch import Watcher
from weft.ir.settings import ProxyKey
from weft.mesh.reader import Mesh
from weft.mesh.scope import Role
from weft.model.proxy_node import parse_node_id
from weft.serve.ads.messages import Node
from weft.serve.ads.views import View
from weft.serve.callers import Pod

Contents = Mapping[str, Resource]
WorkloadName = tuple[str, Role]
"""The uid of a workload and the role of its proxy."""


class ProxyViews:
    """The views of all connected proxies. `uid_of` gives the uid of the workload that a pod is."""

    def __init__(self, mesh: Mesh, resources: ProxyResources, uid_of: Callable[[Pod], str]) -> None:
        self._mesh = mesh
        self._resources = resources
        self._uid_of = uid_of
        self._views: dict[ProxyKey, View] = {}
        self._held: dict[tuple[ProxyKey, str], Contents] = {}
        self._watcher: Watcher[tuple[ProxyKey, str], Contents] = Watcher(resources.contents)
        self._keys: Derived[WorkloadName, ProxyKey | None] = Derived(resources.graph, "proxy key", self._find_key)
        self._key_watcher: Watcher[WorkloadName, ProxyKey | None] = Watcher(self._keys)
        self._pods: dict[WorkloadName, str] = {}

    def view_of(self, pod: Pod, node: Node) -> View | None:
        """The view that a pod's proxy shares with its equals; None while nothing is known of the pod's workload."""
        role: Role = "edge" if parse_node_id(node.id).role == "router" else "own"
        name = (self._uid_of(pod), role)
        self._pods[name] = pod.uid
        key = self._key_watcher.add(name)
        return self._view(key) if key is not None else None

    def refresh(self) -> set[str]:
        """Publishes what changed to all streams.

        Returns the uids of pods whose proxies belong to another view now: their streams must be moved.
        """
        changes: dict[ProxyKey, dict[str, set[str]]] = {}
        for (key, type_url), contents in self._watcher.changes():
            names = _different(self._held[key, type_url], contents)
            self._held[key, type_url] = contents
            if names:
                changes.setdefault(key, {})[type_url] = names
        for key, changed in changes.items():
            self._views[key].publish(changed)
        return {self._pods[name] for name, _ in self._key_watcher.changes()}

    def proxies(self) -> dict[ProxyKey, list[str]]:
        """The uids of the workloads whose proxies are in use, by what decides their configuration."""
        found: dict[ProxyKey, list[str]] = {}
        for name in self._pods:
            key = self._keys.get(name)
            if key is not None:
                found.setdefault(key, []).append(name[0])
        return found

    def forget_unused(self, connected: Callable[[str], bool]) -> None:
        """Drops views that no stream shows, and the keys of pods that are not connected (by their uid)."""
        for key in [key for key, view in self._views.items() if not view.watched]:
            del self._views[key]
            for type_url in self._resources.types:
                self._watcher.remove((key, type_url))
                del self._held[key, type_url]
        for name in [name for name, uid in self._pods.items() if not connected(uid)]:
            del self._pods[name]
            self._key_watcher.remove(name)

    def _view(self, key: ProxyKey) -> View:
        view = self._views.get(key)
        if view is None:
            for type_url in self._resources.types:
                self._held[key, type_url] = self._watcher.add((key, type_url))
            source = _ViewSource(self._held, key)
            view = self._views[key] = View(f"{key.scope.role}/{key.server.namespace}", source)
        return view

    def _find_key(self, name: WorkloadName) -> ProxyKey | None:
        uid, role = name
        workload = self._mesh.inventory.workload(uid)
        return self._mesh.key(workload, role) if workload is not None else None


class _ViewSource:
    """What a view holds now, as streams look it up."""

    def __init__(self, held: Mapping[tuple[ProxyKey, str], Contents], key: ProxyKey) -> None:
        self._held = held
        self._key = key

    def wildcard(self, type_url: str) -> Contents | None:
        """All resources of a type that is discovered as a whole; None for other types."""
        return self._held.get((self._key, type_url), {}) if type_url in WHOLE_TYPES else None

    def named(self, type_url: str, name: str) -> Resource | None:
        """One resource; None if there is none."""
        return self._held.get((self._key, type_url), {}).get(name)


def _different(old: Contents, new: Contents) -> set[str]:
    changed = {name for name, resource in new.items() if old.get(name) is not resource and old.get(name) != resource}
    return changed | (old.keys() - new.keys())
