"""weft.node.unit: one process is kept as ordered, through ends, changes and new nodes."""

import asyncio
import signal
from pathlib import Path

from msgspec.structs import replace
from tests.unit.node.fakes import FakeChecker, FakeLauncher, running, until

from weft.model.local import Action, Probe
from weft.node.launch import Launch
from weft.node.lifecycle import UnitSpec
from weft.node.probes import Probes
from weft.node.settings import Backoff
from weft.node.unit import Unit, UnitTools

LAUNCH = Launch(command=("app",), folder="/", user=0, group=0, hidden="/x", mark="weft-x")
SPEC = UnitSpec(name="app", digest="one", launch=LAUNCH, grace=50)
QUICK = Backoff(initial=0.05, limit=0.2, forgive=600)


def probe(path: str, **how: int) -> Probe:
    return Probe(action=Action(http_path=path), **({"period": 10, "timeout": 10} | how))


class Bench:
    """One unit with its surroundings."""

    def __init__(self, folder: Path, spec: UnitSpec = SPEC, launcher: FakeLauncher | None = None) -> None:
        self.launcher = launcher or FakeLauncher()
        self.checker = FakeChecker()
        self.begin = asyncio.Event()
        self.begin.set()
        self.changes = 0
        tools = UnitTools(self.launcher, self.checker, QUICK, self.begin, self.count)
        self.unit = Unit(spec, folder / "app.json", folder / "app.log", tools)

    def count(self) -> None:
        self.changes += 1

    @property
    def state(self) -> str:
        return self.unit.record.state


async def test_a_process_that_ends_comes_back_at_once_and_then_with_back_off(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with running(bench.unit.run()):
        await until(lambda: len(bench.launcher.started) == 1)
        bench.launcher.started[0].end(1)
        await until(lambda: len(bench.launcher.started) == 2)
        assert bench.unit.record.restarts == 1
        bench.launcher.started[1].end(1)
        await until(lambda: bench.unit.record.reason == "CrashLoopBackOff")
        assert bench.state == "waiting"
        await until(lambda: len(bench.launcher.started) == 3)


async def test_who_waits_for_a_process_that_fails_is_told_what_it_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(SPEC, complaints="[critical]"))
    (tmp_path / "app.log").write_text("all is well\n[critical] no room\n")
    async with running(bench.unit.run()):
        for number in range(2):
            await until(lambda: len(bench.launcher.started) == number + 1)  # noqa: B023
            bench.launcher.started[number].end(134)
        await until(lambda: bench.unit.record.reason == "CrashLoopBackOff")
        assert bench.unit.record.message.endswith("after the last end: no room")


async def test_what_a_process_leaves_behind_is_killed_when_it_ends(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with running(bench.unit.run()):
        await until(lambda: len(bench.launcher.started) == 1)
        bench.launcher.started[0].end(0)
        await until(lambda: bench.launcher.started[0].swept)


async def test_a_process_that_can_t_be_started_is_reported_and_tried_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, launcher=FakeLauncher(failures=2))
    async with running(bench.unit.run()):
        await until(lambda: bench.unit.record.reason == "CrashLoopBackOff")
        assert "mount: no such file" in bench.unit.record.message
        assert bench.unit.record.exit_code == 128
        await until(lambda: bench.state == "running")


