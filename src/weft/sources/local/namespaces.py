"""Namespaces, also those that nobody declares.

A cluster refuses objects of a namespace that does not exist. Here such a namespace exists as long as there are objects
in it, without labels of its own; `default` always does. So a folder of files needs no Namespace objects unless their
labels matter. For the same reason nothing else goes when a Namespace object is removed: what is left is the namespace
without its labels.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from msgspec import structs

from weft.base.issues import Ref
from weft.mesh.fragments import NAMESPACE, Objects
from weft.model.kubernetes import Namespace
from weft.model.objects import Broken, Metadata, Object

NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""The label that every namespace has: the API server adds it."""

DEFAULT: Final = "default"


class Namespaces:
    """Keeps the namespaces among the graph's objects in step with what is declared and what is used."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._declared: dict[str, dict[str, str]] = {}
        self._used = Counter[str]({DEFAULT: 1})
        self._known: set[Ref] = set()
        self._settle(DEFAULT)

    def declare(self, name: str, value: Object[Any] | Broken | None) -> None:
        """Takes over what is declared of a namespace; None if nothing is any more."""
        if value is None:
            self._declared.pop(name, None)
            self._settle(name)
            return
        labels = self._declared[name] = value.metadata.labels | {NAME_LABEL: name}
        metadata = structs.replace(value.metadata, labels=labels)
        self._objects.set(value.ref, structs.replace(value, metadata=metadata))

    def note(self, ref: Ref, *, present: bool) -> None:
        """Takes note of an object that is there, or not."""
        if not ref.namespace or (ref in self._known) == present:
            return
        if present:
            self._known.add(ref)
        else:
            self._known.discard(ref)
        before = self._used[ref.namespace]
        self._used[ref.namespace] = now = before + (1 if present else -1)
        if not before or not now:
            self._settle(ref.namespace)

    def implied(self) -> list[str]:
        """The namespaces that exist because they are used, sorted."""
        return sorted(name for name in +self._used if name not in self._declared)

    def labels(self, name: str) -> dict[str, str]:
        """The labels of a namespace. Those of an object that can't be read otherwise count: injection fails closed."""
        return self._declared.get(name, {NAME_LABEL: name})

    def _settle(self, name: str) -> None:
        if name in self._declared:
            return
        if self._used[name] > 0:
            metadata = Metadata(name=name, labels={NAME_LABEL: name})
            self._objects.set(_ref(name), Object(NAMESPACE, metadata, Namespace()))
        else:
            del self._used[name]
            self._objects.remove(_ref(name))


def namespace_body(name: str) -> dict[str, Any]:
    """A namespace that nobody declares, as an object."""
    return {"apiVersion": "v1", "kind": NAMESPACE, "metadata": {"name": name, "labels": {NAME_LABEL: name}}}


def _ref(name: str) -> Ref:
    return Ref(NAMESPACE, "", name)
