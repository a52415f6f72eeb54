"""Everybody has a turn in order, and the loop goes on in between."""

import asyncio
import time

from weft.serve.ads.turns import Turns


async def test_turns_are_given_in_order_and_soon() -> None:
    turns, seen = Turns(), list[int]()
    for number in range(5):
        turns.want(lambda number=number: seen.append(number))  # type: ignore[misc]
    assert seen == []
    await asyncio.sleep(0)
    assert seen == [0, 1, 2, 3, 4]


async def test_others_come_between_when_turns_take_long() -> None:
    turns, seen = Turns(0.005), list[str]()

    def slow() -> None:
        time.sleep(0.004)
        seen.append("turn")

    for _ in range(10):
        turns.want(slow)
    for _ in range(3):
        await asyncio.sleep(0)
        seen.append("other")
    assert "other" in seen[:5]
    await asyncio.sleep(0.2)
    assert seen.count("turn") == 10


async def test_one_who_fails_does_not_take_the_turns_of_others() -> None:
    turns, seen = Turns(), list[int]()

    def fail() -> None:
        raise ZeroDivisionError

    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["exception"]))
    turns.want(fail)
    turns.want(lambda: seen.append(1))
    await asyncio.sleep(0.01)
    assert seen == [1]
    assert len(failures) == 1
