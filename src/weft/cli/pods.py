"""How a pod is, in kubectl's few words."""

from collections.abc import Iterator
from typing import Final

from weft.cli.ages import duration
from weft.cli.manifests import Json, dig, items, seconds

PROXY: Final = "istio-proxy"

_WAITS: Final = "ContainerCreating"
"""What waits for other containers of its pod: they say what is wrong."""
_INIT: Final = "initContainerStatuses"
_MAIN: Final = "containerStatuses"


def pod_ready(pod: Json) -> str:
    """`2/2`: containers that are ready, and all that go on running; Envoy counts, as it does in Kubernetes."""
    statuses = list(_statuses(pod))
    return f"{sum(1 for status in statuses if status.get('ready') is True)}/{len(statuses)}"


def pod_status(pod: Json) -> str:
    """`Running`, `Terminating`, or why the pod is not what it should be."""
    if dig(pod, "metadata", "deletionTimestamp"):
        return "Terminating"
    found = (reason for status in _statuses(pod) if (reason := _trouble(status)))
    reasons = sorted(found, key=lambda reason: reason == _WAITS)
    return reasons[0] if reasons else str(dig(pod, "status", "reason") or dig(pod, "status", "phase") or "Unknown")


def pod_restarts(pod: Json, now: float) -> str:
    """`3 (5m ago)`: how often containers were started again, and when one last had ended."""
    statuses = list(_statuses(pod))
    count = sum(int(status.get("restartCount") or 0) for status in statuses)
    ends = [end for s in statuses if (end := seconds(dig(s, "lastState", "terminated", "finishedAt"))) is not None]
    return f"{count} ({duration(now - max(ends))} ago)" if count and ends else str(count)


def pod_proxy(pod: Json) -> str:
    """How the pod's Envoy is: `Ready`, `NotReady`, or `<none>` where it has none."""
    ready = [status.get("ready") is True for status in _statuses(pod) if status.get("name") == PROXY]
    if not ready:
        return "<none>"
    return "Ready" if ready[0] else "NotReady"


def _statuses(pod: Json) -> Iterator[Json]:
    """Those of containers, and of init containers that go on running beside them (sidecars)."""
    sidecars = {c.get("name") for c in items(pod, "spec", "initContainers") if c.get("restartPolicy") == "Always"}
    yield from items(pod, "status", _MAIN)
    yield from (s for s in items(pod, "status", _INIT) if s.get("name") in sidecars | {PROXY})


def _trouble(status: Json) -> str:
    """Why a container does not run, if it should; what has ended well is no trouble, but its reason is shown."""
    waiting, ended = dig(status, "state", "waiting"), dig(status, "state", "terminated")
    if waiting:
        return str(waiting.get("reason") or "Waiting")
    return str(ended.get("reason") or f"ExitCode:{ended.get('exitCode')}") if ended else ""
