"""When changes are told: at once if they are alone, together and within a bound if they are not."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from weft.apps.pushes import Pushes, PushPacing

PACING = PushPacing(endpoints=0.05, everything=0.05, longest=0.3, slice=0.001)


class Work:
    """Work of which each step takes some time; `log` says what was done, `at` when endpoints were told."""

    def __init__(self, steps: int = 1, step: float = 0.0, *, computed: bool = True) -> None:
        self.computed = computed
        self.log: list[str] = []
        self.at: list[float] = []
        self.steps, self.step = steps, step

    def publish_endpoints(self) -> None:
        self.log.append("endpoints")
        self.at.append(time.monotonic())

    def compute(self) -> Iterator[None]:
        for _ in range(self.steps):
            time.sleep(self.step)
            yield

    def publish(self) -> None:
        self.log.append("everything")


@asynccontextmanager
async def pushing(work: Work, pacing: PushPacing = PACING) -> AsyncIterator[Pushes]:
    pushes = Pushes(work, pacing)
    task = asyncio.create_task(pushes.run())
    await asyncio.sleep(0)
    yield pushes
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_isolated_change_is_told_at_once_and_endpoints_are_first() -> None:
    work = Work()
    async with pushing(work) as pushes:
        await asyncio.sleep(0.06)
        assert work.log == []
        pushes.changed()
        await asyncio.sleep(0.02)
        assert work.log[0] == "endpoints"
        assert "everything" in work.log


async def test_a_storm_is_merged_and_no_change_waits_longer_than_the_bound() -> None:
    work = Work()
    async with pushing(work) as pushes:
        changed: list[float] = []
        for _ in range(60):
            changed.append(time.monotonic())
            pushes.changed()
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
    assert work.log.count("everything") <= 12
    waited = [min(at for at in work.at if at >= change) - change for change in changed]
    assert max(waited) < 0.15


async def test_where_nothing_else_has_changed_endpoints_keep_their_pace() -> None:
    work = Work(computed=False)
    async with pushing(work, PushPacing(endpoints=0.1, everything=0.005)) as pushes:
        for _ in range(40):
            pushes.changed()
            await asyncio.sleep(0.005)
    assert set(work.log) == {"endpoints"}
    assert len(work.log) <= 4


@pytest.mark.parametrize("computed", [True, False])
async def test_who_asks_hears_when_all_that_has_changed_was_told(computed: bool) -> None:
    work = Work(computed=computed)
    everything = ["everything"] if computed else []
    async with pushing(work, PushPacing(endpoints=0.05, everything=0.05)) as pushes:
        await pushes.told()
        assert work.log == []
        for _ in range(3):  # the second one must wait for the pace
            pushes.changed()
            work.log.clear()
            await pushes.told()
            assert "endpoints" in work.log
            assert work.log[-1:] == everything or not computed


async def test_endpoints_overtake_a_heavy_computation_between_two_steps() -> None:
    work = Work(steps=20, step=0.005)
    async with pushing(work, PushPacing(endpoints=0.01, everything=0.05, longest=5.0, slice=0.001)) as pushes:
        pushes.changed()
        await asyncio.sleep(0.03)
        told = len(work.at)
        assert "everything" not in work.log
        pushes.changed()
        await asyncio.sleep(0.03)
        assert len(work.at) > told
        assert "everything" not in work.log
        await asyncio.sleep(0.4)
        assert "everything" in work.log


async def test_what_changes_again_and_again_is_told_all_the_same() -> None:
    class Endless(Work):
        """New work comes as long as it is given time to come."""

        def compute(self) -> Iterator[None]:
            turns = 0
            while True:
                before = turn.count
                time.sleep(0.001)
                yield
                turns = 0 if turn.count != before else turns + 1
                if turns > 3:
                    return

    class Turn:
        count = 0

    async def others() -> None:
        while True:
            turn.count += 1
            await asyncio.sleep(0)

    turn, work = Turn(), Endless()
    async with pushing(work) as pushes:
        busy = asyncio.create_task(others())
        pushes.changed()
        await asyncio.sleep(0.6)
        busy.cancel()
    assert "everything" in work.log


async def test_a_failure_is_not_hidden() -> None:
    class Failing(Work):
        def publish(self) -> None:
            raise ZeroDivisionError

    pushes = Pushes(Failing(), PACING)
    pushes.changed()
    with pytest.raises(ExceptionGroup) as failed:
        await asyncio.wait_for(pushes.run(), 2)
    assert failed.group_contains(ZeroDivisionError)
