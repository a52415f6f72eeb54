"""Whatever changed, in whatever order: proxies hold what a fresh controller would send to them.

`./dev test tests/unit/apps/changes --hypothesis-profile thorough --timeout 0` tries thousands of sequences.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.apps.changes.objects import VARIANTS, Body, corpus, grafted, moved, renamed, touched
from tests.unit.apps.changes.world import ChangingMesh, all_issues, held_by, proxy_names

FIRST, EVERY = corpus()

BY_KIND: Final = defaultdict[str, list[Body]](list)
for each in EVERY:
    BY_KIND[each["kind"]].append(each)

Change = Callable[[ChangingMesh], None]
Variant = Callable[[Body, int], Body]


def put(body: Body) -> Change:
    return lambda mesh: mesh.set(body)


def vary(number: int, variant: Variant, choice: int) -> Change:
    """Another state of an object that is there."""
    return lambda mesh: mesh.set(variant(mesh.nth(number), choice))


def graft(number: int, choice: int) -> Change:
    """An object that is there, edited to say what another one of its kind says."""

    def change(mesh: ChangingMesh) -> None:
        body = mesh.nth(number)
        others = BY_KIND[body["kind"]]
        mesh.set(grafted(body, others[choice % len(others)]))

    return change


def move(number: int, variant: Variant, choice: int) -> Change:
    """An object that is there, at another place at once."""

    def change(mesh: ChangingMesh) -> None:
        body = mesh.nth(number)
        mesh.remove_nth(number)
        mesh.set(variant(body, choice))

    return change


def remove(number: int) -> Change:
    return lambda mesh: mesh.remove_nth(number)


def restore(number: int) -> Change:
    """An object as it was when it came: a bad one is good again."""
    return lambda mesh: mesh.restore_nth(number)


_PRESENT: Final = st.integers(0, 40)
_CHOICE: Final = st.integers(0, 7)
_BODY: Final = st.one_of(st.sampled_from(EVERY), *map(st.sampled_from, BY_KIND.values()))
"""Also of kinds that there are few objects of."""
_VARIANT: Final = st.sampled_from(VARIANTS)
_CHANGE: Final = st.one_of(
    st.builds(put, _BODY),
    st.builds(lambda body, variant, choice: put(variant(body, choice)), _BODY, _VARIANT, _CHOICE),
    st.builds(vary, _PRESENT, _VARIANT, _CHOICE),
    st.builds(graft, _PRESENT, st.integers(0, 50)),
    st.builds(move, _PRESENT, st.sampled_from((moved, renamed)), _CHOICE),
    st.builds(remove, _PRESENT),
    st.builds(restore, _PRESENT),
)
_SEQUENCE: Final = st.lists(st.lists(_CHANGE, min_size=1, max_size=3), max_size=8)
"""Changes, by those that are told together."""


def changed_by(sequence: list[list[Change]]) -> ChangingMesh:
    mesh = ChangingMesh()
    for body in FIRST:
        mesh.set(body)
    mesh.publish()
    for together in sequence:
        for change in together:
            change(mesh)
        mesh.publish()
    return mesh


@given(_SEQUENCE, _CHOICE)
@settings(max_examples=settings().max_examples // 4)  # each is a few meshes
def test_proxies_hold_what_a_fresh_mesh_has_for_them(sequence: list[list[Change]], choice: int) -> None:
    mesh = changed_by(sequence)
    assert {name: proxy.needless for name, proxy in mesh.proxies.items() if proxy.needless} == {}
    mesh.told()
    for body in list(mesh.bodies.values()):
        mesh.set(touched(body, choice))
    mesh.publish()
    assert mesh.told() == {}, "what means nothing was told"
    fresh = mesh.fresh()
    assert sorted(mesh.proxies) == sorted(proxy_names(fresh))
    for name, proxy in mesh.proxies.items():
        expected = held_by(fresh, name)
        assert held_by(mesh.pipeline, name) == expected
        assert proxy.held == expected
    assert all_issues(mesh.pipeline) == all_issues(fresh)
