"""Constant load that runs inside of a pod as a process of its own while something happens to the mesh."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct
from tests.e2e.mesh.harness.client import APPLICATIONS

_END: Final = 30.0
_PAUSE: Final = 3.0
"""Seconds without any request that are too long: a load that stalls would hide failures. How many requests are sent in
all is up to what else the machine has to do."""


class Failure(Struct, frozen=True):
    """One failed request; the time in Unix seconds."""

    at: float
    what: str


class LoadResult(Struct, frozen=True):
    """What came of a load: counts by status, version and pod of the server, and error; times in seconds. `pause` is the
    longest time in which no request was sent."""

    seconds: float
    statuses: dict[str, int]
    versions: dict[str, int]
    pods: dict[str, int]
    errors: dict[str, int]
    failures: list[Failure]
    slowest: float
    pause: float

    @property
    def sent(self) -> int:
        """All requests that came to an end."""
        return sum(self.statuses.values()) + sum(self.errors.values())

    @property
    def failed(self) -> int:
        """All that did not get status 200."""
        return self.sent - self.statuses.get("200", 0)


class Load:
    """A load that runs. The result is there once it was stopped."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self._process.stdout is not None
        first = self._process.stdout.readline()
        assert first == "started\n", f"{first}{self._process.stdout.read()}"

    def stop(self) -> LoadResult:
        """Ends the load."""
        self._process.send_signal(signal.SIGTERM)
        said, _ = self._process.communicate(timeout=_END)
        return msgspec.json.decode(said, type=LoadResult)

    def check(self, notes: str = "") -> LoadResult:
        """Ends the load, which must have been constant and without a single failure. `notes` goes with the error."""
        result = self.stop()
        assert result.failed == 0, f"{result.failed} of {result.sent} requests failed {notes}\n{result}"
        assert result.pause < _PAUSE, f"no request was sent for {result.pause:.1f} s {notes}"
        return result

    def kill(self) -> None:
        """Ends it without a result, if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def load_command(url: str, rate: float, **how: Any) -> tuple[str, ...]:
    """The command line of a load; `how` are further options of `applications/load.py`."""
    options = [f"--{name}={value}" for name, value in how.items()]
    return (sys.executable, "-S", str(APPLICATIONS / "load.py"), url, f"--rate={rate}", *options)


@contextlib.contextmanager
def running(command: list[str]) -> Iterator[Load]:
    """A load that ends with the block, however that ends."""
    load = Load(command)
    try:
        yield load
    finally:
        load.kill()
