"""What a running mesh says of itself while it is changed: what was refused, what was sent again, memory."""

import time
from collections import Counter
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from tests.e2e.mesh.harness import processes
from tests.e2e.mesh.harness.api import Pod
from tests.e2e.mesh.harness.mesh import RunningMesh

from weft.base.families import host_port
from weft.cli.unix_http import NoAnswerError

WATCHED: Final = {
    "refused": r"\.update_rejected|listener_manager\.listener_create_failure",
    "sent again": r"cluster\.outbound.*\.upstream_rq_retry",
    "broken": r"cluster\.(out|in)bound.*\.upstream_cx_(connect_fail|none_healthy)"
    r"|cluster\.outbound\|80\|.*_with_active_rq",
}
"""Statistics of Envoys that count what a client may not notice, by what they tell."""
HELD: Final = r"cluster_manager\.active_clusters|listener_manager\.total_listeners_(active|draining|warming)"
_MONITORING: Final = 15014


class Event(Struct, frozen=True):
    """A statistic that has grown: when that was seen (Unix seconds), of which Envoy, what it tells, and by how much."""

    at: float
    pod: str
    kind: str
    name: str
    number: int


class Statistics:
    """Follows the statistics of all Envoys, also of those that end."""

    def __init__(self, mesh: RunningMesh) -> None:
        self.events: list[Event] = []
        self.totals: dict[str, Counter[str]] = {kind: Counter() for kind in WATCHED}
        self._mesh = mesh
        self._last: dict[tuple[str, str], int] = {}

    def sample(self) -> None:
        """Looks at all of them. A statistic that is smaller than before began anew."""
        for pod in self._mesh.api.pods():
            if "istio-proxy" in pod.units:
                for kind, pattern in WATCHED.items():
                    self._take(pod, kind, self._ask(pod, pattern))

    def held(self) -> dict[str, dict[str, int]]:
        """How many clusters and listeners each Envoy has, by pod."""
        pods = [pod for pod in self._mesh.api.pods() if "istio-proxy" in pod.units]
        return {pod.name: self._ask(pod, HELD) for pod in pods}

    def _ask(self, pod: Pod, pattern: str) -> dict[str, int]:
        try:
            text = self._mesh.admin(pod).get(f"/stats?filter={quote(f'({pattern})$')}").decode()
        except (NoAnswerError, OSError):
            return {}  # it starts, or ends
        pairs = (line.rpartition(": ") for line in text.splitlines())
        return {name: int(value) for name, _, value in pairs if value.isdigit()}

    def _take(self, pod: Pod, kind: str, found: dict[str, int]) -> None:
        self.totals[kind].update(dict.fromkeys(found, 0))
        for name, value in found.items():
            before = self._last.get((pod.uid, name), 0)
            grown = value - before if value >= before else value
            self._last[pod.uid, name] = value
            if grown:
                self.totals[kind][name] += grown
                self.events.append(Event(time.time(), pod.name, kind, name, grown))


def memory(mesh: RunningMesh) -> dict[str, float]:
    """MiB of private memory of the controller, the node process and of each Envoy, by what it is."""
    pids = {name: mesh.process(name).pid for name in ("controller", "node")}
    for pod in mesh.api.pods():
        proxy = pod.units.get("istio-proxy")
        if proxy is not None and proxy.pid is not None:
            pids[f"Envoy of {pod.name}"] = proxy.pid
    return {name: round(processes.private_memory(pid) / 2**20, 1) for name, pid in pids.items()}


def told_by_controller(mesh: RunningMesh) -> dict[str, float]:
    """The controller's metrics since it was started, as Prometheus gets them from a pod without a sidecar."""
    url = f"http://{host_port(str(mesh.network.gateway), _MONITORING)}/metrics"
    answer = mesh.client("stranger").call(url)
    assert answer.status == 200, answer
    lines = (line.rpartition(" ") for line in answer.body.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def refusals(told: dict[str, float]) -> dict[str, float]:
    """Of the controller's metrics, those that count what proxies refused."""
    return {name: value for name, value in told.items() if "reject" in name}
