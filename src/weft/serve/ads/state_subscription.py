"""What one client of state of the world wants of one type, and what is still to be told to it.

Clusters and listeners are told all together: what is missing is gone. Of all other types only what changed is told, and
that something is gone follows from what referred to it ("Xds protocol", sections "Basic Protocol Overview" and
"Deleting Resources" of Envoy's documentation).
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from weft.envoy.resource import Resource
from weft.serve.ads.batches import Batch
from weft.serve.ads.messages import DeltaRequest
from weft.serve.ads.names import NONE, Names, NameSets
from weft.serve.ads.subscription import Refusal, Subscription
from weft.serve.ads.views import ResourceSource


class ChangedSubscription(Subscription):
    """The state of a type of which only changes are told. Nobody hears that something is gone."""

    def __init__(self, source: ResourceSource, request: DeltaRequest, sets: NameSets) -> None:
        super().__init__(source, request, sets)
        self._owes_answer = False  # a client waits for names, and there is no word for those that there are not

    def _look_up(self, source: ResourceSource, names: Names) -> tuple[Batch, Names]:
        """As in `Subscription`."""
        batch, left = super()._look_up(source, names)
        return (Batch(batch.resources, (), batch.present) if batch.removed else batch), left


class _Whole(Struct, frozen=True):
    """All that there is, by name, and in the order of names."""

    there: Mapping[str, Resource]
    ordered: tuple[Resource, ...]


class WholeSubscription(Subscription):
    """The state of a type that is told all together. What is not to be removed yet is told again as it was."""

    def __init__(self, source: ResourceSource, request: DeltaRequest, sets: NameSets) -> None:
        self._told: Mapping[str, Resource] = {}
        super().__init__(source, request, sets)

    def take(self, source: ResourceSource, now: float, hold_removals: Callable[[], bool]) -> Batch | None:
        """As in `Subscription`. `names` of the batch are what is different, `resources` all."""
        whole = source.derived(_whole, self.type_url, NONE if self.wildcard else self.names)
        gone = frozenset(name for name in self.stale if name not in whole.there)
        removed = gone.intersection(self._told)
        held = removed if removed and hold_removals() else NONE
        different, self.stale = self.stale - held, held
        self.held_since = (now if self.held_since is None else self.held_since) if held else None
        self._asked = NONE
        owed, self._owes_answer = self._owes_answer, False
        if not different and not owed:
            return None
        if held:
            whole = _ordered({**whole.there, **{name: self._told[name] for name in held}})
        self._told = whole.there
        return Batch(whole.ordered, tuple(sorted(gone - held)), different)

    def answered(self, nonce: str, error: str | None, now: float) -> Refusal | None:
        """As in `Subscription`. Who accepts a response accepts all that there is."""
        awaited = self.awaits(nonce)
        refusal = super().answered(nonce, error, now)
        if awaited and refusal is None:
            self.refused = NONE
        return refusal

    def _part(self, names: list[str]) -> None:
        """Nothing is told in parts: what was refused waits until it changes."""
        self.refused |= frozenset(names)


def _whole(source: ResourceSource, type_url: str, names: Names) -> _Whole:
    """All of a type, or those of `names` that there are."""
    there = source.wildcard(type_url) if not names else None
    if there is None:
        there = {each.name: each for each in source.find(type_url, tuple(names)) if each is not None}
    return _ordered(there)


def _ordered(there: Mapping[str, Resource]) -> _Whole:
    kept = {name: there[name] for name in sorted(there)}  # it must stay as it is while the source changes
    return _Whole(kept, tuple(kept.values()))
