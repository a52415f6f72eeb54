"""Views: what a group of equal proxies shall hold, and how their streams hear of changes."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Protocol, TypeVar

from weft.envoy.resource import Resource
from weft.envoy.type_urls import SDS
from weft.serve.ads.names import Names

T = TypeVar("T")

Changes = Mapping[str, Set[str]]
"""Names of resources that were added, changed or removed together, by type URL."""

Told = Mapping[str, Names]
"""The same as streams are told it: the sets are shared by all of them."""


class ResourceSource(Protocol):
    """Where streams look up what a proxy shall hold now. Look-ups never wait, and are cheap when repeated."""

    def wildcard(self, type_url: str) -> Mapping[str, Resource] | None:
        """All resources of a type that is discovered as a whole (CDS, LDS, VHDS); None for other types. Clusters that
        are told to who asks by name are not among them, but under ON_DEMAND.
        """

    def named(self, type_url: str, name: str) -> Resource | None:
        """One resource, of any type; None if there is none (any more)."""

    def find(self, type_url: str, names: Sequence[str]) -> Sequence[Resource | None]:
        """The same for several names, in their order."""

    def derived(self, rule: "Rule[T]", type_url: str, names: Names) -> T:
        """What a rule makes of the resources of a type, for some names. Streams that ask the same may share it."""


Rule = Callable[[ResourceSource, str, Names], T]
"""A pure function of a source. It is told a type URL, looks at no other type, and at some names."""


class Watcher(Protocol):
    """A stream, as views see it."""

    def changed(self, changes: Told) -> None:
        """Takes note of changes; the source has the new content already. Returns at once."""


class View:
    """A source and the streams that show it. A change is computed once and told to all of them.

    `name` is for people: it says which proxies share the view.
    """

    def __init__(self, name: str, source: ResourceSource) -> None:
        self.name = name
        self.source = source
        self._watchers: dict[Watcher, None] = {}

    @property
    def watched(self) -> bool:
        """True while any stream shows the view."""
        return bool(self._watchers)

    def attach(self, watcher: Watcher) -> None:
        """Tells `watcher` of every change from now on."""
        self._watchers[watcher] = None

    def detach(self, watcher: Watcher) -> None:
        """Tells it no more."""
        self._watchers.pop(watcher, None)

    def publish(self, changes: Changes) -> None:
        """Tells all streams what changed. What changed together must be told together: the order of pushes needs it."""
        told = {type_url: frozenset(names) for type_url, names in changes.items() if names}
        if told:
            for watcher in tuple(self._watchers):
                watcher.changed(told)


class ResourceTable:
    """A source that is a table in memory. `whole` are the types that are discovered as a whole."""

    def __init__(self, whole: Iterable[str] = ()) -> None:
        self._tables: dict[str, dict[str, Resource]] = {}
        self._whole = frozenset(whole)

    def wildcard(self, type_url: str) -> Mapping[str, Resource] | None:
        """As in `ResourceSource`."""
        return self._tables.get(type_url, {}) if type_url in self._whole else None

    def named(self, type_url: str, name: str) -> Resource | None:
        """As in `ResourceSource`."""
        return self._tables.get(type_url, {}).get(name)

    def find(self, type_url: str, names: Sequence[str]) -> Sequence[Resource | None]:
        """As in `ResourceSource`."""
        table = self._tables.get(type_url, {})
        return [table.get(name) for name in names]

    def derived(self, rule: Rule[T], type_url: str, names: Names) -> T:
        """As in `ResourceSource`."""
        return rule(self, type_url, names)

    def update(self, resources: Iterable[Resource], removed: Iterable[tuple[str, str]] = ()) -> Changes:
        """Puts resources in and takes (type URL, name) out; returns what is different now."""
        changes: dict[str, set[str]] = {}
        for item in resources:
            table = self._tables.setdefault(item.type_url, {})
            if table.get(item.name) != item:
                table[item.name] = item
                changes.setdefault(item.type_url, set()).add(item.name)
        for type_url, name in removed:
            if self._tables.get(type_url, {}).pop(name, None) is not None:
                changes.setdefault(type_url, set()).add(name)
        return changes


class Layered:
    """A proxy's own resources in front of those that it shares with others; it can have its own of `own_types`."""

    def __init__(self, own: ResourceSource, shared: ResourceSource, own_types: Set[str] = frozenset((SDS,))) -> None:
        self._own = own
        self._shared = shared
        self._own_types = own_types

    def wildcard(self, type_url: str) -> Mapping[str, Resource] | None:
        """The shared ones: nothing that is discovered as a whole belongs to one proxy."""
        return self._shared.wildcard(type_url)

    def named(self, type_url: str, name: str) -> Resource | None:
        """Its own one, or else the shared one."""
        found = self._own.named(type_url, name) if type_url in self._own_types else None
        return found or self._shared.named(type_url, name)

    def find(self, type_url: str, names: Sequence[str]) -> Sequence[Resource | None]:
        """As `named`."""
        shared = self._shared.find(type_url, names)
        if type_url not in self._own_types:
            return shared
        own = self._own.find(type_url, names)
        return [mine or ours for mine, ours in zip(own, shared, strict=True)]

    def derived(self, rule: Rule[T], type_url: str, names: Names) -> T:
        """As in `ResourceSource`."""
        if type_url in self._own_types:
            return rule(self, type_url, names)
        return self._shared.derived(rule, type_url, names)


def differences(old: ResourceSource, new: ResourceSource, type_url: str, names: Iterable[str]) -> set[str]:
    """Returns what differs for somebody who moves from one source to another and subscribed to `names` of a type."""
    before, after = old.wildcard(type_url) or {}, new.wildcard(type_url) or {}
    different = {
        name for name in before.keys() | after.keys() if _version(before.get(name)) != _version(after.get(name))
    }
    chosen = tuple(names)
    pairs = zip(chosen, old.find(type_url, chosen), new.find(type_url, chosen), strict=True)
    different.update(name for name, was, now in pairs if _version(was) != _version(now))
    return different


def _version(resource: Resource | None) -> str | None:
    return None if resource is None else resource.version
