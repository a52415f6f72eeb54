"""What the control plane costs: many proxies connect, something changes, all of them must have it.

The server is the controller as `weft up` starts it; proxies are simulated by a load client in a process of its own.
Both run in a network namespace from which no packet leaves the machine. Needs root. With --server the same load client
measures any other ADS server.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from benchmarks.ads.driver import LoadClientError
from benchmarks.control import changes
from benchmarks.control.objects import Shape
from benchmarks.control.results import Case, Result
from benchmarks.control.server import ServerError
from benchmarks.control.tables import markdown
from benchmarks.control.weft_case import Extent, measured
from benchmarks.lab.machine import machine, tell

_CASES: Final = ((100, 100), (1_000, 100), (1_000, 500), (1_000, 1_000))
_WORKLOADS: Final = 10
_RATES: Final = (20, 100)
_QUICK: Final = ((100, 20),)
_UNREADABLE: Final = (OSError, ValueError, msgspec.DecodeError)


class Options(argparse.Namespace):
    """What the user asked for."""

    services: list[int]
    proxies: list[int]
    workloads: list[int]
    repeats: int
    seconds: float
    limit: float
    rate: list[int]
    only: list[str]
    quick: bool
    output: Path | None
    read: Path | None


def main(arguments: list[str]) -> None:
    """Runs the benchmark and shows its figures; SystemExit with a message if it can't."""
    options = parser().parse_args(arguments, namespace=Options())
    try:
        result = msgspec.json.decode(options.read.read_bytes(), type=Result) if options.read else run(options)
        show(result, options)
    except (ServerError, LoadClientError, *_UNREADABLE) as error:
        sys.exit(str(error))


def parser() -> argparse.ArgumentParser:
    """Returns the command line."""
    found = argparse.ArgumentParser(prog="./dev bench control-plane", description=__doc__)
    sizes = "; may be repeated: all combinations are measured"
    found.add_argument("--services", type=int, action="append", default=[], help=f"services{sizes}")
    found.add_argument("--proxies", type=int, action="append", default=[], help=f"proxies{sizes}")
    found.add_argument("--workloads", type=int, action="append", default=[], help=f"Deployments of the proxies{sizes}")
    found.add_argument("--repeats", type=int, default=5, help="how often each thing is changed (5)")
    found.add_argument("--rate", type=int, action="append", default=[], help="endpoints a second of streams (20, 100)")
    found.add_argument("--seconds", type=float, default=8.0, help="how long a stream of changes takes (8)")
    found.add_argument("--limit", type=float, default=60.0, help="seconds after which something is missing (60)")
    found.add_argument("--only", action="append", choices=list(changes.ABOUT), default=[], help="only this change")
    found.add_argument("--quick", action="store_true", help="to see that it runs: a small mesh, each change once")
    found.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the figures as JSON")
    found.add_argument("--read", type=Path, metavar="FILE", help="show such a file again, and measure nothing")
    return found


def run(options: Options) -> Result:
    """Measures what was asked for. Raises ServerError, LoadClientError, OSError."""
    if os.geteuid() != 0:
        sys.exit("a network of its own needs root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    return Result(machine=machine(), cases=tuple(cases(options)))


def cases(options: Options) -> Iterator[Case]:
    """Yields the figures of each mesh."""
    extent = Extent(
        repeats=1 if options.quick else options.repeats,
        rates=tuple(options.rate or (() if options.only else _RATES)),
        seconds=1.0 if options.quick else options.seconds,
        limit=options.limit,
        events=tuple(options.only or changes.ABOUT),
    )
    for shape in shapes(options):
        tell(f"{shape.services:,} services, {shape.proxies:,} proxies of {shape.workloads} workloads")
        yield measured(shape, extent, tell)


def shapes(options: Options) -> list[Shape]:
    """Returns the meshes that were asked for."""
    pairs: Sequence[tuple[int, int]] = _QUICK if options.quick else _CASES
    if options.services or options.proxies:
        pairs = [(s, p) for s in options.services or [1_000] for p in options.proxies or [100]]
    return [Shape(s, p, min(w, p)) for s, p in pairs for w in options.workloads or [_WORKLOADS]]


def show(result: Result, options: Options) -> None:
    """Prints the tables and writes the files that were asked for. Raises OSError, ValueError."""
    print(markdown(result))
    if options.output:
        options.output.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
