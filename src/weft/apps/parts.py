"""What views are made of: resources of a scope, which many views share, and those of one view alone.

A change is computed once per part, and what differs is found once, however many views have the part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Final

from weft.envoy.built import Overlaid
from weft.envoy.resource import Resource
from weft.envoy.resources import ProxyResources
from weft.envoy.type_urls import CDS, EDS, ON_DEMAND
from weft.graph.watch import Watcher
from weft.ir.settings import ProxyKey, ProxyScope

Contents = Mapping[str, Resource]
Owner = ProxyScope | ProxyKey
PartKey = tuple[Owner, str]
"""Whose resources, and the URL of their type."""

Differences = dict[Owner, dict[str, Set[str]]]
"""Names of resources that are different now, by owner and type URL."""

_NOTHING: Final[Contents] = {}


class Parts:
    """The parts in use. `held` is what views show; what was computed since waits until it is taken over.

    Endpoints may be taken over ahead of everything else, but not those of a cluster that itself changes: it warms with
    them, and until then the former ones go with the former cluster. Removed ones wait as well.
    """

    def __init__(self, resources: ProxyResources) -> None:
        self._types = resources.parts
        self._held: dict[PartKey, Contents] = {}
        self._ready: dict[PartKey, Contents] = {}
        self._withheld: dict[ProxyScope, set[str]] = {}
        self._compared = Comparison()
        self._endpoints = Watcher(resources.scope_contents)
        self._clusters = Watcher(resources.scope_contents)
        self._of_scope = Watcher(resources.scope_contents)
        self._own = Watcher(resources.own_contents)

    def held(self, key: PartKey) -> Contents:
        """What views show of a part."""
        return self._held.get(key, _NOTHING)

    def add(self, owner: Owner) -> None:
        """Takes in the parts of an owner as they are now, unless they are there."""
        for type_url in self._types:
            if (owner, type_url) not in self._held:
                self._held[owner, type_url] = self._watch(owner, type_url)

    def remove(self, owner: Owner) -> None:
        """Forgets the parts of an owner."""
        for type_url in self._types:
            self._held.pop((owner, type_url), None)
            self._ready.pop((owner, type_url), None)
            if isinstance(owner, ProxyKey):
                self._own.remove((owner, type_url))
            else:
                self._watcher(type_url).remove((owner, type_url))
        if isinstance(owner, ProxyScope):
            self._withheld.pop(owner, None)

    def pending(self) -> bool:
        """True if views may not show what there is."""
        watchers = (self._endpoints, self._clusters, self._of_scope)
        return self.computed or self._own.pending() or any(watcher.pending() for watcher in watchers)

    @property
    def computed(self) -> bool:
        """True if something waits until it is taken over."""
        return bool(self._ready or self._withheld)

    def take_endpoints(self) -> Differences:
        """Computes endpoints and clusters, and takes over the endpoints that may go ahead."""
        fresh = [change for change in self._endpoints.each() if change is not None]
        self._ready.update(change for change in self._clusters.each() if change is not None)
        found: Differences = {}
        for (scope, type_url), contents in fresh:
            names = self._compared.different(self.held((scope, type_url)), contents)
            self._held[scope, type_url] = contents
            ahead = {name for name in names if name in contents and not self._cluster_changes(scope, name)}
            if ahead:
                found[scope] = {type_url: ahead}
            if names - ahead:
                self._withheld.setdefault(scope, set()).update(names - ahead)
        self._compared.forget()
        return found

    def compute(self) -> Iterator[None]:
        """Computes what has changed, one part at a step."""
        for change in self._changes():
            if change is not None:
                self._ready.update((change,))
            yield

    def take(self) -> Differences:
        """Takes over all that was computed."""
        found: Differences = {scope: {EDS: names} for scope, names in self._withheld.items()}
        for (owner, type_url), contents in self._ready.items():
            names = self._compared.different(self.held((owner, type_url)), contents)
            self._held[owner, type_url] = contents
            if names:
                found.setdefault(owner, {})[type_url] = names
        self._ready, self._withheld = {}, {}
        self._compared.forget()
        return found

    def _changes(self) -> Iterator[tuple[PartKey, Contents] | None]:
        yield from self._clusters.each()
        yield from self._of_scope.each()
        yield from self._own.each()

    def _cluster_changes(self, scope: ProxyScope, name: str) -> bool:
        for type_url in (CDS, ON_DEMAND):
            fresh = self._ready.get((scope, type_url))
            if fresh is not None and fresh.get(name) != self.held((scope, type_url)).get(name):
                return True
        return False

    def _watch(self, owner: Owner, type_url: str) -> Contents:
        if isinstance(owner, ProxyKey):
            return self._own.add((owner, type_url))
        return self._watcher(type_url).add((owner, type_url))

    def _watcher(self, type_url: str) -> Watcher[tuple[ProxyScope, str], Contents]:
        return {EDS: self._endpoints, CDS: self._clusters, ON_DEMAND: self._clusters}.get(type_url, self._of_scope)


class Comparison:
    """Finds under which names tables do not hold the same; what many owners share is compared once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[Contents, Contents, Set[str]]] = {}

    def different(self, old: Contents, new: Contents) -> Set[str]:
        """The names under which two tables do not hold the same."""
        if old is new:
            return frozenset()
        key = id(old), id(new)
        if key not in self._known:
            if isinstance(old, Overlaid) and isinstance(new, Overlaid):
                found = self._in_layers(old, new)
            else:
                found = different(old, new)
            self._known[key] = old, new, found
        return self._known[key][2]

    def forget(self) -> None:
        """Forgets all tables."""
        self._known.clear()

    def _in_layers(self, old: Overlaid, new: Overlaid) -> Set[str]:
        above = {*old.above, *new.above}
        below = self.different(old.below, new.below)
        return (below - above) | {name for name in above if old.get(name) != new.get(name)}


def different(old: Contents, new: Contents) -> Set[str]:
    """The names under which two tables do not hold the same."""
    changed = {name for name, resource in new.items() if old.get(name) is not resource and old.get(name) != resource}
    return changed | (old.keys() - new.keys())
