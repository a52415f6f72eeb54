"""What the control plane costs: many proxies connect, something changes, all of them must have it.

The server is the controller as `weft up` starts it; proxies are simulated by a load client in a process of its own.
Both run in a network namespace from which no packet leaves the machine. Needs root. With --server the same load client
measures any other ADS server.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from benchmarks.ads.content import Protocol
from benchmarks.ads.driver import LoadClientError
from benchmarks.control import changes
from benchmarks.control.objects import ENDPOINTS, Shape
from benchmarks.control.page import picture
from benchmarks.control.peer import NODE_ID, Peer, read_events
from benchmarks.control.peer import measured as measured_peer
from benchmarks.control.results import Case, Result
from benchmarks.control.server import By, ServerError
from benchmarks.control.tables import markdown
from benchmarks.control.weft_case import Extent, measured
from benchmarks.lab.machine import machine, tell
from benchmarks.lab.markers import ASSETS, PAGE, with_figures
from benchmarks.lab.processes import CommandError

from weft.cli.unix_http import NoAnswerError

NAME: Final = "control-plane"
PICTURE: Final = ASSETS / f"{NAME}.svg"

_CASES: Final = ((100, 100), (1_000, 100), (1_000, 500), (1_000, 1_000))
_WORKLOADS: Final = 10
_RATES: Final = (20, 100)
_QUICK: Final = ((100, 20),)
_FAILED: Final = (ServerError, LoadClientError, NoAnswerError)
_UNREADABLE: Final = (OSError, ValueError, msgspec.DecodeError)


class Options(argparse.Namespace):
    """What the user asked for."""

    services: list[int]
    proxies: list[int]
    workloads: list[int]
    endpoints: int
    repeats: int
    seconds: float
    limit: float
    rate: list[int]
    by: By
    node: bool
    only: list[str]
    quick: bool
    output: Path | None
    read: Path | None
    svg: Path | None
    write_docs: bool
    server: str | None
    server_pid: int | None
    server_name: str
    protocol: Protocol
    roots: Path | None
    token: Path | None
    node_id: str
    metadata: Path | None
    events: Path | None


def main(arguments: list[str]) -> None:
    """Runs the benchmark and shows its figures; SystemExit with a message if it can't."""
    options = parser().parse_args(arguments, namespace=Options())
    try:
        result = msgspec.json.decode(options.read.read_bytes(), type=Result) if options.read else run(options)
        show(result, options)
    except (*_FAILED, CommandError, *_UNREADABLE) as error:
        sys.exit(str(error))


def parser() -> argparse.ArgumentParser:
    """Returns the command line."""
    found = argparse.ArgumentParser(prog="./dev bench control-plane", description=__doc__)
    sizes = "; may be repeated: all combinations are measured"
    found.add_argument("--services", type=int, action="append", default=[], help=f"services{sizes}")
    found.add_argument("--proxies", type=int, action="append", default=[], help=f"proxies{sizes}")
    found.add_argument("--workloads", type=int, action="append", default=[], help=f"Deployments of the proxies{sizes}")
    found.add_argument("--endpoints", type=int, default=ENDPOINTS, help=f"endpoints of each service ({ENDPOINTS})")
    found.add_argument("--repeats", type=int, default=5, help="how often each thing is changed (5)")
    found.add_argument("--rate", type=int, action="append", default=[], help="endpoints a second of streams (20, 100)")
    found.add_argument("--seconds", type=float, default=8.0, help="how long a stream of changes takes (8)")
    found.add_argument("--limit", type=float, default=60.0, help="seconds after which something is missing (60)")
    found.add_argument("--by", choices=("files", "commands"), default="files", help="how changes are made (files)")
    found.add_argument("--node", action="store_true", help="follow the orders to the node process, as `weft node` does")
    found.add_argument("--protocol", choices=("delta", "sotw"), default="delta", help="incremental or not (delta)")
    found.add_argument("--only", action="append", choices=list(changes.ABOUT), default=[], help="only this change")
    found.add_argument("--quick", action="store_true", help="to see that it runs: a small mesh, each change once")
    found.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the figures as JSON, after each mesh")
    found.add_argument("--read", type=Path, metavar="FILE", help="show such a file again, and measure nothing")
    found.add_argument("--svg", type=Path, metavar="FILE", help="draw the figures in relation to istiod's")
    found.add_argument("--write-docs", action="store_true", help=f"put figures and picture into {PAGE.name}")
    _peer_arguments(found.add_argument_group("another ADS server"))
    return found


