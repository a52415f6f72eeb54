"""Takes objects into the graph with what a cluster adds to them: addresses of services, and namespaces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from weft.base.issues import Issue, Ref
from weft.mesh.fragments import NAMESPACE, Objects
from weft.model.objects import Object
from weft.sources.local.namespaces import Namespaces
from weft.sources.local.pods import POD
from weft.sources.local.services import SERVICE, SERVICE_ENTRY, ServiceAddresses
from weft.sources.local.store import ObjectStore

_ADDRESSED = (SERVICE, SERVICE_ENTRY)


class Admission:
    """Keeps the graph's objects in step with the store's, all but pods."""

    def __init__(self, store: ObjectStore, objects: Objects, services: ServiceAddresses) -> None:
        self.namespaces = Namespaces(objects)
        self._store = store
        self._objects = objects
        self._services = services

    def take(self, refs: Iterable[Ref]) -> None:
        """Brings objects up to date that may be different."""
        addressed: list[Object[Any]] = []
        for ref in sorted(refs):
            value = self._store.value(ref)
            self.namespaces.note(ref, present=value is not None)
            if ref.kind == NAMESPACE:
                self.namespaces.declare(ref.name, value)
            elif value is None:
                self._remove(ref)
            elif isinstance(value, Object) and ref.kind in _ADDRESSED:
                addressed.append(value)
            elif ref.kind != POD:
                self._services.unread(ref)
                self._objects.set(ref, value)
        self._complete(self._services.ordered(addressed))
        self._complete(self._services.retried())

    def keep_only_present(self) -> None:
        """Frees the addresses of objects that went away while nobody looked."""
        self._services.keep_only(self._store.refs(*_ADDRESSED))
        self._complete(self._services.retried())

    def issues(self) -> Iterator[Issue]:
        """What could not be added."""
        return self._services.issues()

    def _remove(self, ref: Ref) -> None:
        if ref.kind != POD:
            self._services.gone(ref)
            self._objects.remove(ref)

    def _complete(self, values: Iterable[Object[Any]]) -> None:
        for value in values:
            completed = self._services.completed(value)
            if completed is None:
                self._objects.remove(value.ref)
            else:
                self._objects.set(value.ref, completed)
