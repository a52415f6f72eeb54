"""Objects, pods and resources of one mesh, put together: for a controller that goes on, and for files that are read
once. Opens no socket and no file, so that it runs on every system.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from weft.apps.pipeline import Pipeline
from weft.base.families import Family, Network, families_of
from weft.ir.settings import MeshSettings
from weft.model.decode import Decoder
from weft.model.kinds import Kinds
from weft.sources.local.addresses import ENTRY_CIDRS, SERVICE_CIDRS, PodAddresses, address_pools
from weft.sources.local.cluster import Addresses, LocalCluster
from weft.sources.local.orders import NetworkOrders
from weft.sources.local.pods import Pods
from weft.sources.local.store import Files, ObjectStore
from weft.sources.state import Tables


class PodRanges(Struct, frozen=True):
    """Where pods get their addresses from, a range for each family, the primary one first; and the machine's own
    addresses (of gateways)."""

    cidrs: tuple[Network, ...]
    hosts: tuple[str, ...]

    @property
    def families(self) -> tuple[Family, ...]:
        """The families of the ranges."""
        return families_of(map(str, self.cidrs))


class Assembly(Struct, frozen=True):
    """The parts that depend on nothing but objects."""

    kinds: Kinds
    pipeline: Pipeline
    cluster: LocalCluster


def assemble(
    kinds: Kinds,
    files: Files,
    tables: Tables,
    *,
    settings: MeshSettings,
    pods: PodRanges,
    clock: Callable[[], float],
) -> Assembly:
    """A mesh without objects yet. `files` say what authors wrote; `tables` hold what was decided before; `settings` are
    those that the mesh's own ConfigMap starts from; `clock` gives Unix seconds."""
    pipeline = Pipeline(settings)
    cluster = LocalCluster(
        ObjectStore(Decoder(kinds), files, tables, clock),
        Pods(tables, clock),
        objects=pipeline.objects,
        network=NetworkOrders(pipeline.graph, pipeline.mesh),
        addresses=Addresses(
            pods=PodAddresses(tables, pods.cidrs),
            services=address_pools(tables, "service addresses", SERVICE_CIDRS, pods.families),
            entries=address_pools(tables, "entry addresses", ENTRY_CIDRS, pods.families),
            hosts=pods.hosts,
        ),
        clock=clock,
    )
    return Assembly(kinds, pipeline, cluster)