async def test_nothing_starts_before_it_may(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.begin.clear()
    async with running(bench.unit.run()):
        await asyncio.sleep(0.02)
        assert bench.launcher.started == []
        bench.begin.set()
        await until(lambda: bench.state == "running")


async def test_what_is_done_stays_done(tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(SPEC, restart="OnFailure"))
    async with running(bench.unit.run()):
        await until(lambda: bench.state == "running")
        bench.launcher.started[0].end(0)
        await until(lambda: bench.unit.record.done)
        await asyncio.sleep(0.05)
        assert len(bench.launcher.started) == 1
    async with running(Bench(tmp_path, replace(SPEC, restart="OnFailure"), bench.launcher).unit.run()):
        await asyncio.sleep(0.05)
        assert len(bench.launcher.started) == 1


async def test_a_refused_order_waits_with_its_reason_until_it_is_changed(tmp_path: Path) -> None:
    refused = replace(SPEC, launch=None, digest="bad", refusal=("ErrImagePull", "not pulled"))
    bench = Bench(tmp_path, refused)
    async with running(bench.unit.run()):
        await until(lambda: bench.unit.record.reason == "ErrImagePull")
        assert bench.unit.record.message == "not pulled"
        bench.unit.change(SPEC)
        await until(lambda: bench.state == "running")
        bench.unit.change(refused)
        await until(lambda: bench.unit.record.reason == "ErrImagePull")
        assert bench.launcher.started[0].signals == [signal.SIGTERM]


async def test_a_changed_order_restarts_the_process_without_back_off(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with running(bench.unit.run()):
        await until(lambda: bench.state == "running")
        bench.unit.change(replace(SPEC, digest="two", launch=replace(LAUNCH, command=("other",))))
        await until(lambda: len(bench.launcher.started) == 2)
        assert bench.launcher.launches[1].command == ("other",)
        assert bench.launcher.started[0].signals[0] == signal.SIGTERM


async def test_a_changed_probe_restarts_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(SPEC, probes=Probes(readiness=probe("old"))))
    async with running(bench.unit.run()):
        await until(lambda: "old" in bench.checker.asked)
        assert not bench.unit.record.ready
        bench.checker.answers["new"] = None
        bench.unit.change(replace(SPEC, probes=Probes(readiness=probe("new"))))
        await until(lambda: bench.unit.record.ready)
        assert len(bench.launcher.started) == 1


async def test_a_process_that_fails_its_liveness_probe_is_restarted(tmp_path: Path) -> None:
    bench = Bench(tmp_path, replace(SPEC, probes=Probes(liveness=probe("live", failure_threshold=2))))
    bench.checker.answers["live"] = None
    async with running(bench.unit.run()):
        await until(lambda: bench.unit.record.ready)
        bench.checker.answers["live"] = "status 500"
        await until(lambda: len(bench.launcher.started) == 2)
        assert bench.launcher.started[0].signals[0] == signal.SIGTERM


async def test_leaving_a_process_alone_lets_the_next_node_adopt_it(tmp_path: Path) -> None:
    first = Bench(tmp_path, replace(SPEC, probes=Probes(readiness=probe("ready"))))
    first.checker.answers["ready"] = None
    async with running(first.unit.run()):
        await until(lambda: first.unit.record.ready)
    second = Bench(tmp_path, first.unit._spec, first.launcher)
    assert second.unit.record == first.unit.record
    async with running(second.unit.run()):
        await until(lambda: "ready" in second.checker.asked)
        assert len(first.launcher.started) == 1
        assert first.launcher.started[0].signals == []
        # It was ready, and stays so until its probe has failed often enough.
        assert second.unit.record.ready


async def test_an_end_that_nobody_saw_is_said_to_be_unknown(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    async with running(first.unit.run()):
        await until(lambda: first.state == "running")
    second = Bench(tmp_path)
    assert (second.unit.record.reason, second.unit.record.exit_code) == ("ContainerStatusUnknown", None)
    async with running(second.unit.run()):
        await until(lambda: second.state == "running")
        assert second.unit.record.restarts == 1


async def test_an_adopted_process_of_another_order_is_replaced(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    async with running(first.unit.run()):
        await until(lambda: first.state == "running")
    second = Bench(tmp_path, replace(SPEC, digest="two"), first.launcher)
    async with running(second.unit.run()):
        await until(lambda: len(first.launcher.started) == 2)
        assert first.launcher.started[0].signals[0] == signal.SIGTERM


async def test_stopping_asks_first_and_kills_after_the_grace(tmp_path: Path) -> None:
    bench = Bench(tmp_path, launcher=FakeLauncher(ignores=[signal.SIGTERM]))
    async with running(bench.unit.run()):
        await until(lambda: bench.state == "running")
    begin = asyncio.get_running_loop().time()
    await bench.unit.stop()
    assert asyncio.get_running_loop().time() - begin >= 0.05
    assert bench.launcher.started[0].swept
    assert (bench.state, bench.unit.record.exit_code) == ("terminated", 137)
