"""How the pods of a Deployment are replaced: new ones first, and never fewer ready ones than allowed. Pure.

Source: Kubernetes, Deployment, strategy RollingUpdate with its defaults: maxSurge 25 % (rounded up) and maxUnavailable
25 % (rounded down).
"""

from collections.abc import Sequence

from msgspec import Struct

_SHARE = 4  # a quarter


class RolloutPod(Struct, frozen=True):
    """A pod of a Deployment: the hash of the template it was made from, whether it is ready, and its age."""

    name: str
    template: str
    ready: bool
    created: int


class Step(Struct, frozen=True):
    """What to do now: how many pods of the present template to make, and which pods to delete."""

    create: int
    delete: tuple[str, ...]


def next_step(template: str, replicas: int, pods: Sequence[RolloutPod]) -> Step:
    """The next step from the pods that there are (without those that are being deleted) to the wanted ones."""
    current = [pod for pod in pods if pod.template == template]
    former = [pod for pod in pods if pod.template != template]
    surge, unavailable = -(-replicas // _SHARE), replicas // _SHARE
    create = max(0, min(replicas - len(current), replicas + surge - len(pods)))
    surplus = _by_use(current)[: max(0, len(current) - replicas)]
    # Pods that were never ready serve nobody: they go at once.
    broken = [pod for pod in former if not pod.ready] if current or create or not replicas else []
    ready = sum(pod.ready for pod in pods) - sum(pod.ready for pod in surplus)
    spare = max(0, ready - (replicas - unavailable))
    replaced = [pod for pod in _by_use(former) if pod.ready][:spare]
    return Step(create, tuple(pod.name for pod in (*surplus, *broken, *replaced)))


def _by_use(pods: Sequence[RolloutPod]) -> list[RolloutPod]:
    """Those that are missed least come first: not ready, then the youngest."""
    return sorted(pods, key=lambda pod: (pod.ready, -pod.created, pod.name))
