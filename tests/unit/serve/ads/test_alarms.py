"""One timer for all who wait: each is woken at its own time, once, and nobody who was not to be."""

import asyncio
import time

from weft.serve.ads.alarms import Alarms


class Sleeper:
    """Notes when it is woken."""

    def __init__(self) -> None:
        self.woken: list[float] = []

    def wake(self) -> None:
        self.woken.append(time.monotonic())


async def test_each_is_woken_once_and_not_before_its_time() -> None:
    alarms, began = Alarms(), time.monotonic()
    late, early = Sleeper(), Sleeper()
    alarms.set(late, began + 0.06)
    alarms.set(early, began + 0.02)
    await asyncio.sleep(0.2)
    assert [len(late.woken), len(early.woken)] == [1, 1]
    assert began + 0.02 <= early.woken[0] < late.woken[0]
    assert late.woken[0] >= began + 0.06


async def test_a_time_that_has_passed_is_now() -> None:
    alarms, sleeper = Alarms(), Sleeper()
    alarms.set(sleeper, time.monotonic() - 1)
    await asyncio.sleep(0.02)
    assert len(sleeper.woken) == 1


async def test_who_cancels_sleeps_on_and_others_do_not() -> None:
    alarms, now = Alarms(), time.monotonic()
    one, other = Sleeper(), Sleeper()
    alarms.set(one, now + 0.01)
    alarms.set(other, now + 0.03)
    alarms.cancel(one)
    alarms.cancel(one)
    await asyncio.sleep(0.1)
    assert [len(one.woken), len(other.woken)] == [0, 1]


async def test_the_last_time_counts() -> None:
    alarms, now, sleeper = Alarms(), time.monotonic(), Sleeper()
    alarms.set(sleeper, now + 0.01)
    alarms.set(sleeper, now + 0.05)
    await asyncio.sleep(0.1)
    (woken,) = sleeper.woken
    assert woken >= now + 0.05


async def test_who_is_woken_may_set_the_next_time() -> None:
    alarms, times = Alarms(), Sleeper()

    class Again(Sleeper):
        def wake(self) -> None:
            super().wake()
            if len(self.woken) < 3:
                alarms.set(self, time.monotonic() + 0.005)

    again = Again()
    alarms.set(again, time.monotonic())
    alarms.set(times, time.monotonic() + 0.01)
    await asyncio.sleep(0.1)
    assert [len(again.woken), len(times.woken)] == [3, 1]
