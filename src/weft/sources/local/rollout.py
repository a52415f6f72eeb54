"""How the pods of a Deployment are replaced, step by step. Pure.

Source: Kubernetes, "Deployments", and DeploymentStrategy of apps/v1. As there, old pods are ended only for new ones
that are ready; old ones that are not ready may be ended before, as they serve nobody.
"""

from collections.abc import Sequence

from msgspec import Struct


class RolloutPod(Struct, frozen=True):
    """A pod of a Deployment: the hash of the template it was made from, whether it is ready, and its age."""

    name: str
    template: str
    ready: bool
    created: int


class Wanted(Struct, frozen=True, kw_only=True):
    """What a Deployment asks for.

    While pods are replaced there may be `surge` more than `replicas`, and `unavailable` fewer that are ready. With
    `recreate` the old ones have to be gone before new ones are made.
    """

    template: str
    replicas: int
    surge: int
    unavailable: int
    recreate: bool = False


class Step(Struct, frozen=True):
    """What to do now: how many pods of the present template to make, and which pods to delete."""

    create: int
    delete: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.create or self.delete)


def next_step(wanted: Wanted, pods: Sequence[RolloutPod], ending: int = 0) -> Step:
    """The next step from the pods that there are to the wanted ones; `ending` others are being deleted already."""
    current = [pod for pod in pods if pod.template == wanted.template]
    former = [pod for pod in pods if pod.template != wanted.template]
    surplus = _by_use(current)[: max(0, len(current) - wanted.replicas)]
    missing = wanted.replicas - len(current)
    if wanted.recreate:
        create = 0 if former or ending else max(0, missing)
        return Step(create, _names(surplus, former))
    create = max(0, min(missing, wanted.replicas + wanted.surge - len(pods)))
    kept = [pod for pod in current if pod not in surplus]
    replaced = _replaceable(wanted, kept, former)
    left = [*(pod for pod in _by_use(former) if pod not in replaced), *_by_use(kept)]
    return Step(create, _names(surplus, replaced, _excess(wanted, left)))


def _replaceable(wanted: Wanted, current: Sequence[RolloutPod], former: Sequence[RolloutPod]) -> list[RolloutPod]:
    """The former pods that may go now.

    Where enough are ready, all that are not ready go. Else as many stay as may still become ready and are needed: it
    may be a moment in which all of them are unready, such as a failure of something that they share.
    """
    least = wanted.replicas - wanted.unavailable
    ready = [pod for pod in _by_use(former) if pod.ready]
    unready = [pod for pod in _by_use(former) if not pod.ready]
    spare = len(ready) + sum(pod.ready for pod in current) - least
    return [*unready[: max(0, len(unready) + min(spare, 0))], *ready[: max(0, spare)]]


def _excess(wanted: Wanted, pods: Sequence[RolloutPod]) -> list[RolloutPod]:
    """The pods that are too many, as fewer are wanted than before. Only such are among them that are not ready: of
    those that are, no more than wanted are left."""
    count = max(0, len(pods) - wanted.replicas - wanted.surge)
    return [pod for pod in pods if not pod.ready][:count]


def _names(*groups: Sequence[RolloutPod]) -> tuple[str, ...]:
    return tuple(pod.name for group in groups for pod in group)


def _by_use(pods: Sequence[RolloutPod]) -> list[RolloutPod]:
    """Those that are missed least come first: not ready, then the youngest."""
    return sorted(pods, key=lambda pod: (pod.ready, -pod.created, pod.name))
