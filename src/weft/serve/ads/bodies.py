"""The bytes that streams are sent alike: joined once, and shared by all that are sent the same resources."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from weft.envoy.resource import Resource
from weft.serve.ads.messages import encode_resources
from weft.serve.ads.recent import Recent

SIZE: Final = 32 * 1024 * 1024
"""Bytes that are kept in case that another stream needs them: twice what 10,000 services come to. With less, streams
that are at different places drop each other's bodies, and slow ones would hold a copy of all virtual hosts each."""

Resources = tuple[Resource, ...]
_Key = tuple[str, tuple[int, ...]]


class _Body(Struct, frozen=True):
    """Holds the resources as well: while they live, nothing else has their ids."""

    resources: Resources
    data: bytes


class Bodies:
    """Joined resources, the last used ones. What a slow stream still sends stays with it, shared, and is not counted.

    Nothing here goes stale: resources never change, and are told apart by identity.
    """

    def __init__(self, size: int = SIZE, encode: Callable[[str, Resources], bytes] = encode_resources) -> None:
        self._encode = encode
        self._bodies: Recent[_Key, _Body] = Recent(size)

    def body(self, type_url: str, resources: Resources) -> bytes:
        """The part of a response that tells these resources."""
        key = (type_url, tuple(map(id, resources)))
        found = self._bodies.get(key)
        if found is None:
            data = self._encode(type_url, resources)
            found = self._bodies.put(key, _Body(resources, data), len(data))
        return found.data
