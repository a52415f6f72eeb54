"""What the data plane costs: requests through sidecars, the same without them, and through a bare pair of Envoys.

All ways run at the same time and are loaded in turns, so that ratios mean something on a machine that does other things
too. Everything runs in network namespaces from which no packet leaves the machine. Needs root.
"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from benchmarks.lab.footprint import footprint
from benchmarks.lab.load import Load, LoadError, loads
from benchmarks.lab.machine import machine, tell
from benchmarks.lab.markers import ASSETS, PAGE, with_figures
from benchmarks.lab.page import picture
from benchmarks.lab.paths import ways
from benchmarks.lab.processes import CommandError
from benchmarks.lab.propagation import propagation
from benchmarks.lab.results import Footprint, Point, Propagation, Result
from benchmarks.lab.rounds import measured
from benchmarks.lab.tables import legend, markdown
from benchmarks.startup import NotReadyError

from weft.node.envoy import find_envoy

NAME: Final = "data-plane"
PICTURE: Final = ASSETS / f"{NAME}.svg"
PARTS: Final = ("loads", "memory", "propagation")

_PROGRAMS: Final = ("h2load", "nghttpd", "wrk")
_SERVICES: Final = (10, 100, 1_000)
_PROXIES: Final = (10, 50)
"""Not more: an Envoy has two instances of inotify, and Linux allows a user 128 of them by default."""

_CHANGES: Final = 5
_UNREADABLE: Final = (OSError, ValueError, msgspec.DecodeError)


class Options(argparse.Namespace):
    """What the user asked for."""

    seconds: float
    rounds: int
    quick: bool
    only: list[str]
    load: list[str]
    against: Path | None
    output: Path | None
    read: Path | None
    svg: Path | None
    write_docs: bool


def main(arguments: list[str]) -> None:
    """Runs the benchmark and shows its figures; SystemExit with a message if it can't."""
    options = parser().parse_args(arguments, namespace=Options())
    try:
        result = msgspec.json.decode(options.read.read_bytes(), type=Result) if options.read else run(options)
        show(result, options)
    except (LoadError, CommandError, NotReadyError, *_UNREADABLE) as error:
        sys.exit(str(error))


def parser() -> argparse.ArgumentParser:
    """Returns the command line."""
    found = argparse.ArgumentParser(prog="./dev bench data-plane", description=__doc__)
    names = [load.name for load in loads()]
    found.add_argument("--seconds", type=float, default=1.5, help="how long one round of a load takes (1.5)")
    found.add_argument("--rounds", type=int, default=3, help="rounds of each load (3)")
    found.add_argument("--quick", action="store_true", help="to see that it runs: short rounds, small meshes")
    found.add_argument("--only", action="append", choices=PARTS, default=[], help="only this part; may be repeated")
    found.add_argument("--load", action="append", choices=names, default=[], help="only this load; may be repeated")
    found.add_argument("--against", type=Path, metavar="SRC", help="`src` folder of another version, to compare with")
    found.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the figures as JSON")
    found.add_argument("--read", type=Path, metavar="FILE", help="show such a file again, and measure nothing")
    found.add_argument("--svg", type=Path, metavar="FILE", help="draw requests a second")
    found.add_argument("--write-docs", action="store_true", help=f"put figures and picture into {PAGE.name}")
    return found


def run(options: Options) -> Result:
    """Measures what was asked for. Raises LoadError, CommandError, NotReadyError, OSError."""
    if os.geteuid() != 0:
        sys.exit("a mesh needs network namespaces, and so root")
    missing = [name for name in _PROGRAMS if not shutil.which(name)]
    if missing:
        sys.exit(f"{', '.join(missing)} missing: install nghttp2-client, nghttp2-server and wrk (Debian's names)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    parts = options.only or PARTS
    seconds, rounds = (0.3, 1) if options.quick else (options.seconds, options.rounds)
    envoy = find_envoy(None, os.environ.get("PATH", os.defpath))
    result = Result(machine=machine_with(envoy), seconds=seconds, rounds=rounds)
    if "loads" in parts:
        found = tuple(points(envoy, options, rounds=rounds, seconds=seconds))
        result = msgspec.structs.replace(result, points=found)
    if "memory" in parts:
        result = msgspec.structs.replace(result, footprints=tuple(footprints(options.quick)))
    if "propagation" in parts:
        result = msgspec.structs.replace(result, propagations=tuple(propagations(options.quick)))
    return result


def points(envoy: Path, options: Options, *, rounds: int, seconds: float) -> Iterator[Point]:
    """Yields the points of all loads, or of those that were asked for."""
    chosen: list[Load] = [load for load in loads() if not options.load or load.name in options.load]
    tell("starting meshes")
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as name, ways(envoy, Path(name), options.against) as found:
        yield from measured(found, chosen, rounds=rounds, seconds=seconds, folder=Path(name), tell=tell)


def footprints(quick: bool) -> Iterator[Footprint]:
    """Yields a sidecar's memory at each number of services."""
    for count in _SERVICES[:1] if quick else _SERVICES:
        tell(f"memory: a sidecar and {count:,} services")
        with left_out():
            yield footprint(count)


def propagations(quick: bool) -> Iterator[Propagation]:
    """Yields the time of a change to each number of proxies."""
    for count in (2,) if quick else _PROXIES:
        tell(f"propagation: {count} sidecars, {_CHANGES} changes")
        with left_out():
            yield propagation(count, _CHANGES)


@contextlib.contextmanager
def left_out() -> Iterator[None]:
    """What can't be measured is left out and told: a machine may be too small for the largest meshes."""
    try:
        yield
    except (CommandError, NotReadyError) as error:
        tell(f"left out: {error}")


def machine_with(envoy: Path) -> dict[str, Any]:
    """Returns what figures depend on, the version of Envoy among it."""
    version = subprocess.run([envoy, "--version"], capture_output=True, text=True, check=True).stdout
    number = re.search(r"/(\d+\.\d+\.\d+)/", version)
    return {**machine(), "envoy": number[1] if number else version.strip()}


def show(result: Result, options: Options) -> None:
    """Prints the tables and writes the files that were asked for. Raises OSError, ValueError."""
    tables, drawn = markdown(result), picture(result)
    print(tables)
    if options.output:
        options.output.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1))
    if options.svg and drawn:
        options.svg.write_text(drawn)
    if options.write_docs and drawn:
        names = legend(dict.fromkeys(point.way for point in result.points))
        image = f"![Requests a second](../assets/{PICTURE.name})"
        PICTURE.write_text(drawn)
        PAGE.write_text(with_figures(PAGE.read_text(), NAME, f"{names}\n\n{image}\n\n{tables}"))


if __name__ == "__main__":
    main(sys.argv[1:])
