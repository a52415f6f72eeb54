"""What one response tells, and what of it streams share."""

import pytest
from tests.unit.serve.ads.client import item

from weft.base.wire import string_field
from weft.envoy.type_urls import CDS, EDS
from weft.serve.ads.batches import Batch, next_batch, versions_of, versions_of_all
from weft.serve.ads.messages import Holdings, RequestError, holding
from weft.serve.ads.views import ResourceTable


def table() -> ResourceTable:
    found = ResourceTable((CDS,))
    found.update(item(type_url, name, "x" * 100) for type_url in (CDS, EDS) for name in "abc")
    return found


def test_a_batch_tells_what_there_is_and_what_is_gone() -> None:
    batch, left = next_batch(table(), EDS, frozenset("acz"))
    assert ([each.name for each in batch.resources], batch.removed, left) == (["a", "c"], ("z",), frozenset())
    assert (batch.names, batch.present) == (frozenset("acz"), frozenset("ac"))


def test_what_does_not_fit_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.serve.ads.batches.MAX_RESPONSE_BYTES", 450)
    batch, left = next_batch(table(), EDS, frozenset("abc0"))
    assert (batch.names, left) == (frozenset("ab0"), frozenset("c"))


def test_removals_that_are_held_are_not_told() -> None:
    batch, _ = next_batch(table(), EDS, frozenset("ayz"))
    assert batch.without(frozenset("y")) == Batch(batch.resources, ("z",), frozenset("az"))
    assert not Batch((), ("z",), frozenset("z")).without(frozenset("z"))


def test_what_a_client_holds_is_compared_with_what_there_is() -> None:
    source = table()
    version = item(EDS, "a", "x" * 100).version
    there = versions_of(source, EDS, frozenset("abz"))
    assert there.names == frozenset("ab")
    held = {"a": version, "b": "old", "gone": "1"}
    assert there.compare(holdings(held)) == (frozenset("a"), frozenset({"b", "gone"}))
    assert there.compare(holdings({"a": version, "b": version})) == (frozenset("ab"), frozenset())
    assert versions_of_all(source, CDS, frozenset()).names == frozenset("abc")


def test_an_entry_counts_for_what_it_says_and_not_for_how() -> None:
    """A client may write the fields of an entry in any order."""
    version = item(EDS, "a", "x" * 100).version
    turned = Holdings(frozenset((string_field(2, version) + string_field(1, "a"),)))
    assert turned.without(frozenset()) == {"a": version}
    current, other = versions_of(table(), EDS, frozenset("a")).compare(turned)
    assert (current, other) == (frozenset(), frozenset("a")), "it is told again: that does no harm"
    with pytest.raises(RequestError):
        Holdings(frozenset((b"nonsense",))).without(frozenset())


def holdings(versions: dict[str, str]) -> Holdings:
    return Holdings(frozenset(holding(name, version) for name, version in versions.items()))
