"""Measures what a control plane does for something that happens: how soon, for how much processor time and memory."""

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.ads.arrivals import Mark
from benchmarks.ads.driver import LoadClient
from benchmarks.ads.job import Report
from benchmarks.control.results import Cost, Delays, Sample, Stream
from benchmarks.lab.samples import percentile

from weft.envoy.type_urls import SHORT_NAMES

_LINE: Final = re.compile(r"^(\w+):\s+(\d+) kB$", re.M)
_FORGET_PEAK: Final = "5"
_CPU_CLOCK: Final = 2
_QUIET: Final = 0.3
_NOTHING: Final = 1.0
"""Seconds after which nothing more is expected, and where nothing is expected at all."""

_KIB: Final = 1_024

Make = Callable[[], float]
"""Makes a change; returns the time of CLOCK_MONOTONIC just before."""


class ServerProcess:
    """What the kernel says of the server; with None, which is on another machine, nothing is known."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid

    def cpu(self) -> float | None:
        """Seconds of processor time that all threads have used so far, by the clock of a process (clock_getcpuclockid,
        in nanoseconds: /proc has hundredths of a second)."""
        return None if self._pid is None else time.clock_gettime((~self._pid << 3) | _CPU_CLOCK)

    def forget_peak(self) -> None:
        """Begins anew to note the most memory (proc(5), clear_refs)."""
        if self._pid is not None:
            Path(f"/proc/{self._pid}/clear_refs").write_text(_FORGET_PEAK)

    def memory(self) -> tuple[float, float] | None:
        """Memory now and at most, in MiB."""
        if self._pid is None:
            return None
        sizes = dict(_LINE.findall(Path(f"/proc/{self._pid}/status").read_text()))
        return int(sizes["VmRSS"]) / _KIB, int(sizes["VmHWM"]) / _KIB


class Meter:
    """Measures by a load client and the server's process. What takes longer than `limit` seconds is missing."""

    def __init__(self, load: LoadClient, server: ServerProcess, limit: float) -> None:
        self._load = load
        self._server = server
        self._limit = limit

    def connect(self) -> Sample:
        """All proxies connect at once. Raises LoadClientError, OSError."""
        began, report, cost = self._run((), None, connect=True)
        return Sample(delays(report.configured, began), cost)

    def reconnect(self, marks: Sequence[Mark], make: Make) -> Sample:
        """All proxies connect once more, and something is changed. Raises LoadClientError, OSError."""
        began, report, cost = self._run(marks, make, connect=True)
        return Sample(delays(latest(report.times), began), cost)

    def change(self, marks: Sequence[Mark], make: Make) -> Sample:
        """Something is changed. Raises LoadClientError, OSError."""
        began, report, cost = self._run(marks, make)
        return Sample(delays(latest(report.times), began) if marks else None, cost)

    def stream(self, rate: int, seconds: float, changes: Sequence[tuple[Mark, Make]]) -> Stream:
        """Changes follow each other at a rate. Raises LoadClientError, OSError."""
        began: list[float] = []

        def make() -> float:
            begin = time.monotonic()
            for number, (_, change) in enumerate(changes):
                time.sleep(max(0.0, begin + number / rate - time.monotonic()))
                began.append(change())
            return begin

        _, report, cost = self._run([mark for mark, _ in changes], make)
        writes = (delays(times, start) for times, start in zip(report.times, began, strict=True))
        return Stream(rate, seconds, tuple(writes), cost)

    def _run(self, marks: Sequence[Mark], make: Make | None, *, connect: bool = False) -> tuple[float, Report, Cost]:
        self._server.forget_peak()
        before = self._server.cpu()
        began = self._load.watch(marks, connect=connect)
        if make is not None:
            made = make()
            began = began if connect else made
        report = self._load.result(self._limit, _QUIET if marks or connect else _NOTHING)
        after, memory = self._server.cpu(), self._server.memory()
        cost = Cost(
            cpu=after - before if before is not None and after is not None else None,
            memory=memory[0] if memory else None,
            peak=memory[1] if memory else None,
            client_cpu=report.cpu,
            received=report.received,
            ended=dict(Counter(report.failures)),
            responses={SHORT_NAMES.get(kind, kind): count for kind, count in sorted(report.responses.items())},
        )
        return began, report, cost


def latest(times: Sequence[Sequence[float | None]]) -> list[float | None]:
    """Returns for each proxy when it had the last of all marks; None where one is missing."""
    return [_last(of_proxy) for of_proxy in zip(*times, strict=True)]


def _last(times: Iterable[float | None]) -> float | None:
    found = list(times)
    there = [time for time in found if time is not None]
    return max(there) if len(there) == len(found) else None


def delays(times: Sequence[float | None], began: float) -> Delays:
    """Returns the delays of some times since `began`; None is a time that never came. There must be one at least."""
    values = [math.inf if time is None else 1_000 * (time - began) for time in times]
    least, half, last = (
        value if math.isfinite(value) else None for value in (min(values), percentile(values, 50), max(values))
    )
    return Delays(least, half, last, sum(time is None for time in times))
