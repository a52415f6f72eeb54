"""What one response tells, and what of it streams share."""

import pytest
from tests.unit.serve.ads.client import item

from weft.envoy.type_urls import CDS, EDS
from weft.serve.ads.batches import Batch, next_batch, versions_of, versions_of_all
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


def test_versions_are_those_of_what_there_is() -> None:
    source = table()
    version = item(EDS, "a", "x" * 100).version
    assert versions_of(source, EDS, frozenset("az")).versions == {"a": version}
    assert versions_of_all(source, CDS, frozenset()).names == frozenset("abc")
