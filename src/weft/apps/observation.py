"""What a controller tells of itself: its metrics, and why it pushed what it pushed."""

from __future__ import annotations

import re
import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from weft import __version__
from weft.apps.authority import Identity
from weft.base.issues import Ref
from weft.envoy.type_urls import CDS, EDS, LDS, RDS, SHORT_NAMES
from weft.graph.core import Graph
from weft.mesh.fragments import Objects
from weft.model.istio_networking import ServiceEntry
from weft.model.objects import Object
from weft.serve.ads.registry import Registry
from weft.serve.transport import SecureServer, ServerSettings
from weft.sources.local.store import ObjectStore
from weft.telemetry import metrics
from weft.telemetry.exposition import Exposition
from weft.telemetry.instruments import Answer, Asked, Counter, new_registry, one
from weft.telemetry.metrics import Metric
from weft.telemetry.push_log import Lane, PushLog
from weft.telemetry.streams import StreamMetrics

_SERVICE: Final = "Service"
_SERVICE_ENTRY: Final = "ServiceEntry.networking.istio.io"
_VIRTUAL_SERVICE: Final = "VirtualService.networking.istio.io"
_UPDATES: Final = {_SERVICE: "svc", "Pod": "eds", "WorkloadEntry.networking.istio.io": "eds"}
_CONFIG: Final = "config"

_VERSION: Final = re.compile(r"\d{1,4}(\.\d{1,4}){0,3}")
_VERSIONS: Final = 32
_REJECTS: Final = {
    CDS: metrics.CDS_REJECT,
    EDS: metrics.EDS_REJECT,
    LDS: metrics.LDS_REJECT,
    RDS: metrics.RDS_REJECT,
}


class Observation:
    """The one place where metrics are put together. `graph` and `objects` are the controller's."""

    def __init__(self, graph: Graph, objects: Objects) -> None:
        self._registry = new_registry()
        self.streams = StreamMetrics(self._registry, SHORT_NAMES)
        self.pushes = PushLog()
        self.exposition = Exposition(self._registry)
        self._updates = Counter(metrics.INBOUND)
        self._registry.register(self._updates)
        self._ask(metrics.INFO, lambda: [((__version__,), 1.0)])
        for metric, answer in _of_graph(graph).items():
            self._ask(metric, answer)
        objects.listen(self._changed)

    def ask(self, streams: Registry, identity: Identity, store: ObjectStore) -> None:
        """Tells of streams, certificates and objects from now on."""
        for metric, answer in _of_streams(self.streams, streams).items():
            self._ask(metric, answer)
        for metric, answer in _of_authority(identity).items():
            self._ask(metric, answer)
        self._ask(metrics.SERVICES, one(lambda: _services(store)))
        self._ask(metrics.VIRTUAL_SERVICES, one(lambda: len(store.refs(_VIRTUAL_SERVICE))))

    def ask_server(self, server: SecureServer, settings: ServerSettings) -> None:
        """Tells of connections and their limits from now on."""
        self._ask(metrics.CONNECTIONS, one(lambda: server.connections))
        self._ask(metrics.CONNECTION_LIMIT, one(lambda: settings.entry.connections))
        self._ask(metrics.HANDSHAKES, one(lambda: server.handshakes))
        self._ask(metrics.HANDSHAKE_LIMIT, one(lambda: settings.entry.handshakes))

    def started(self, lane: Lane, since: float) -> None:
        """As in `pushes.PushObserver`."""
        self.streams.started(since)
        self.pushes.begin(lane, time.monotonic() - since)

    @contextmanager
    def telling(self, lane: Lane, since: float) -> Iterator[None]:
        """As in `pushes.PushObserver`."""
        with self.streams.telling(since), self.pushes.telling(lane):
            yield

    def _changed(self, ref: Ref) -> None:
        self._updates.add(_UPDATES.get(ref.kind, _CONFIG))
        self.pushes.changed(ref)

    def _ask(self, metric: Metric, answer: Answer) -> None:
        self._registry.register(Asked(metric, answer))


def _of_graph(graph: Graph) -> Mapping[Metric, Answer]:
    def by_table(attribute: str) -> Answer:
        return lambda: _summed((table.name, float(getattr(table, attribute))) for table in graph.tables)

    return {
        metrics.GRAPH_NODES: lambda: _summed((table.name, float(len(table))) for table in graph.tables),
        metrics.GRAPH_COMPUTED: by_table("computed"),
        metrics.GRAPH_CUT_OFF: by_table("cut_off"),
    }


def _summed(values: Iterable[tuple[str, float]]) -> Iterator[tuple[tuple[str], float]]:
    """Tables may have the same name: a label's value stands once."""
    sums: dict[str, float] = {}
    for name, value in values:
        sums[name] = sums.get(name, 0.0) + value
    return (((name,), value) for name, value in sums.items())


def _of_streams(streams: StreamMetrics, registry: Registry) -> Mapping[Metric, Answer]:
    def rejects() -> Iterator[tuple[tuple[str], float]]:
        return _summed((streams.name(type_url), float(count)) for type_url, count in registry.nacks.items())

    def rejected(type_url: str) -> Answer:
        return one(lambda: registry.nacks.get(type_url, 0))

    return {
        metrics.XDS: lambda: versions(session.version for session in registry),
        metrics.STALLED: one(lambda: sum(session.stalled for session in registry)),
        metrics.REJECTS: rejects,
        **{metric: rejected(type_url) for type_url, metric in _REJECTS.items()},
    }


def _of_authority(identity: Identity) -> Mapping[Metric, Answer]:
    secrets, authority = identity.secrets, identity.authority
    return {
        metrics.CSRS: one(lambda: secrets.issued + secrets.failed),
        metrics.ISSUED: one(lambda: secrets.issued),
        metrics.SIGN_ERRORS: one(lambda: secrets.failed),
        metrics.AUTHENTICATION_FAILURES: one(lambda: identity.guard.refusals),
        metrics.ROOT_EXPIRY: one(lambda: authority.current.signer.root.not_valid_after_utc.timestamp()),
        metrics.CHAIN_EXPIRY: one(lambda: authority.current.signer.issuer.certificate.not_valid_after_utc.timestamp()),
    }


def versions(found: Iterable[str]) -> Iterator[tuple[tuple[str], float]]:
    """How many proxies say that they are of each version. They may say anything: what is no version is `unknown`, and
    beyond the first few, versions are `other`."""
    tally = Tally(version if _VERSION.fullmatch(version) else "unknown" for version in found)
    common = tally.most_common(_VERSIONS)
    yield from (((version,), float(count)) for version, count in common)
    rest = tally.total() - sum(count for _, count in common)
    if rest:
        yield ("other",), float(rest)


def _services(store: ObjectStore) -> int:
    entries = (store.value(ref) for ref in store.refs(_SERVICE_ENTRY))
    hosts = sum(len(e.spec.hosts) for e in entries if isinstance(e, Object) and isinstance(e.spec, ServiceEntry))
    return len(store.refs(_SERVICE)) + hosts
