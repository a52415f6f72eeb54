"""A simulated proxy: what it asks for and how it answers, as Envoy's sidecars do. No I/O.

It asks for all clusters, then for their endpoints and secrets; when it has the endpoints, for all listeners, and then
for their routes and secrets; where virtual hosts are resources of their own, for all of these. It accepts everything.
Routes and secrets that nothing names any more stay subscribed. On a new stream it asks for all of that at once, and
tells the versions that it has.
"""

from functools import lru_cache

from benchmarks.ads import requests
from benchmarks.ads.content import NONE, Content, Names, Protocol, Response

from weft.envoy.type_urls import CDS, EDS, LDS, RDS, SDS, VHDS


@lru_cache(maxsize=1_024)
def _union(one: Names, other: Names) -> Names:
    """Results are shared: proxies that are told the same hold the same."""
    return one | other


@lru_cache(maxsize=1_024)
def _minus(one: Names, other: Names) -> Names:
    return one - other


class Proxy:
    """The state of one proxy on its stream. `node` is its envoy.config.core.v3.Node."""

    def __init__(self, node: bytes, protocol: Protocol) -> None:
        self._node = node
        self._delta = protocol == "delta"
        self._wanted: dict[str, Names] = {CDS: NONE}
        self._missing: dict[str, Names] = {}
        self._whole: set[str] = {CDS, LDS}
        self._clusters: Names = NONE
        self._last: dict[str, tuple[bytes, bytes]] = {}
        self._history: dict[str, list[tuple[Content, tuple[bytes, ...]]]] = {}

    @property
    def configured(self) -> bool:
        """True when it has had an answer to all that it asked for."""
        return not self._whole and not any(self._missing.values())

    def begin(self) -> list[bytes]:
        """Returns the first requests of a stream: what it wants, and, if it is not its first stream, what it has."""
        return [self._ask(kind, self._node if kind == CDS else b"") for kind in self._wanted]

    def _ask(self, kind: str, node: bytes) -> bytes:
        if self._delta:
            return requests.delta_begin(kind, self._wanted[kind], tuple(self._history.get(kind, ())), node)
        version, _ = self._last.get(kind, (b"", b""))
        return requests.sotw(kind, self._wanted[kind], version, node=node)

    def take(self, response: Response) -> list[bytes]:
        """Takes a response; returns the requests that follow from it, its acceptance first."""
        kind, held = response.type_url, response.content
        answers = [self._accept(response)]
        self._whole.discard(kind)
        if self._missing.get(kind):
            self._missing[kind] = _minus(self._missing[kind], _union(held.names, frozenset(response.removed)))
        gone = self._gone(response)
        for referred in (EDS, SDS, RDS) if kind in (CDS, LDS) else ():
            answers += self._want(referred, held.references.get(referred, NONE), gone if referred == EDS else NONE)
        if VHDS in held.references:
            answers += self._want_all(VHDS)
        if CDS not in self._whole and not self._missing.get(EDS):
            answers += self._want_all(LDS)
        return answers

    def _want_all(self, kind: str) -> list[bytes]:
        if kind in self._wanted:
            return []
        self._wanted[kind] = NONE
        self._whole.add(kind)
        return [requests.delta(kind) if self._delta else requests.sotw(kind, NONE)]

    def _accept(self, response: Response) -> bytes:
        if self._delta:
            self._history.setdefault(response.type_url, []).append((response.content, response.removed))
            return requests.delta_answer(response.type_url, response.nonce)
        self._last[response.type_url] = (response.version, response.nonce)
        return requests.sotw(
            response.type_url, self._wanted.get(response.type_url, NONE), response.version, response.nonce
        )

    def _gone(self, response: Response) -> Names:
        """The clusters that there are no more: their endpoints have their names."""
        if response.type_url != CDS or self._delta:
            return frozenset(response.removed)
        gone, self._clusters = _minus(self._clusters, response.content.names), response.content.names
        return gone

    def _want(self, kind: str, names: Names, gone: Names) -> list[bytes]:
        before = self._wanted.get(kind, NONE)
        fresh = _minus(names, before) if before else names
        stale = gone & before if gone else NONE
        if not fresh and not stale:
            return []
        after = _union(before, fresh) if before else fresh
        self._wanted[kind] = _minus(after, stale) if stale else after
        missing = self._missing.get(kind, NONE)
        missing = _union(missing, fresh) if missing else fresh
        self._missing[kind] = _minus(missing, stale) if stale else missing
        if self._delta:
            return [requests.delta(kind, fresh, stale)]
        return [requests.sotw(kind, self._wanted[kind], *self._last.get(kind, ()))]
