"""What of some objects a cluster has decided already: pods that it made, as `kubectl get -o yaml` writes them. Pure.

Such pods count as they are: their names, addresses and states. What made them (by `ownerReferences`, through the
ReplicaSet of a Deployment) does not make them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, structs

from weft.base.issues import Ref
from weft.model.kubernetes import Deployment, PodSpec, PodStatus
from weft.model.objects import Object
from weft.sources.changes import Changes, Value
from weft.sources.local.labels import selector_holds
from weft.sources.local.pods import POD, TEMPLATE_HASH

Bodies = Callable[[Iterable[Ref]], Mapping[Ref, dict[str, Any]]]
"""What authors wrote of objects."""

_KINDS: Final = {"Deployment": "Deployment.apps", "Job": "Job.batch"}
"""What makes pods here, by the kind that owner references name it by; keys of kinds as in `Ref`."""

_OWNERS: Final = frozenset(_KINDS.values())
_REPLICA_SET: Final = "ReplicaSet"


class Dump(Struct, frozen=True):
    """Objects taken apart: `pods` that a cluster made, and the `rest`, without what made pods that are there."""

    pods: tuple[Object[PodSpec], ...]
    rest: Changes


def take_apart(changes: Changes, bodies: Bodies) -> Dump:
    """Finds pods of a cluster among objects. `bodies` is asked for pods only, for their owner references."""
    pods = [value for value in changes.upserts.values() if value.kind == POD and isinstance(value, Object)]
    written = bodies([pod.ref for pod in pods]) if pods else {}
    made = [pod for pod in pods if _is_made(pod)]
    owners = {owner for pod in pods for owner in _owners(pod, written.get(pod.ref, {}))}
    orphans = [pod for pod in made if not _references(written.get(pod.ref, {}))]
    left_out = {pod.ref for pod in made}
    left_out |= {ref for ref, value in changes.upserts.items() if ref in owners or _selects_any(value, orphans)}
    rest = {ref: value for ref, value in changes.upserts.items() if ref not in left_out}
    return Dump(tuple(sorted(made, key=_key)), structs.replace(changes, upserts=rest))


def _is_made(pod: Object[PodSpec]) -> bool:
    """Whether a cluster has made the pod: nobody else writes a uid or an address."""
    status = pod.status
    return bool(pod.metadata.uid) or (isinstance(status, PodStatus) and bool(status.pod_ip or status.pod_ips))


def _owners(pod: Object[PodSpec], body: Mapping[str, Any]) -> Iterator[Ref]:
    for kind, name in _references(body):
        owner = name
        if kind == _REPLICA_SET:
            kind, owner = "Deployment", name.removesuffix(f"-{pod.metadata.labels.get(TEMPLATE_HASH, '')}")
        if kind in _KINDS:
            yield Ref(_KINDS[kind], pod.metadata.namespace, owner)


def _references(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Kinds and names of owners; what has another form is no reference."""
    metadata = body.get("metadata")
    stated = metadata.get("ownerReferences") if isinstance(metadata, dict) else None
    found = [each for each in stated if isinstance(each, dict)] if isinstance(stated, list) else []
    return [(str(each.get("kind", "")), str(each.get("name", ""))) for each in found]


def _selects_any(value: Value, pods: list[Object[PodSpec]]) -> bool:
    """Whether a Deployment selects one of some pods whose owner nobody tells."""
    spec = value.spec if isinstance(value, Object) and value.kind in _OWNERS else None
    if not isinstance(spec, Deployment):
        return False
    near = (pod for pod in pods if pod.metadata.namespace == value.metadata.namespace)
    return any(selector_holds(spec.selector, pod.metadata.labels) for pod in near)


def _key(pod: Object[PodSpec]) -> Ref:
    return pod.ref
