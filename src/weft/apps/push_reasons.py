"""Which pushes a proxy got, and why."""

from collections.abc import Hashable, Iterable, Set

from weft.envoy.type_urls import CDS, ON_DEMAND, SHORT_NAMES
from weft.serve.http.contract import PushReason
from weft.telemetry.push_log import Push


def pushes_to(pushes: Iterable[Push], uid: str | None, owners: Set[Hashable]) -> tuple[PushReason, ...]:
    """The pushes that told a proxy anything: its pod's uid, and whose resources it shows now. None: all pushes."""
    reasons = (_reason(push, uid, owners) for push in pushes)
    return tuple(reason for reason in reasons if reason.resources or reason.moved)


def _reason(push: Push, uid: str | None, owners: Set[Hashable]) -> PushReason:
    resources: dict[str, set[str]] = {}
    for (owner, type_url), names in push.told.items():
        if uid is None or owner in owners:
            told = CDS if type_url == ON_DEMAND else type_url
            resources.setdefault(SHORT_NAMES.get(told, told), set()).update(names)
    return PushReason(
        number=push.number,
        time=push.time,
        waited=push.waited,
        lane=push.lane,
        changes=push.changes,
        more_changes=push.more_changes,
        resources={kind: tuple(sorted(names)) for kind, names in resources.items()},
        names=push.names,
        moved=bool(push.moved) if uid is None else uid in push.moved,
    )
