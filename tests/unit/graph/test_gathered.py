"""Pieces of entries by buckets: always what a look from scratch finds, and no wider known than they are read."""

from collections.abc import Callable, Iterable

from hypothesis import given
from hypothesis import strategies as st

from weft.graph.buckets import Gathered
from weft.graph.collections import Partition
from weft.graph.core import Graph
from weft.graph.tables import Derived, Input
from weft.graph.watch import Watcher

LETTERS = "abcdef"


class Texts:
    """Texts whose words are found by each of their letters. `upper` reads them."""

    def __init__(self, missing_by: Callable[[str], bool] | None = None) -> None:
        graph = Graph()
        self.texts: Input[str, str] = Input(graph, "texts")
        pieces: Partition[str, str, bool, str] = Partition(graph, "pieces", self.texts, lambda text: {True: (text,)})
        self.words: Gathered[str, str, str, str] = Gathered(
            graph, "words", pieces.part(True), lambda _, text: text.replace(" ", ""), words_with, missing_by
        )
        self.upper: Derived[str, str] = Derived(graph, "upper", lambda letter: self.joined(letter).upper())
        self.watcher = Watcher(self.upper)

    def joined(self, letter: str) -> str:
        return " ".join(self.words.get(letter))


def words_with(text: str, letter: str) -> list[str]:
    return [word for word in text.split() if letter in word]


def vowels(letter: str) -> bool:
    return letter in "aeiou"


def expected(texts: Iterable[tuple[str, str]], letter: str) -> str:
    return " ".join(word for _, text in sorted(texts) for word in text.split() if letter in word).upper()


def test_who_reads_a_bucket_sees_entries_that_come_change_and_go() -> None:
    world = Texts()
    world.texts.set("2", "bad dab")
    world.texts.set("1", "ace")
    assert world.words.get("a") == ("ace", "bad", "dab")
    world.texts.set("2", "fab dab")
    assert world.words.get("a") == ("ace", "fab", "dab")
    world.texts.remove("1")
    assert (world.words.get("a"), world.words.get("e")) == (("fab", "dab"), ())
    assert world.words.buckets() == ("a", "b", "d", "f")


def test_a_change_reaches_only_the_buckets_whose_pieces_differ() -> None:
    world = Texts()
    world.texts.set("1", "ace bed")
    assert [world.watcher.add(letter) for letter in "abc"] == ["ACE", "BED", "ACE"]
    world.texts.set("1", "ace bee")
    assert world.watcher.changes() == [("b", "BEE")]
    assert world.upper.computed == 4


def test_those_who_miss_something_share_a_node_and_look_again_when_one_of_its_group_comes() -> None:
    world = Texts(vowels)
    assert [world.watcher.add(letter) for letter in LETTERS] == [""] * 6
    assert len(world.words) == 2
    world.texts.set("1", "bcd")
    assert sorted(world.watcher.changes()) == [("b", "BCD"), ("c", "BCD"), ("d", "BCD")]
    assert world.upper.computed == 6 + 4  # f looked in vain, a and e did not look
    world.texts.remove("1")
    assert sorted(world.watcher.changes()) == [("b", ""), ("c", ""), ("d", "")]


def test_nothing_is_kept_of_what_nobody_misses_any_more() -> None:
    world = Texts(vowels)
    for letter in LETTERS:
        world.watcher.add(letter)
    for letter in LETTERS:
        world.watcher.remove(letter)
    assert world.upper.get("a") == ""
    world.texts.set("1", "b")
    assert (world.words.get("b"), len(world.upper)) == (("b",), 0)
    world.texts.set("1", "c")
    assert (world.words.get("b"), len(world.words)) == ((), 1)


STEPS = st.lists(
    st.tuples(
        st.sampled_from("123"),
        st.none() | st.text(LETTERS + " ", max_size=6),
        st.booleans(),
    )
)


@given(steps=STEPS, grouped=st.booleans())
def test_what_is_read_is_always_what_is_there(steps: list[tuple[str, str | None, bool]], grouped: bool) -> None:
    world = Texts(vowels if grouped else None)
    held = {letter: world.watcher.add(letter) for letter in LETTERS[:4]}
    texts: dict[str, str] = {}
    for name, text, looks in steps:
        if text is None:
            world.texts.remove(name)
            texts.pop(name, None)
        else:
            world.texts.set(name, text)
            texts[name] = text
        if looks:
            held.update(world.watcher.changes())
            assert held == {letter: expected(texts.items(), letter) for letter in LETTERS[:4]}
            assert world.joined("f") == expected(texts.items(), "f").lower()
