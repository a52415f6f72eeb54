"""What comes of building a resource: its bytes, or why there are none."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from weft.envoy.resource import Resource, resource

_FORESEEN: Final = (ValueError, TypeError, KeyError, IndexError)
"""What a builder raises for a value that it does not foresee."""


class BuildFailure(Struct, frozen=True):
    """A resource that could not be built; it is missing in the views, everything else is there."""

    type_url: str
    name: str
    message: str


Built = Resource | BuildFailure
Contents = Mapping[str, Resource]


class Overlaid(Mapping[str, Resource]):
    """Resources that stand `above` others by the same names `below`, which many share. Compared by what it stands on,
    so that it costs what is above."""

    __slots__ = ("above", "below")

    def __init__(self, below: Contents, above: Contents) -> None:
        self.below = below
        self.above = above

    def __getitem__(self, name: str) -> Resource:
        return self.above[name] if name in self.above else self.below[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.below
        yield from (name for name in self.above if name not in self.below)

    def __len__(self) -> int:
        return len(self.below) + sum(name not in self.below for name in self.above)

    def __contains__(self, name: object) -> bool:
        return name in self.above or name in self.below

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Overlaid):
            return NotImplemented
        return self.below is other.below and self.above == other.above

    __hash__ = None  # type: ignore[assignment]


def built(type_url: str, name: str, body: Callable[[], bytes]) -> Built:
    """The resource, or why it can't be built: one value that the builders do not foresee must not take others along."""
    found = built_bytes(type_url, name, body)
    return found if isinstance(found, BuildFailure) else resource(type_url, name, found)


def built_bytes(type_url: str, name: str, body: Callable[[], bytes]) -> bytes | BuildFailure:
    """The same for a part of a resource."""
    try:
        return body()
    except _FORESEEN as failure:
        return BuildFailure(type_url, name, f"{type(failure).__name__}: {failure}")


def by_name(found: Iterable[Built]) -> Contents:
    """What could be built."""
    return {each.name: each for each in found if isinstance(each, Resource)}