def _peer_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--server", metavar="HOST:PORT", help="measure this server in place of Weft, with its services")
    group.add_argument("--server-pid", type=int, metavar="PID", help="its process, to know its processor time")
    group.add_argument("--roots", type=Path, metavar="FILE", help="certificates to trust, PEM; without: plaintext")
    group.add_argument("--server-name", metavar="NAME", default="", help="the name in its certificate")
    group.add_argument("--token", type=Path, metavar="FILE", help="a token that all proxies show")
    group.add_argument("--node-id", default=NODE_ID, metavar="TEXT", help=f"with {{number}} ({NODE_ID})")
    group.add_argument("--metadata", type=Path, metavar="FILE", help="JSON: the node's metadata")
    group.add_argument(
        "--events", type=Path, metavar="FILE", help="JSON: changes, each with name, command and marks (type, text)"
    )


def run(options: Options) -> Result:
    """Measures what was asked for. Raises ServerError, LoadClientError, OSError."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    if options.server is not None:
        return gathered(peer_cases(peer_of(options.server, options), options), options.output)
    if os.geteuid() != 0:
        sys.exit("a network of its own needs root")
    return gathered(cases(options), options.output)


def gathered(found: Iterable[Case], output: Path | None) -> Result:
    """Returns all cases; what there is so far is in the file after each of them. Raises OSError."""
    result = Result(machine=machine(), cases=())
    for case in found:
        result = msgspec.structs.replace(result, cases=(*result.cases, case))
        if output:
            output.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1))
    return result


def peer_of(server: str, options: Options) -> Peer:
    """Returns the other server that was asked for. Raises OSError, ValueError."""
    host, _, port = server.rpartition(":")
    if not host or not port.isdecimal():
        raise ValueError(f"--server is HOST:PORT, not {server!r}")
    return Peer(
        name=server,
        host=host.strip("[]"),
        port=int(port),
        protocol=options.protocol,
        services=max(options.services, default=0),
        node_id=options.node_id,
        metadata=msgspec.json.decode(options.metadata.read_bytes(), type=dict[str, Any]) if options.metadata else {},
        roots=options.roots.read_text() if options.roots else "",
        server_name=options.server_name or host,
        token=options.token.read_text().strip() if options.token else "",
        pid=options.server_pid,
        events=read_events(options.events) if options.events else (),
    )


def peer_cases(peer: Peer, options: Options) -> Iterator[Case]:
    """Yields the figures of another server with each number of proxies."""
    for proxies in options.proxies or [100]:
        tell(f"{peer.name}: {proxies:,} proxies")
        yield measured_peer(peer, proxies, repeats=options.repeats, limit=options.limit, tell=tell)


def cases(options: Options) -> Iterator[Case]:
    """Yields the figures of each mesh; what can't be measured is left out and told."""
    extent = Extent(
        repeats=1 if options.quick else options.repeats,
        rates=tuple(options.rate or (() if options.only else _RATES)),
        seconds=1.0 if options.quick else options.seconds,
        limit=options.limit,
        by=options.by,
        node=options.node,
        protocol=options.protocol,
        events=tuple(options.only or changes.ABOUT),
    )
    for shape in shapes(options):
        tell(f"{shape.services:,} services, {shape.proxies:,} proxies of {shape.workloads} workloads")
        try:
            yield measured(shape, extent, tell)
        except _FAILED as error:  # a machine may be too small for the largest meshes
            tell(f"left out: {error}")


def shapes(options: Options) -> list[Shape]:
    """Returns the meshes that were asked for."""
    pairs: Sequence[tuple[int, int]] = _QUICK if options.quick else _CASES
    if options.services or options.proxies:
        pairs = [(s, p) for s in options.services or [1_000] for p in options.proxies or [100]]
    return [Shape(s, p, min(w, p), options.endpoints) for s, p in pairs for w in options.workloads or [_WORKLOADS]]


def show(result: Result, options: Options) -> None:
    """Prints the tables and writes the files that were asked for. Raises OSError, ValueError."""
    tables, drawn = markdown(result), picture(result)
    print(tables)
    if options.svg and drawn:
        options.svg.write_text(drawn)
    if options.write_docs:
        image = f"![Weft's cost in relation to istiod's](../assets/{PICTURE.name})\n\n" if drawn else ""
        if drawn:
            PICTURE.write_text(drawn)
        PAGE.write_text(with_figures(PAGE.read_text(), NAME, image + tables))


if __name__ == "__main__":
    main(sys.argv[1:])
