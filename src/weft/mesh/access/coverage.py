"""Which targets include a workload, and which of several fragments is older (A1, I5)."""

from weft.base.provenance import Provenance
from weft.ir.settings import WorkloadClass
from weft.ir.values import Target
from weft.mesh.matching import selects

Age = tuple[int, str, str]


def covers(target: Target, server: WorkloadClass) -> bool:
    """Whether a target includes workloads of a class. Services, gateways and routes are other points."""
    if target.kind == "namespace":
        return target.namespace == server.namespace
    if target.kind == "workloads" and target.select is not None:
        return selects(target.select, server.namespace, server.labels)
    return target.kind == "mesh"


def age(source: Provenance) -> Age:
    """What decides ties: the oldest first, then by namespace and name."""
    return (source.created, source.namespace, source.name)
