"""The engine recomputes exactly what a change touches, and its results always equal a computation from scratch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.graph.buckets import Index
from weft.graph.collections import Mapped, Partition
from weft.graph.core import CycleError, Graph
from weft.graph.few import MOST, Few, added, removed
from weft.graph.tables import Derived, Input
from weft.graph.watch import Watcher


def test_a_value_is_computed_once_and_again_only_after_its_input_changed() -> None:
    graph = Graph()
    numbers: Input[str, int] = Input(graph, "numbers")
    double: Derived[str, int] = Derived(graph, "double", lambda key: 2 * (numbers.get(key) or 0))
    watcher = Watcher(double)
    numbers.set("a", 1)
    assert watcher.add("a") == 2
    assert double.get("a") == 2
    assert double.computed == 1
    numbers.set("b", 5)
    assert double.get("a") == 2
    assert double.computed == 1
    numbers.set("a", 3)
    assert watcher.changes() == [("a", 6)]
    assert double.computed == 2


def test_setting_an_equal_value_changes_nothing() -> None:
    graph = Graph()
    numbers: Input[str, tuple[int, ...]] = Input(graph, "numbers")
    assert numbers.set("a", (1, 2))
    revision = graph.revision
    assert not numbers.set("a", (1, 2))
    assert graph.revision == revision


def test_an_equal_result_stops_the_change_from_spreading() -> None:
    graph = Graph()
    numbers: Input[str, int] = Input(graph, "numbers")
    sign: Derived[str, bool] = Derived(graph, "sign", lambda key: (numbers.get(key) or 0) > 0)
    text: Derived[str, str] = Derived(graph, "text", lambda key: "positive" if sign.get(key) else "negative")
    watcher = Watcher(text)
    numbers.set("a", 1)
    watcher.add("a")
    numbers.set("a", 7)
    assert watcher.pending()
    assert watcher.changes() == []
    assert (sign.computed, text.computed) == (2, 1)


def test_dependencies_follow_what_was_really_read() -> None:
    graph = Graph()
    values: Input[str, str] = Input(graph, "values")
    chosen: Derived[str, str | None] = Derived(graph, "chosen", lambda key: values.get(values.get(key) or ""))
    values.set("pointer", "x")
    values.set("x", "1")
    values.set("y", "2")
    watcher = Watcher(chosen)
    assert watcher.add("pointer") == "1"
    values.set("pointer", "y")
    assert watcher.changes() == [("pointer", "2")]
    values.set("x", "changed")
    assert not watcher.pending()


def test_a_failure_is_kept_raised_and_healed() -> None:
    graph = Graph()
    values: Input[str, int] = Input(graph, "values")
    inverse: Derived[str, float] = Derived(graph, "inverse", lambda key: 1 / (values.get(key) or 0))
    values.set("a", 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            inverse.get("a")
    values.set("a", 4)
    assert inverse.get("a") == 0.25


def test_a_value_that_depends_on_itself_is_refused() -> None:
    graph = Graph()
    table: Derived[str, int] = Derived(graph, "loop", lambda key: table.get(key))
    with pytest.raises(CycleError, match="loop"):
        table.get("a")


def test_what_nobody_uses_is_forgotten() -> None:
    graph = Graph()
    values: Input[int, int] = Input(graph, "values")
    inner: Derived[int, int] = Derived(graph, "inner", lambda key: values.get(key) or 0)
    outer: Derived[int, int] = Derived(graph, "outer", lambda key: inner.get(key) + 1)
    watcher = Watcher(outer)
    for key in range(100):
        values.set(key, key)
        watcher.add(key)
    assert (len(inner), len(outer)) == (100, 100)
    for key in range(100):
        watcher.remove(key)
    graph.settle()
    assert (len(inner), len(outer)) == (0, 0)


def test_an_index_looks_only_at_entries_that_changed() -> None:
    graph = Graph()
    words: Input[str, str] = Input(graph, "words")
    by_letter: Index[str, str, str] = Index(graph, "by letter", words, lambda _, word: [word[0]])
    members = Derived(graph, "members", by_letter.get)
    watcher = Watcher(members)
    for name, word in (("1", "ant"), ("2", "bee"), ("3", "ape")):
        words.set(name, word)
    assert watcher.add("a") == ("1", "3")
    watcher.add("b")
    looked = by_letter.computed
    words.set("2", "bat")
    assert watcher.changes() == []
    assert by_letter.computed == looked + 1
    words.set("2", "ass")
    assert sorted(watcher.changes()) == [("a", ("1", "2", "3")), ("b", ())]
    words.remove("1")
    assert watcher.changes() == [("a", ("2", "3"))]


def test_a_mapping_may_look_into_an_index_that_is_not_settled_yet() -> None:
    graph = Graph()
    words: Input[str, str] = Input(graph, "words")
    initials: Index[str, str, str] = Index(graph, "initials", words, lambda _, word: [word[0]])
    namesakes = Mapped(graph, "namesakes", words, lambda key, word: tuple(k for k in initials.get(word[0]) if k != key))
    lonely: Index[str, tuple[str, ...], bool] = Index(graph, "lonely", namesakes, lambda _, others: [not others])
    words.set("a", "apple")
    assert lonely.get(True) == ("a",)
    words.set("b", "avocado")
    words.set("c", "cherry")
    assert lonely.get(True) == ("c",)
    assert lonely.get(False) == ("a", "b")


def test_an_index_over_mapped_values_follows_what_the_mapping_read() -> None:
    graph = Graph()
    words: Input[str, str] = Input(graph, "words")
    names: Input[str, str] = Input(graph, "names")
    mapped = Mapped(graph, "mapped", words, lambda _, word: names.get(word) or word)
    index: Index[str, str, str] = Index(graph, "index", mapped, lambda _, word: [word])
    words.set("1", "x")
    assert index.get("x") == ("1",)
    names.set("x", "y")
    assert index.get("x") == ()
    assert index.get("y") == ("1",)
    assert index.buckets() == ("y",)
    names.remove("x")
    assert index.buckets() == ("x",)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["set", "remove", "rename"]),
        st.integers(0, 5),
        st.integers(0, 3),
    ),
    max_size=40,
)


@given(CHANGES)
def test_incremental_results_equal_results_from_scratch(
    changes: list[tuple[str, int, int]],
) -> None:
    def build() -> tuple[Input[int, int], Input[int, int], Watcher[int, tuple[int, ...]]]:
        graph = Graph()
        values: Input[int, int] = Input(graph, "values")
        names: Input[int, int] = Input(graph, "names")
        mapped = Mapped(graph, "mapped", values, lambda _, value: (names.get(value) or value) % 3)
        index: Index[int, int, int] = Index(graph, "index", mapped, lambda _, value: [value])
        total: Derived[int, tuple[int, ...]] = Derived(
            graph,
            "sums",
            lambda bucket: tuple(values.get(key) or 0 for key in index.get(bucket)),
        )
        return values, names, Watcher(total)

    values, names, watcher = build()
    held = {bucket: watcher.add(bucket) for bucket in range(3)}
    for action, key, value in changes:
        if action == "set":
            values.set(key, value)
        elif action == "remove":
            values.remove(key)
        else:
            names.set(key, value)
        held.update(watcher.changes())
        fresh_values, fresh_names, fresh = build()
        for name in values:
            fresh_values.set(name, values.get(name) or 0)
        for name in names:
            fresh_names.set(name, names.get(name) or 0)
        assert held == {bucket: fresh.add(bucket) for bucket in range(3)}


def test_who_follows_a_part_hears_only_of_entries_that_are_or_were_in_it() -> None:
    graph = Graph()
    words: Input[str, str] = Input(graph, "words")
    by_length: Partition[str, str, int, str] = Partition(graph, "by length", words, lambda word: {len(word): (word,)})
    short: Index[str, str, str] = Index(graph, "short", by_length.part(1, 2), lambda _, word: [word[0]])
    long: Index[str, str, str] = Index(graph, "long", by_length.part(3), lambda _, word: [word[0]])
    words.set("1", "a")
    words.set("2", "abc")
    assert (short.get("a"), long.get("a")) == (("1",), ("2",))
    assert (short.computed, long.computed) == (1, 1)
    words.set("1", "bc")
    assert (short.get("a"), short.get("b"), long.get("a")) == ((), ("1",), ("2",))
    words.set("1", "bcd")
    assert (short.get("b"), long.get("b")) == ((), ("1",))
    words.remove("1")
    assert (short.buckets(), long.buckets()) == ((), ("a",))
    assert (short.computed, long.computed) == (3, 3)


def test_a_change_reaches_only_those_who_read_a_piece_that_differs() -> None:
    graph = Graph()
    texts: Input[str, str] = Input(graph, "texts")
    pieces: Partition[str, str, str, str] = Partition(
        graph, "pieces", texts, lambda text: {word[0]: (word,) for word in text.split()}
    )
    read: Derived[str, tuple[str, ...]] = Derived(graph, "read", lambda first: pieces.pieces("1", first))
    above: Derived[str, int] = Derived(graph, "above", lambda first: len(read.get(first)))
    watchers = {first: Watcher(above) for first in "abc"}
    texts.set("1", "apple banana")
    assert {first: watcher.add(first) for first, watcher in watchers.items()} == {"a": 1, "b": 1, "c": 0}
    texts.set("1", "apple berry")
    assert [first for first, watcher in watchers.items() if watcher.pending()] == ["b"]
    assert watchers["b"].changes() == []
    assert (read.get("b"), read.computed, above.computed) == (("berry",), 4, 4)
    texts.set("1", "apple berry cherry")
    assert watchers["c"].changes() == [("c", 1)]
    texts.remove("1")
    assert [read.get(first) for first in "abc"] == [(), (), ()]
    for watcher, first in zip(watchers.values(), "abc", strict=True):
        watcher.remove(first)
    graph.settle()
    assert (len(pieces), len(read)) == (0, 0)


def test_entries_with_pieces_of_a_class_are_followed() -> None:
    graph = Graph()
    texts: Input[str, str] = Input(graph, "texts")
    pieces: Partition[str, str, str, str] = Partition(graph, "pieces", texts, lambda text: {text[0]: (text,)})
    count: Derived[str, int] = Derived(graph, "count", lambda first: len(pieces.keys(first)))
    watcher = Watcher(count)
    texts.set("2", "apple")
    texts.set("1", "avocado")
    assert (watcher.add("a"), watcher.add("b")) == (2, 0)
    assert pieces.keys("a") == ("1", "2")
    texts.set("1", "apricot")
    assert not watcher.pending()
    texts.set("1", "banana")
    assert sorted(watcher.changes()) == [("a", 1), ("b", 1)]
    texts.remove("2")
    assert (pieces.keys("a"), pieces.keys("b")) == ((), ("1",))


def test_nothing_is_kept_of_pieces_that_no_value_depends_on() -> None:
    graph = Graph()
    texts: Input[str, str] = Input(graph, "texts")
    pieces: Partition[str, str, str, str] = Partition(graph, "pieces", texts, lambda text: {text[0]: (text,)})
    texts.set("1", "apple")
    assert (pieces.pieces("1", "a"), len(pieces)) == (("apple",), 0)


def test_pieces_are_asked_for_before_and_after_their_entry_is_there() -> None:
    graph = Graph()
    texts: Input[str, str] = Input(graph, "texts")
    pieces: Partition[str, str, int, str] = Partition(graph, "pieces", texts, lambda text: {len(text): (text,)})
    assert pieces.pieces("1", 1) == ()
    texts.set("1", "a")
    assert pieces.pieces("1", 1) == ("a",)
    texts.set("1", "ab")
    assert (pieces.pieces("1", 1), pieces.pieces("1", 2)) == ((), ("ab",))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20))))
def test_small_and_large_sets_hold_the_same(steps: list[tuple[bool, int]]) -> None:
    members: Few[int] = ()
    expected: set[int] = set()
    for adds, number in steps:
        members = added(members, number) if adds else removed(members, number)
        (expected.add if adds else expected.discard)(number)
        assert sorted(members) == sorted(expected)
        assert isinstance(members, tuple) or len(members) > MOST // 2
