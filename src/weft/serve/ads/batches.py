"""What one response tells: as much of what is to be told as fits, worked out once for all streams that show a view."""

import sys
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from weft.envoy.resource import Resource
from weft.envoy.type_urls import LDS, VHDS
from weft.serve.ads.messages import Holdings, holding
from weft.serve.ads.names import NONE, Names
from weft.serve.ads.views import ResourceSource

MAX_RESPONSE_BYTES: Final = 1024 * 1024
"""Size of a response, unless one resource alone is larger."""

_AT_ONCE: Final = (LDS, VHDS)


class Batch(Struct, frozen=True):
    """What one response tells: resources that are new or different, and names that are gone; `names` are all."""

    resources: tuple[Resource, ...] = ()
    removed: tuple[str, ...] = ()
    names: Names = NONE

    def __bool__(self) -> bool:
        """Whether it tells anything."""
        return bool(self.names)

    @property
    def present(self) -> Names:
        """The names of its resources."""
        return self.names.difference(self.removed) if self.removed else self.names

    def without(self, held: Names) -> "Batch":
        """The same without the removal of some names."""
        return Batch(self.resources, tuple(name for name in self.removed if name not in held), self.names - held)


def next_batch(source: ResourceSource, type_url: str, names: Names) -> tuple[Batch, Names]:
    """As much of `names` as fits into a response, in their order, and the names that are left."""
    room = sys.maxsize if type_url in _AT_ONCE else MAX_RESPONSE_BYTES
    resources: list[Resource] = []
    removed: list[str] = []
    ordered = sorted(names)
    left = NONE
    for index, found in enumerate(source.find(type_url, ordered)):
        if found is None:
            removed.append(ordered[index])
            continue
        room -= len(found.wire)
        if room < 0 and resources:
            left = frozenset(ordered[index:])
            break
        resources.append(found)
    return Batch(tuple(resources), tuple(removed), names - left if left else names), left


class Versions(Struct, frozen=True):
    """What there is of some resources: their `names`, and what a client says of each that has it as it is."""

    names: Names
    entries: frozenset[bytes]
    name_of: Mapping[bytes, str]

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> "Versions":
        """Those of some resources."""
        name_of = {holding(each.name, each.version): each.name for each in resources}
        return cls(frozenset(name_of.values()), frozenset(name_of), name_of)

    def compare(self, held: Holdings) -> tuple[Names, Names]:
        """The names of those that a client has as they are, and of what else it has. RequestError as in `Holdings`."""
        if held.entries == self.entries:
            return self.names, NONE
        missing = self.entries - held.entries
        current = self.names.difference([self.name_of[entry] for entry in missing])
        return current, frozenset(held.without(self.entries)) - current


def versions_of(source: ResourceSource, type_url: str, names: Names) -> Versions:
    """Those of `names` that there are."""
    return Versions.of(each for each in source.find(type_url, tuple(names)) if each is not None)


def versions_of_all(source: ResourceSource, type_url: str, _: Names) -> Versions:
    """All of a type that is discovered as a whole."""
    return Versions.of((source.wildcard(type_url) or {}).values())
