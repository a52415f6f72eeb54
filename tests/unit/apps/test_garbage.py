"""The garbage collector during the start, and after it."""

import gc
from collections.abc import Iterator

import pytest

from weft.apps.garbage import undisturbed


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    gc.enable()


def test_it_rests_during_the_start_and_leaves_what_is_there_alone_afterwards() -> None:
    frozen = gc.get_freeze_count()
    with undisturbed():
        assert not gc.isenabled()
        kept = [[number] for number in range(1_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= frozen + len(kept)


def test_it_works_again_after_a_start_that_failed() -> None:
    with pytest.raises(ZeroDivisionError), undisturbed():
        1 / 0  # noqa: B018 - anything that fails
    assert gc.isenabled()
