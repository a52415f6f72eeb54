"""Reads requests of many streams. What equal proxies say alike is read once, and the names in it are one set."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from weft.serve.ads.messages import DeltaRequest, parse_request
from weft.serve.ads.names import NameSets
from weft.serve.ads.recent import Recent

_SMALL: Final = 256
"""Bytes of a request that is an answer, as a rule."""

_ANSWERS: Final = 4_096
_SIZE: Final = 4 * 1024 * 1024
"""Bytes of larger requests that are remembered."""


class RequestReader:
    """Reads requests by `parse`; `sets` are where equal sets of names become one."""

    def __init__(self, sets: NameSets, parse: Callable[[bytes], DeltaRequest] = parse_request) -> None:
        self._sets = sets
        self._decode = parse
        self._large: Recent[bytes, DeltaRequest] = Recent(_SIZE)
        self._small = lru_cache(maxsize=_ANSWERS)(self._parse)

    def read(self, data: bytes) -> DeltaRequest:
        """As `parse_request`."""
        if len(data) <= _SMALL:
            return self._small(data)
        found = self._large.get(data)
        if found is None:
            found = self._parse(data)
            if not found.held and found.node is None:  # else no other has the same bytes
                self._large.put(data, found, len(data))
        return found

    def _parse(self, data: bytes) -> DeltaRequest:
        found = self._decode(data)
        if not found.subscribe:
            return found
        return msgspec.structs.replace(found, subscribe=self._sets.same(found.subscribe))
