"""Constant load, random changes: no request fails, no update is refused, nothing grows, and nothing is left.

A run takes half a minute; `./dev soak --minutes=10` a long one. What was drawn follows from the seed, which is printed:
`./dev soak --seed=N` draws the same again. With an odd seed sidecars get clusters on demand.
"""

import time
from collections import Counter

import pytest
from tests.e2e.mesh.harness.load import LoadResult
from tests.e2e.mesh.harness.mesh import running_mesh
from tests.e2e.soak.driver import Soak, loads
from tests.e2e.soak.figures import memory, refusals, told_by_controller
from tests.e2e.soak.shop import manifests

pytestmark = pytest.mark.isolation("netns")

GROWTH = 1.3
"""How much more memory a process may have at the end, besides `SLACK` MiB: allocators keep some."""
SLACK = 12.0
DRAINED = 7.0
"""Seconds after which listeners that were replaced are gone."""
PAUSE = 5.0
"""Seconds without a request of a load that are too long: one that stalls hides failures."""


def test_no_request_fails_whatever_changes(
    tmp_path_factory: pytest.TempPathFactory, soak_minutes: float, soak_seed: int
) -> None:
    on_demand = soak_seed % 2 == 1
    print(f"seed {soak_seed}, {soak_minutes:g} minutes" + (", clusters on demand" if on_demand else ""))
    with running_mesh("soak", tmp_path_factory.mktemp("soak"), manifests(on_demand=on_demand)) as mesh:
        soak = Soak(mesh, soak_seed)
        soak.rest()
        with loads(mesh) as running:
            soak.run(soak_minutes * 60 / 4)  # until everything was met once
            soak.rest()
            time.sleep(DRAINED)
            used, held = memory(mesh), soak.statistics.held()
            soak.run(soak_minutes * 60 * 3 / 4)
            soak.rest()
            results = {name: load.stop() for name, load in running.items()}
            time.sleep(DRAINED)
            soak.statistics.sample()
        used_after, held_after = memory(mesh), soak.statistics.held()
        report(soak, results, used, used_after)
        check_loads(soak, results)
        assert soak.statistics.totals["refused"], "the statistics were not found: nothing would be checked"
        assert +soak.statistics.totals["refused"] == {}
        refused = refusals(told_by_controller(mesh))
        assert set(refused.values()) == {0.0}, refused
        lasting = held.keys() & held_after.keys()
        assert {pod: held_after[pod] for pod in lasting} == {pod: held[pod] for pod in lasting}
        grown = {name: (used[name], now) for name, now in used_after.items() if now > limit(used.get(name, now))}
        assert grown == {}
        assert mesh.issues() == []


def limit(before: float) -> float:
    return before * GROWTH + SLACK


def check_loads(soak: Soak, results: dict[str, LoadResult]) -> None:
    """All requests got their answer, at the pace that was asked for."""
    failures = sorted((each.at, name, each.what) for name, result in results.items() for each in result.failures)
    by_second = Counter((round(at - failures[0][0]), name, what) for at, name, what in failures)
    for (second, name, what), number in sorted(by_second.items()):
        print(f"{second:+} s: {number} of {name}: {what}")
    if failures:
        print(f"--- before the first failure\n{soak.around(failures[0][0])}")
    assert failures == []
    assert {name: result.pause for name, result in results.items() if result.pause > PAUSE} == {}


def report(soak: Soak, results: dict[str, LoadResult], used: dict[str, float], used_after: dict[str, float]) -> None:
    """Says what was done, and what came of it."""
    done = Counter(each.part for each in soak.steps)
    print(f"{done.total()} changes: " + ", ".join(f"{part} {number}" for part, number in sorted(done.items())))
    for name, result in results.items():
        print(f"{name}: {result.sent} sent, {result.failed} failed, slowest {result.slowest:.2f} s")
    for kind, totals in soak.statistics.totals.items():
        found = +totals
        print(f"{kind} in Envoys: {found.total()}" + "".join(f"\n    {name}: {found[name]}" for name in found))
    for event in [each for each in soak.statistics.events if each.kind == "sent again"][:5]:
        print(f"--- sent again before this by {event.pod}: {event.name}\n{soak.around(event.at)}")
    for name, value in used.items():
        print(f"memory of {name}: {value} MiB, at the end {used_after.get(name, '(gone)')}")
