"""Objects, pods and resources of one mesh, put together: for a controller that goes on, and for files that are read
once. Opens no socket and no file, so that it runs on every system.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from weft.apps.pipeline import Pipeline
from weft.base.families import FAMILIES, Family, Network, any_addresses, families_of
from weft.base.issues import Issue, LocatedIssue, Ref
from weft.ir.settings import MeshSettings
from weft.model.decode import Decoder
from weft.model.kinds import Kinds
from weft.model.local import Isolation
from weft.node.addresses import MeshNetwork
from weft.node.ports import first_open_port
from weft.sources.local.addresses import ENTRY_CIDRS, SERVICE_CIDRS, PodAddresses, address_pools
from weft.sources.local.cluster import Addresses, LocalCluster, Remembered
from weft.sources.local.job_records import JobRecords
from weft.sources.local.orders import NetworkOrders
from weft.sources.local.pods import Pods
from weft.sources.local.store import Files, ObjectStore
from weft.sources.state import Tables

_WORST_FIRST: Final = {"error": 0, "warning": 1, "info": 2}


LOOPBACK: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"
"""Where gateways may listen."""


def gateway_addresses(
    chosen: str, machine: tuple[str, ...], loopback: tuple[str, ...] = (LOOPBACK,)
) -> tuple[str, ...]:
    """Where gateways listen: at the chosen address, and for pods at the machine's addresses in the mesh's network.

    `loopback` are all addresses that the chosen LOOPBACK stands for.
    """
    if chosen == EVERYWHERE:
        with_ipv6 = "IPv6" in families_of(machine)
        return any_addresses(FAMILIES) if with_ipv6 else ()
    return (*(loopback if chosen == LOOPBACK else (chosen,)), *machine)


class PodRanges(Struct, frozen=True):
    """Where pods get their addresses from, a range for each family, the primary one first; and the machine's own
    addresses (of gateways). `proxies` is the range of addresses that proxies have for themselves, if they do."""

    cidrs: tuple[Network, ...]
    hosts: tuple[str, ...]
    proxies: Network | None = None

    @property
    def families(self) -> tuple[Family, ...]:
        """The families of the ranges."""
        return families_of(map(str, self.cidrs))

    @classmethod
    def of(cls, network: MeshNetwork) -> PodRanges:
        """The ranges of a mesh's network."""
        return cls(network.cidrs, tuple(map(str, network.hosts)), network.proxies)


def base_settings(gateways: tuple[str, ...], isolation: Isolation) -> MeshSettings:
    """What the mesh's own ConfigMap starts from: where gateways listen, and which ports may be opened there."""
    first_port = first_open_port() if isolation == "loopback" else 0
    return MeshSettings(gateway_addresses=gateways, first_gateway_port=first_port)


class Assembly(Struct, frozen=True):
    """The parts that depend on nothing but objects."""

    kinds: Kinds
    pipeline: Pipeline
    cluster: LocalCluster


def located_issues(
    pipeline: Pipeline, cluster: LocalCluster, ref: Ref | None = None, *, across: bool = True
) -> tuple[LocatedIssue, ...]:
    """All that is wrong, or with one object, the worst first and each where it stands; `across` objects too."""
    store = cluster.store
    said = (each for each in store.issues() if ref in (None, each.issue.ref))
    found = pipeline.issues(ref) if across else pipeline.issues_of_objects(ref)
    located = (_located(issue, store) for issue in found)
    unique = dict.fromkeys((*said, *located, *cluster.issues(ref)))
    return tuple(sorted(unique, key=lambda each: _WORST_FIRST[each.issue.severity]))


def _located(issue: Issue, store: ObjectStore) -> LocatedIssue:
    return LocatedIssue(issue, store.position(issue.ref, issue.path) if issue.ref is not None else None)


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
        Remembered(Pods(tables, clock), JobRecords(tables)),
        objects=pipeline.objects,
        network=NetworkOrders(pipeline.graph, pipeline.mesh),
        addresses=Addresses(
            pods=PodAddresses(tables, pods.cidrs, proxies=pods.proxies),
            services=address_pools(tables, "service addresses", SERVICE_CIDRS, pods.families),
            entries=address_pools(tables, "entry addresses", ENTRY_CIDRS, pods.families),
            hosts=pods.hosts,
        ),
        clock=clock,
    )
    return Assembly(kinds, pipeline, cluster)
