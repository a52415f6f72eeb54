"""A mesh that changes, proxies that hear of each change, and the same mesh made anew."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from tests.unit.apps.changes.objects import Body, decode

from weft.apps.pipeline import Pipeline
from weft.apps.views import ProxyViews, WorkloadName
from weft.base.issues import Issue, Ref
from weft.envoy.resource import Resource
from weft.ir.settings import ProxyScope
from weft.serve.ads.messages import Node
from weft.serve.ads.views import Changes, View, differences
from weft.serve.callers import Pod

Held = dict[tuple[str, str], str]
"""What a proxy holds: versions by type URL and name."""

_NAMESPACE: Final[Body] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


class Proxy:
    """A client of delta xDS that takes everything: it holds what it began with, and what it was told since."""

    def __init__(self, view: View, contents: Held) -> None:
        self.view = view
        self.held = contents
        self.told: list[tuple[str, str]] = []
        self.needless: list[tuple[str, str]] = []
        view.attach(self)

    def changed(self, changes: Changes) -> None:
        """Hears of a change, as a stream does."""
        for type_url, names in changes.items():
            for name in names:
                self._take(type_url, name)

    def move(self, view: View, named: Iterable[tuple[str, str]]) -> None:
        """Shows another view, as a stream does; `named` is what it asks for then, besides what it holds."""
        if view is self.view:
            return
        before, self.view = self.view, view
        before.detach(self)
        view.attach(self)
        asked: dict[str, set[str]] = {}
        for type_url, name in (*self.held, *named):
            asked.setdefault(type_url, set()).add(name)
        for type_url, names in asked.items():
            for name in differences(before.source, view.source, type_url, names):
                self._take(type_url, name)

    def _take(self, type_url: str, name: str) -> None:
        self.told.append((type_url, name))
        found = self._find(type_url, name)
        if self.held.get((type_url, name)) == (found.version if found is not None else None):
            self.needless.append((type_url, name))
        if found is None:
            self.held.pop((type_url, name), None)
        else:
            self.held[type_url, name] = found.version

    def _find(self, type_url: str, name: str) -> Resource | None:
        whole = self.view.source.wildcard(type_url)
        return whole.get(name) if whole is not None else self.view.source.named(type_url, name)


class ChangingMesh:
    """Objects, and a proxy for each pod that has one; a gateway's pod is looked at as both."""

    def __init__(self) -> None:
        self.bodies: dict[Ref, Body] = {}
        self._first: dict[Ref, Body] = {}
        self.pipeline = Pipeline()
        self.views = ProxyViews(self.pipeline.mesh, self.pipeline.resources, lambda pod: pod.uid)
        self.proxies: dict[WorkloadName, Proxy] = {}

    def set(self, body: Body) -> None:
        """Takes an object over; one of which can't be said which it is counts for nothing."""
        value = decode(body)
        if value is not None:
            self.bodies[value.ref] = body
            self._first.setdefault(value.ref, body)
            self.pipeline.objects.set(value.ref, value)

    def clear(self) -> None:
        """Deletes all objects, and forgets what they were."""
        for ref in list(self.bodies):
            self.remove(ref)
        self._first.clear()

    def remove(self, ref: Ref) -> None:
        """Deletes an object."""
        del self.bodies[ref]
        self.pipeline.objects.remove(ref)

    def nth(self, number: int) -> Body:
        """An object that is there; the first one of an empty mesh is a Namespace."""
        present = list(self.bodies.values())
        return present[number % len(present)] if present else _NAMESPACE

    def remove_nth(self, number: int) -> None:
        """Deletes an object that is there, if any."""
        present = list(self.bodies)
        if present:
            self.remove(present[number % len(present)])

    def restore_nth(self, number: int) -> None:
        """Takes an object as it was when it came, also one that was deleted."""
        first = list(self._first.values())
        self.set(first[number % len(first)])

    def publish(self) -> None:
        """Tells proxies what changed; pods that are new connect, pods that are gone leave."""
        to_move = self.views.refresh()
        names = set(proxy_names(self.pipeline))
        for name in self.proxies.keys() - names:
            left = self.proxies.pop(name)
            left.view.detach(left)
        for name in sorted(names):
            proxy = self.proxies.get(name)
            if proxy is None:
                self.proxies[name] = Proxy(self._view(name), held_by(self.pipeline, name))
            elif name[0] in to_move:
                proxy.move(self._view(name), held_by(self.pipeline, name))
        self.views.forget_unused(lambda uid: any(name[0] == uid for name in names))

    def told(self) -> dict[WorkloadName, list[tuple[str, str]]]:
        """What proxies were told since the last call."""
        found = {name: proxy.told for name, proxy in self.proxies.items() if proxy.told}
        for proxy in self.proxies.values():
            proxy.told = []
        return found

    def fresh(self) -> Pipeline:
        """A mesh of the same objects that never saw another state, and shares nothing between namespaces."""
        pipeline = Pipeline()
        pipeline.mesh.common_scope = _itself  # type: ignore[method-assign]
        pipeline.mesh.scopes.common = _itself  # type: ignore[method-assign]
        for ref in sorted(self.bodies):
            value = decode(self.bodies[ref])
            assert value is not None
            pipeline.objects.set(ref, value)
        return pipeline

    def _view(self, name: WorkloadName) -> View:
        uid, role = name
        kind = "router" if role == "edge" else "sidecar"
        view = self.views.view_of(Pod(uid, "", uid, ""), Node(f"{kind}~10.0.0.1~pod.namespace~cluster.local", "", {}))
        assert view is not None
        return view


def _itself(scope: ProxyScope) -> ProxyScope:
    return scope


def proxy_names(pipeline: Pipeline) -> list[WorkloadName]:
    """The proxies of all workloads that have their own."""
    inventory = pipeline.mesh.inventory
    workloads = (inventory.workload(uid) for uid in inventory.workloads())
    with_proxy = [workload for workload in workloads if workload is not None and workload.mode == "own_proxy"]
    edges = [(each.uid, "edge") for each in with_proxy if dict(each.labels).get("istio") == "ingressgateway"]
    return [*((each.uid, "own") for each in with_proxy), *edges]  # type: ignore[list-item]


def held_by(pipeline: Pipeline, name: WorkloadName) -> Held:
    """All that a proxy shall hold, looked up as a whole."""
    workload = pipeline.mesh.inventory.workload(name[0])
    assert workload is not None
    key = pipeline.mesh.key(workload, name[1])
    tables: dict[str, Mapping[str, Resource]] = {
        type_url: pipeline.resources.contents.get((key, type_url)) for type_url in pipeline.resources.types
    }
    return {(type_url, name): found.version for type_url, table in tables.items() for name, found in table.items()}


def all_issues(pipeline: Pipeline) -> Counter[Issue]:
    """Everything that is wrong, in no order."""
    return Counter(pipeline.issues())
