"""weft.node.probes: startup, liveness and readiness mean what they mean in Kubernetes."""

import asyncio
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.node.fakes import FakeChecker, running, until

from weft.model.local import Action, Probe
from weft.node.probes import Prober, Probes, Streak, eager_pauses


def probe(path: str, **how: int) -> Probe:
    return Probe(action=Action(http_path=path), **({"period": 10, "timeout": 10} | how))


class Watched:
    """A prober that remembers what it said."""

    def __init__(
        self,
        probes: Probes,
        answers: dict[str, str | None] | None = None,
        *,
        started: bool = False,
        ready: bool = False,
    ) -> None:
        self.checker = FakeChecker(**(answers or {}))
        self.said: list[tuple[bool, bool]] = []
        """Started and ready, each time that something changed."""
        self.prober = Prober(probes, self.checker, self.note, started=started, ready=ready)

    def note(self) -> None:
        self.said.append((self.prober.started, self.prober.ready))


@given(st.lists(st.booleans()), st.integers(1, 4), st.integers(1, 4), st.booleans())
def test_a_verdict_changes_after_as_many_equal_results_as_the_threshold(
    results: list[bool], successes: int, failures: int, passing: bool
) -> None:
    streak = Streak(probe("x", success_threshold=successes, failure_threshold=failures), passing=passing)
    expected = passing
    for index, result in enumerate(results, start=1):
        needed = successes if result else failures
        if index >= needed and all(other == result for other in results[index - needed : index]):
            expected = result
        assert streak.observe(result) is expected


def test_a_container_that_is_not_ready_is_asked_often_at_first() -> None:
    assert list(islice(eager_pauses(10), 3)) == pytest.approx([0.1, 0.15, 0.225])
    assert max(islice(eager_pauses(10), 30)) == 1
    assert max(islice(eager_pauses(0.05), 30)) == 0.05


async def test_without_probes_a_container_is_ready_at_once() -> None:
    watched = Watched(Probes())
    async with running(watched.prober.run()):
        await until(lambda: watched.said == [(True, True)])


async def test_readiness_comes_and_goes_with_its_thresholds() -> None:
    watched = Watched(Probes(readiness=probe("ready", failure_threshold=2)), {"ready": None})
    async with running(watched.prober.run()):
        await until(lambda: watched.prober.ready)
        watched.checker.answers["ready"] = "status 503"
        before = len(watched.checker.asked)
        await until(lambda: not watched.prober.ready)
        assert len(watched.checker.asked) - before >= 2
        assert watched.prober.message == "readiness probe failed: status 503"


async def test_nothing_else_is_asked_before_startup_has_succeeded() -> None:
    probes = Probes(startup=probe("start", failure_threshold=100), liveness=probe("live"), readiness=probe("ready"))
    watched = Watched(probes, {"live": None, "ready": None})
    async with running(watched.prober.run()):
        await until(lambda: len(watched.checker.asked) > 3)
        assert set(watched.checker.asked) == {"start"}
        assert not watched.prober.ready
        watched.checker.answers["start"] = None
        await until(lambda: watched.prober.ready)
        assert {"live", "ready"} <= set(watched.checker.asked)


async def test_a_container_that_never_starts_up_is_restarted_after_all_its_periods() -> None:
    watched = Watched(Probes(startup=probe("start", period=20, failure_threshold=3)), {"start": "refused"})
    begin = asyncio.get_running_loop().time()
    assert await watched.prober.run() == "startup probe failed: refused"
    assert asyncio.get_running_loop().time() - begin >= 0.04


async def test_a_container_that_does_not_live_is_restarted() -> None:
    watched = Watched(Probes(liveness=probe("live", failure_threshold=3)), {"live": "status 500"})
    assert await watched.prober.run() == "liveness probe failed: status 500"
    assert watched.checker.asked == ["live"] * 3


async def test_the_initial_delay_is_kept() -> None:
    watched = Watched(Probes(liveness=probe("live", initial_delay=50, failure_threshold=1)), {"live": "down"})
    begin = asyncio.get_running_loop().time()
    await watched.prober.run()
    assert asyncio.get_running_loop().time() - begin >= 0.05


async def test_an_adopted_container_is_not_started_up_again_and_keeps_its_readiness() -> None:
    probes = Probes(startup=probe("start"), readiness=probe("ready", failure_threshold=1000))
    watched = Watched(probes, started=True, ready=True)
    async with running(watched.prober.run()):
        await until(lambda: len(watched.checker.asked) > 2)
        assert watched.checker.asked[0] == "ready"
        assert watched.prober.ready
        assert watched.said == []
