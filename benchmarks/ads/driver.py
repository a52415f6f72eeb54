"""The load client as others see it: a process that is given a job, and then orders."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import msgspec
from benchmarks.ads.arrivals import Mark
from benchmarks.ads.job import Await, Job, Ready, Report, Watch

T = TypeVar("T")

_OWNER_ONLY: Final = 0o600


class LoadClientError(Exception):
    """The load client ended, or proxies could not connect; the message says why."""


class LoadClient:
    """A running load client."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def watch(self, marks: Sequence[Mark] = (), *, connect: bool = False) -> float:
        """Begins to wait for marks; returns the time of CLOCK_MONOTONIC. Raises LoadClientError."""
        return self._ask(Watch(tuple(marks), connect), Ready).time

    def result(self, limit: float, quiet: float) -> Report:
        """Waits until all marks came to all proxies and nothing came for `quiet` seconds. Raises LoadClientError."""
        report = self._ask(Await(limit, quiet), Report)
        if report.lost:
            raise LoadClientError(f"{report.lost} proxies can't connect; one of the reasons: {report.failures[-1]}")
        return report

    def _ask(self, order: Watch | Await, answer: type[T]) -> T:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except OSError as error:
            raise LoadClientError(f"the load client ended: {error}") from error
        if not line:
            raise LoadClientError(f"the load client ended with status {self._process.wait()}")
        return msgspec.json.decode(line, type=answer)


@contextmanager
def load_client(job: Job, folder: Path, before: Sequence[str] = ()) -> Iterator[LoadClient]:
    """Runs a load client until the end of the block; `before` are the words before its command."""
    path = folder / "job.json"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "wb") as file:
        file.write(msgspec.json.encode(job))
    command = [*before, sys.executable, "-m", "benchmarks.ads.client", str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield LoadClient(process)
    finally:
        process.kill()
        process.communicate()
        path.unlink()
