"""The load client: reads a job from a file and orders from standard input, and says what came on standard output."""

import sys
import time
from pathlib import Path
from select import select
from typing import Final

import msgspec
from benchmarks.ads.fleet import Fleet
from benchmarks.ads.job import Await, Job, Ready, Report, Watch
from benchmarks.ads.link import LinkError

_TURN: Final = 0.02
_FAILED_PATIENCE: Final = 1.0


def main(path: Path) -> None:
    """Follows orders until there are no more."""
    fleet = Fleet(msgspec.json.decode(path.read_bytes(), type=Job))
    while True:
        while not select([sys.stdin], [], [], 0)[0]:
            fleet.run(_TURN)
        line = sys.stdin.buffer.readline()
        if not line:
            return
        say(follow(fleet, msgspec.json.decode(line, type=Watch | Await)))


def follow(fleet: Fleet, order: Watch | Await) -> Ready | Report:
    """Does what an order says; returns the answer to it. Raises LinkError."""
    if isinstance(order, Watch):
        return Ready(fleet.watch(order))
    end = time.monotonic() + order.limit
    while (now := time.monotonic()) < end and not (fleet.settled and now - fleet.quiet_since > order.quiet):
        if fleet.failed:
            end = min(end, now + _FAILED_PATIENCE)
        fleet.run(_TURN)
    return fleet.report()


def say(answer: Ready | Report) -> None:
    """Writes an answer as one line."""
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except (OSError, LinkError, msgspec.DecodeError) as error:
        sys.exit(f"load client: {error}")
