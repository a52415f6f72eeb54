"""How long a change takes to reach all proxies.

Envoy keeps the time at which it took a route table (`config_reload_time_ms`), so looking does not make it later.
"""

import re
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.lab import manifests, meshes
from benchmarks.lab.processes import CommandError
from benchmarks.lab.results import Propagation
from benchmarks.lab.samples import percentile

from weft.cli.unix_http import Request, ask

_STATISTIC: Final = r"rds\.8080\.config_reload_time_ms$"
_VALUE: Final = re.compile(r": (\d+)\s*$")
_LOOK: Final = 0.1
_PAUSE: Final = 0.5
_LIMIT: Final = 30.0


def propagation(proxies: int, changes: int) -> Propagation:
    """Runs a mesh of some pods with sidecars, and changes a VirtualService some times. Raises CommandError."""
    with meshes.running(partial(manifests.write_proxies, count=proxies)) as mesh:
        sockets = [mesh.admin_socket(pod) for pod in mesh.pods() if pod.envoy is not None]
        taken = [_change(mesh.folder, revision, sockets) for revision in range(1, changes + 1)]
    return Propagation(
        proxies, tuple(percentile(each, 50) for each in taken), tuple(percentile(each, 100) for each in taken)
    )


def _change(folder: Path, revision: int, sockets: Sequence[Path]) -> list[float]:
    """Makes a change, and returns how many milliseconds each proxy took to have it."""
    time.sleep(_PAUSE)
    changed = [*manifests.subsets(), manifests.virtual_service("echo", revision)]
    saved = time.time() * 1_000
    manifests.write(folder, manifests.ROUTES_FILE, changed)
    end = time.monotonic() + _LIMIT
    taken: dict[Path, float] = {}
    while len(taken) < len(sockets):
        if time.monotonic() > end:
            raise CommandError(f"{len(sockets) - len(taken)} proxies did not get a change within {_LIMIT:g} s")
        time.sleep(_LOOK)
        times = {socket: reload_time(_statistics(socket)) for socket in sockets if socket not in taken}
        taken |= {socket: max(at - saved, 0) for socket, at in times.items() if at >= int(saved)}
    return list(taken.values())


def _statistics(socket: Path) -> str:
    return ask(socket, Request(f"/stats?filter={_STATISTIC}")).body.decode()


def reload_time(statistics: str) -> int:
    """Returns the time of the last new table, in milliseconds since 1970, as Envoy's admin interface tells it."""
    return max((int(found[1]) for line in statistics.splitlines() if (found := _VALUE.search(line))), default=0)
