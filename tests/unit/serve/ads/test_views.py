"""Views tell all their streams of a change, and nobody of none."""

from tests.unit.serve.ads.client import WHOLE, item

from weft.envoy.type_urls import CDS, EDS, SDS
from weft.serve.ads.views import Changes, Layered, ResourceTable, View, differences


class Ear:
    def __init__(self) -> None:
        self.heard: list[Changes] = []

    def changed(self, changes: Changes) -> None:
        self.heard.append(changes)


def test_all_streams_of_a_view_hear_of_a_change_until_they_leave() -> None:
    view, first, second = View("v", ResourceTable()), Ear(), Ear()
    view.attach(first)
    view.attach(second)
    view.publish({CDS: {"a"}})
    view.detach(first)
    view.publish({CDS: {"b"}})
    assert first.heard == [{CDS: {"a"}}]
    assert second.heard == [{CDS: {"a"}}, {CDS: {"b"}}]
    assert view.watched
    view.detach(second)
    assert not view.watched


def test_nothing_changed_is_not_told() -> None:
    view, ear = View("v", ResourceTable()), Ear()
    view.attach(ear)
    view.publish({})
    view.publish({CDS: set()})
    assert not ear.heard


def test_a_table_tells_what_is_different() -> None:
    table = ResourceTable(WHOLE)
    assert table.update([item(CDS, "a"), item(EDS, "a")]) == {CDS: {"a"}, EDS: {"a"}}
    assert table.update([item(CDS, "a"), item(CDS, "b")], [(EDS, "none")]) == {CDS: {"b"}}
    assert table.update([], [(CDS, "a")]) == {CDS: {"a"}}
    assert set(table.wildcard(CDS) or {}) == {"b"}
    assert table.wildcard(EDS) is None
    assert table.named(CDS, "a") is None


def test_own_resources_hide_shared_ones_of_the_same_name() -> None:
    own, shared = ResourceTable(), ResourceTable(WHOLE)
    own.update([item(SDS, "default", "own")])
    shared.update([item(SDS, "default", "shared"), item(SDS, "gateway"), item(CDS, "a")])
    both = Layered(own, shared)
    assert both.named(SDS, "default") == item(SDS, "default", "own")
    assert both.named(SDS, "gateway") == item(SDS, "gateway")
    assert set(both.wildcard(CDS) or {}) == {"a"}
    assert both.wildcard(SDS) is None


def test_differences_are_those_of_content() -> None:
    old, new = ResourceTable(WHOLE), ResourceTable(WHOLE)
    old.update([item(CDS, "a"), item(CDS, "b"), item(EDS, "x"), item(EDS, "y")])
    new.update([item(CDS, "a"), item(CDS, "b", "2"), item(CDS, "c"), item(EDS, "x"), item(EDS, "y", "2")])
    assert differences(old, new, CDS, ()) == {"b", "c"}
    assert differences(old, new, EDS, ("x",)) == set()
    assert differences(old, new, EDS, ("x", "y")) == {"y"}
