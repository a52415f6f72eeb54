"""How long a mesh takes from `weft up` until all its pods are ready, and what memory its processes have for themselves.

The mesh runs on a network of its own, from which no packet leaves the machine. Needs root.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import weft
from weft.base.places import Places
from weft.cli.unix_http import Request, ask

BOOKSHOP: Final = Path(weft.__file__).parent / "examples" / "bookshop"
READY: Final = "is ready after"
PROXY: Final = "istio-proxy"
LIMIT: Final = 120.0
LOOK: Final = 0.02


class NotReadyError(Exception):
    """A mesh did not become ready; the message is what it said."""


class Memory(NamedTuple):
    """Memory of one process in KiB, from /proc/<pid>/smaps_rollup (proc_pid_smaps(5)).

    `anonymous` is in no file; `dirty` are private pages that were written, the ones that one more such process costs.
    """

    anonymous: int
    dirty: int


class Run(NamedTuple):
    """One start: seconds from the command until all pods were ready, and the memory of its processes by name."""

    seconds: float
    envoys: dict[str, Memory]
    weft: dict[str, Memory]


def main() -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=BOOKSHOP, help="folder of the mesh (the bookshop)")
    parser.add_argument("--runs", type=int, default=3, help="how often it is started (3)")
    parser.add_argument("--settle", type=float, default=5.0, help="seconds from ready to the look at memory (5)")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("a mesh needs network namespaces, and so root")
    try:
        report([measured(options.folder, options.settle) for _ in range(options.runs)])
    except NotReadyError as error:
        sys.exit(str(error))


def measured(folder: Path, settle: float) -> Run:
    """Starts a mesh, looks at it, and takes it down."""
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as place:
        places = Places(f"bench{os.getpid()}", Path(place, "state"))
        output = Path(place, "output")
        started = time.monotonic()
        with up(folder, places, output) as process:
            await_ready(process, output)
            seconds = time.monotonic() - started
            time.sleep(settle)
            return Run(seconds, envoys(places), own_processes(process.pid))


@contextmanager
def up(folder: Path, places: Places, output: Path, source: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """`weft up` on a network with a loopback device and no other; its process is that of the supervisor.

    `source` is the `src` folder of another version of Weft to run in place of this one.
    """
    environment = {**os.environ, "PYTHONPATH": str(source)} if source is not None else None
    command = [sys.executable, "-m", "weft.apps.main", "up", str(folder)]
    place = ["--mesh", places.mesh, "--state-dir", str(places.state)]
    isolated = ["unshare", "--net", "--", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    with output.open("wb") as file:
        process = subprocess.Popen([*isolated, *command, *place], stdout=file, stderr=file, env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def await_ready(process: subprocess.Popen[bytes], output: Path) -> None:
    """Waits until the command says that all is ready. Raises NotReadyError."""
    end = time.monotonic() + LIMIT
    while READY not in output.read_text():
        if process.poll() is not None or time.monotonic() > end:
            raise NotReadyError(f"the mesh did not become ready:\n{output.read_text()}")
        time.sleep(LOOK)


def envoys(places: Places) -> dict[str, Memory]:
    """Memory of all Envoys by pod."""
    pods = json.loads(ask(places.controller_socket, Request("/v1/objects/pods")).body)["items"]
    found = {}
    for pod in pods:
        for unit in pod["status"]["containerStatuses"]:
            if unit["name"] == PROXY:
                found[pod["metadata"]["name"]] = memory(unit["state"]["running"]["pid"])
    return found


def own_processes(supervisor: int) -> dict[str, Memory]:
    """Memory of the supervisor, the controller and the node process."""
    found = {"supervisor": memory(supervisor)}
    for child in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        name = next((name for name in ("controller", "node") if name.encode() in words), child)
        found[name] = memory(int(child))
    return found


def memory(pid: int) -> Memory:
    """What a process has for itself now."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(size.split()[0]) for name, _, size in (line.partition(":") for line in lines)}
    return Memory(sizes["Anonymous"], sizes["Private_Dirty"])


def report(runs: list[Run]) -> None:
    """Prints the figures: times of all runs, memory of the last one by process."""
    seconds = [run.seconds for run in runs]
    print(f"ready after {statistics.median(seconds):.1f} s (median of {', '.join(f'{each:.1f}' for each in seconds)})")
    print(f"{'MiB':40} {'anonymous':>10} {'private dirty':>14}")
    for name, used in (*runs[-1].envoys.items(), *runs[-1].weft.items()):
        print(f"{name:40} {used.anonymous / 1024:10.1f} {used.dirty / 1024:14.1f}")
    dirty = [used.dirty / 1024 for run in runs for used in run.envoys.values()]
    print(f"an Envoy: median {statistics.median(dirty):.1f} MiB private dirty, at most {max(dirty):.1f} MiB")


if __name__ == "__main__":
    main()
