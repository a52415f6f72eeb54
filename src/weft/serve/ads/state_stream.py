"""The state-of-the-world variant of one stream (StreamAggregatedResources), on the machine of the delta variant.

Source: "xDS REST and gRPC protocol" in Envoy's documentation (api-docs/xds_protocol):

- A request names all that is wanted; what was not named before is told, changed or not. Of clusters and listeners, no
  name at all means everything, until one was named.
- A request whose nonce is not that of the last response is stale: it answers, and asks for nothing.
- The order is that of the delta variant. On a new stream everything is told again: which of what it told a client
  holds can't be known from the version of one response.
"""

from typing import Final

import msgspec

from weft.envoy.type_urls import CDS, LDS
from weft.serve.ads.batches import Batch
from weft.serve.ads.bodies import Bodies
from weft.serve.ads.messages import DeltaRequest, encode_rest
from weft.serve.ads.names import NONE, Names, NameSets
from weft.serve.ads.state_subscription import ChangedSubscription, WholeSubscription
from weft.serve.ads.stream import DEFAULT_PACING, DeltaStream, Pacing
from weft.serve.ads.subscription import Refusal, Subscription
from weft.serve.ads.views import Changes, ResourceSource
from weft.serve.ads.whole_tables import Tables, WholeTables, changed_tables

_TOLD_WHOLE: Final = frozenset((CDS, LDS))


class StateStream(DeltaStream):
    """One stream; parameters are as in `DeltaStream`. Requests are those of `parse_state_request`, `bodies` encode by
    `encode_state`, and `tables` are what it shares with other streams of its kind.
    """

    def __init__(
        self,
        source: ResourceSource,
        started: float,
        pacing: Pacing = DEFAULT_PACING,
        *,
        bodies: Bodies,
        sets: NameSets,
        tables: Tables,
    ) -> None:
        super().__init__(WholeTables(source, tables), started, pacing, bodies, sets)
        self._tables = tables
        self._wanted: dict[str, Names] = {}

    def receive(self, request: DeltaRequest, now: float) -> Refusal | None:
        """As in `DeltaStream`."""
        subscription = self._subscriptions.get(request.type_url)
        if subscription is None:
            self._wanted[request.type_url] = request.subscribe
            return super().receive(msgspec.structs.replace(request, nonce="", error=None), now)
        last, _ = subscription.last_sent or ("", 0.0)
        before = self._wanted[request.type_url]
        wanted = before if request.nonce and request.nonce != last else request.subscribe
        self._wanted[request.type_url] = wanted
        more, less = (wanted - before, before - wanted) if wanted != before else (NONE, NONE)
        return super().receive(msgspec.structs.replace(request, subscribe=more, unsubscribe=less), now)

    def changed(self, changes: Changes) -> None:
        """As in `DeltaStream`."""
        super().changed(changed_tables(changes))

    def move(self, source: ResourceSource) -> None:
        """As in `DeltaStream`."""
        super().move(WholeTables(source, self._tables))

    def _new_subscription(self, request: DeltaRequest) -> Subscription:
        kind = WholeSubscription if request.type_url in _TOLD_WHOLE else ChangedSubscription
        return kind(self._source, request, self._sets)

    def _rest(self, nonce: str, _: Batch) -> bytes:
        return encode_rest(nonce, ())
