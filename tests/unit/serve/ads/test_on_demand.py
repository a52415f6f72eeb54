"""Clusters that are told to those who ask for them, beside those that are told to all."""

from collections.abc import Iterable, Mapping

from tests.unit.serve.ads.client import Client, item

from weft.envoy.resource import Resource
from weft.envoy.type_urls import CDS, EDS, ON_DEMAND
from weft.serve.ads.batches import versions_of_all
from weft.serve.ads.messages import WILDCARD
from weft.serve.ads.stream import DeltaStream
from weft.serve.ads.views import Changes, ResourceTable
from weft.serve.ads.whole_tables import Tables, WholeTables, changed_tables


class Source(ResourceTable):
    """A table of which the clusters in `apart` are told on demand."""

    def __init__(self, *resources: Resource, apart: Iterable[str] = ()) -> None:
        super().__init__((CDS,))
        self.apart = frozenset(apart)
        self.update(resources)

    def wildcard(self, type_url: str) -> Mapping[str, Resource] | None:
        if type_url == ON_DEMAND:
            return {name: each for name, each in (super().wildcard(CDS) or {}).items() if name in self.apart}
        found = super().wildcard(type_url)
        return {name: each for name, each in found.items() if name not in self.apart} if found is not None else None

    def change(self, *resources: Resource, removed: Iterable[str] = (), apart: Iterable[str] | None = None) -> Changes:
        """The changes as a view tells them: a cluster that is told in another way has gone here and come there."""
        before, self.apart = self.apart, self.apart if apart is None else frozenset(apart)
        names = set(self.update(resources, [(CDS, name) for name in removed]).get(CDS, ()))
        moved = before ^ self.apart
        all_around = {name for name in names if name not in before or name not in self.apart}
        return {CDS: all_around | moved, ON_DEMAND: (names & (before | self.apart)) | moved}


def client_of(source: Source) -> Client:
    client = Client(DeltaStream(source, 0.0))
    client.subscribe(CDS)
    client.settle()
    return client


def asks(client: Client, *names: str) -> None:
    """As Envoy does: with its first name it says that it wants the rest, too."""
    client.subscribe(CDS, WILDCARD, *names)
    client.settle()


def held(client: Client) -> set[str]:
    return set(client.kept[CDS].versions)


def test_who_asks_gets_it() -> None:
    client = client_of(Source(item(CDS, "all"), item(CDS, "one"), item(CDS, "two"), apart=("one", "two")))
    assert held(client) == {"all"}
    asks(client, "one")
    assert held(client) == {"all", "one"}


def test_changes_are_told_to_those_who_asked() -> None:
    source = Source(item(CDS, "one"), item(CDS, "two"), apart=("one", "two"))
    client = client_of(source)
    asks(client, "one")
    before = len(client.seen)
    client.stream.changed(source.change(item(CDS, "two", "2")))
    client.settle()
    assert len(client.seen) == before, "a cluster that it does not have"
    client.stream.changed(source.change(item(CDS, "one", "2")))
    client.settle()
    found = source.named(CDS, "one")
    assert found is not None
    assert client.kept[CDS].versions["one"] == found.version
    client.stream.changed(source.change(removed=["one", "two"]))
    client.settle()
    assert client.seen[-1].removed == ["one"]


def test_what_is_missing_is_told_at_once_and_when_it_comes() -> None:
    source = Source(apart=("one",))
    client = client_of(source)
    asks(client, "one")
    assert client.seen[-1].removed == ["one"], "a request waits for it"
    client.stream.changed(source.change(item(CDS, "one")))
    client.settle()
    assert held(client) == {"one"}


def test_what_was_told_to_all_is_followed_when_it_is_told_on_demand() -> None:
    source = Source(item(CDS, "one"))
    client = client_of(source)
    client.stream.changed(source.change(apart=("one",)))
    client.settle()
    assert held(client) == {"one"}, "routes lead to it"
    for again in (False, True):
        if again:
            client.reconnect(DeltaStream(source, client.time))
            client.settle()
        client.stream.changed(source.change(item(CDS, "one", f"changed {again}")))
        client.settle()
        found = source.named(CDS, "one")
        assert found is not None
        assert client.kept[CDS].versions["one"] == found.version


def test_a_client_that_comes_back_is_told_what_it_asked_for() -> None:
    source = Source(item(CDS, "one"), item(CDS, "two"), apart=("one", "two"))
    client = client_of(source)
    asks(client, "one")
    source.change(item(CDS, "one", "2"), item(CDS, "two", "2"))
    client.reconnect(DeltaStream(source, client.time))
    client.settle()
    assert (client.seen[-1].type_url, set(client.seen[-1].versions)) == (CDS, {"one"})


def test_a_move_to_a_view_that_tells_less_to_all_loses_nothing() -> None:
    client = client_of(Source(item(CDS, "one")))
    other = Source(item(CDS, "one", "2"), apart=("one",))
    client.stream.move(other)
    client.settle()
    for content in ("2", "3"):
        found = other.named(CDS, "one")
        assert found is not None
        assert client.kept[CDS].versions["one"] == found.version, content
        client.stream.changed(other.change(item(CDS, "one", "3")))
        client.settle()


def test_state_of_the_world_has_all_clusters() -> None:
    """It has no word for one that is added on demand."""
    source = Source(item(CDS, "all"), item(CDS, "one"), apart=("one",))
    whole = WholeTables(source, Tables())
    assert set(whole.wildcard(CDS) or {}) == {"all", "one"}
    assert whole.derived(versions_of_all, CDS, frozenset()).names == {"all", "one"}
    assert changed_tables(source.change(item(CDS, "one", "2"))) == {CDS: {"one"}}


def test_endpoints_come_behind_a_cluster_that_was_asked_for() -> None:
    source = Source(item(CDS, "one"), item(EDS, "one"), apart=("one",))
    client = client_of(source)
    client.subscribe(EDS, "other")
    client.settle()
    asks(client, "one")
    client.subscribe(EDS, "one")
    client.settle()
    assert client.warming == set()
