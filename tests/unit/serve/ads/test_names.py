"""Equal sets of names are one."""

from hypothesis import given
from hypothesis import strategies as st

from weft.serve.ads.names import NONE, NameSets

SETS = st.frozensets(st.sampled_from("abcdef"))


def test_equal_sets_are_one() -> None:
    sets = NameSets()
    first = sets.same(frozenset({"a", "b"}))
    assert sets.same(frozenset({"b", "a"})) is first
    assert sets.changed(first, frozenset({"c"})) is sets.changed(first, frozenset({"c"}))
    assert sets.changed(sets.changed(first, frozenset({"c"})), NONE, frozenset({"c"})) is first


@given(st.lists(st.tuples(SETS, SETS)), st.integers(0, 12))
def test_a_set_changes_as_a_set_does(changes: list[tuple[frozenset[str], frozenset[str]]], size: int) -> None:
    """Whatever is remembered, and however little."""
    sets, names, expected = NameSets(size), NONE, set[str]()
    for more, less in changes:
        names = sets.changed(names, more, less)
        expected = (expected | more) - less
        assert names == expected
