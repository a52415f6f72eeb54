"""When a folder is looked at: an isolated change almost at once, a storm now and then, nothing without a change."""

from hypothesis import given
from hypothesis import strategies as st

from weft.sources.directory.pace import DEFAULT_WAITS, Pace, Waits

WAITS = Waits(settled=1, quiet=6, merged=4, written=12, share=0.5)


def test_nothing_is_due_before_something_changes_and_after_a_look() -> None:
    pace = Pace(WAITS)
    assert pace.due is None
    pace.changed(100, finished=True)
    pace.begin()
    assert pace.due is None


def test_a_complete_change_does_not_wait_for_quiet() -> None:
    pace = Pace(WAITS)
    pace.changed(100, finished=False)
    assert pace.due == 106
    pace.changed(100.5, finished=True)
    assert pace.due == 101.5


def test_what_follows_at_once_is_waited_for_up_to_a_bound() -> None:
    pace = Pace(WAITS)
    for now in (100, 100.9, 101.8, 102.7, 103.6):
        pace.changed(now, finished=True)
    assert pace.due == 104


def test_a_file_that_is_being_written_is_waited_for_longer() -> None:
    pace = Pace(WAITS)
    for now in (100, 105, 109):
        pace.changed(now, finished=False)
    assert pace.due == 112


def test_looks_take_their_share_of_a_processor_at_most() -> None:
    pace = Pace(WAITS)
    pace.changed(100, finished=True)
    pace.begin()
    pace.looked(121, 20)
    pace.changed(121, finished=True)
    assert pace.due == 141


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1))
def test_no_change_waits_longer_than_the_bound(steps: list[tuple[float, bool]]) -> None:
    pace, now, first = Pace(), 0.0, None
    for step, finished in steps:
        now += step
        if pace.due is not None and pace.due <= now:
            pace.begin()
            first = None
        first = now if first is None else first
        pace.changed(now, finished=finished)
        assert pace.due is not None
        assert pace.due - first <= DEFAULT_WAITS.written + 1e-9
