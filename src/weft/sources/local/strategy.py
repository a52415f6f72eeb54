"""What a Deployment asks of its pods' number and replacement, with Kubernetes' defaults. Pure."""

import re
from typing import Final

from weft.model.kubernetes import Deployment
from weft.sources.local.rollout import Wanted

_SHARE: Final = re.compile(r"([0-9]{1,9})%")
_DEFAULT_SHARE: Final = "25%"
"""Of both bounds (apps/v1, RollingUpdateDeployment)."""


def wanted(deployment: Deployment, template: str) -> Wanted:
    """What is asked for, with `template` as the hash of the present template. Raises ValueError for no numbers.

    A share of the replicas is rounded up for the surge and down for those that may be missing; where both would be
    nothing, one pod may be missing, as else nothing could ever be replaced (Kubernetes).
    """
    bounds = deployment.strategy.rolling_update
    surge = _number(bounds.max_surge, deployment.replicas, up=True)
    unavailable = _number(bounds.max_unavailable, deployment.replicas, up=False)
    return Wanted(
        template=template,
        replicas=deployment.replicas,
        surge=surge,
        unavailable=min(unavailable or (0 if surge else 1), deployment.replicas),
        recreate=deployment.strategy.type == "Recreate",
    )


def is_bound(value: int | str | None) -> bool:
    """Whether a value is a number or a share, as the bounds of a rolling update have to be."""
    return value is None or (value >= 0 if isinstance(value, int) else _SHARE.fullmatch(value) is not None)


def _number(bound: int | str | None, replicas: int, *, up: bool) -> int:
    if not is_bound(bound):
        raise ValueError(f"{bound!r} is neither a number nor a share")
    if isinstance(bound, int):
        return bound
    share = int((bound or _DEFAULT_SHARE)[:-1]) * replicas
    return -(-share // 100) if up else share // 100
