"""Objects that come and go, and views of them, leave nothing behind."""

import gc
from collections import Counter
from typing import Final

from hypothesis import settings
from tests.unit.apps.changes.objects import VARIANTS, broken, corpus, decode
from tests.unit.apps.changes.world import ChangingMesh

FIRST, EVERY = corpus()
_ROUNDS: Final = settings().max_examples // 20
"""Each is about a hundred changes: with the profile `thorough` tens of thousands."""

_SLACK: Final = 20


def round_of_changes(mesh: ChangingMesh, number: int) -> None:
    """A fifth of all objects come, become others, and go; at the end there are the first ones again."""
    for index, body in enumerate(EVERY[number % 5 :: 5]):
        mesh.set(body)
        mesh.publish()
        mesh.set(VARIANTS[(number + index) % len(VARIANTS)](body, index))
        mesh.publish()
        if index % 10 == 9:
            start_again(mesh)
    start_again(mesh)
    mesh.told()


def start_again(mesh: ChangingMesh) -> None:
    mesh.clear()
    mesh.publish()
    for body in FIRST:
        mesh.set(body)
    mesh.publish()


def test_changes_leave_nothing_behind() -> None:
    mesh = ChangingMesh()
    start_again(mesh)
    for body in EVERY:  # until everything was met once: caches by number, name and kind are full
        decode(broken(body, 0))
    for number in range(5):
        round_of_changes(mesh, number)
    before = alive()
    for number in range(5, 5 + _ROUNDS):
        round_of_changes(mesh, number)
    grown = {name: count - before[name] for name, count in alive().items() if count > before[name] + _SLACK}
    assert grown == {}


def alive() -> Counter[str]:
    """How many objects there are of each class."""
    gc.collect()
    return Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.get_objects())
