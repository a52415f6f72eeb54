"""The mesh that would run on some files, at its begin: every pod is made, has its addresses and is ready.

It is the cluster and the pipeline that a controller has, over tables in memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any

from msgspec import Struct, structs

from weft.apps.assembly import (
    LOOPBACK,
    Assembly,
    PodRanges,
    assemble,
    base_settings,
    gateway_addresses,
    located_issues,
)
from weft.apps.bootstraps import XDS_PORT, ProxyBootstraps
from weft.apps.families import loopback_addresses
from weft.apps.offline.files import OfflineFiles
from weft.base.families import Family
from weft.base.issues import LocatedIssue, Ref
from weft.cli.errors import Failure, Misuse
from weft.dialects.kubernetes.injection import found_template
from weft.model.kubernetes import PodSpec, PodStatus, PodTemplate, TemplateMetadata
from weft.model.local import Isolation, PodReport, proxy_mark
from weft.model.objects import Object
from weft.node.addresses import DEFAULT_POD_CIDRS, MeshNetwork, NoRoomError, choose_pod_cidr, loopback_ranges
from weft.sources.local.plans import PodPlan
from weft.sources.local.pods import PodRecord
from weft.sources.state import MemoryTables


class MeshOptions(Struct, frozen=True, kw_only=True):
    """What `weft up` may be told: where gateways listen, families of pods' addresses, how pods are kept apart."""

    gateway_address: str = LOOPBACK
    families: tuple[Family, ...] = ("IPv4",)
    isolation: Isolation = "netns"


class OfflineMesh(Struct, frozen=True):
    """What there is: the parts of a controller, the pods that a cluster had made, and how Envoys start."""

    assembly: Assembly
    made: dict[Ref, Object[PodSpec]]
    bootstraps: ProxyBootstraps

    def plan(self, ref: Ref) -> PodPlan | None:
        """A pod with its addresses."""
        made = self.made.get(ref)
        if made is not None:
            return plan_of(made)
        record = self.assembly.cluster.pods.named(ref)
        return self.assembly.cluster.plan(record.uid) if record is not None else None

    def plans(self) -> Iterator[PodPlan]:
        """All pods."""
        records = (self.assembly.cluster.plan(record.uid) for record in self.assembly.cluster.pods.records())
        yield from (plan for plan in records if plan is not None)
        yield from map(plan_of, self.made.values())

    def issues(self, *, across: bool) -> tuple[LocatedIssue, ...]:
        """What is wrong with files and objects, the worst first; `across` objects too."""
        return located_issues(self.assembly.pipeline, self.assembly.cluster, across=across)


def offline_mesh(files: OfflineFiles, options: MeshOptions) -> OfflineMesh:
    """Makes the mesh of some files. Raises Failure where the pods that are there leave no addresses for others, and
    Misuse where the options don't go together."""
    network = _network(files.pods, options)
    ranges = PodRanges.of(network)
    gateways = gateway_addresses(options.gateway_address, ranges.hosts, loopback_addresses(network.families))
    settings = base_settings(gateways, options.isolation)
    assembly = assemble(files.kinds, files.source, MemoryTables(), settings=settings, pods=ranges, clock=time.time)
    cluster = assembly.cluster
    cluster.refresh(cluster.store.take(structs.replace(files.other, complete=True)))
    for pod in files.pods:
        assembly.pipeline.objects.set(pod.ref, pod)
        cluster.namespaces.note(pod.ref, present=True)
    cluster.report([PodReport(uid=each.uid, phase="Running", ready=True) for each in cluster.pods.records()])
    in_force = assembly.pipeline.settings.get(None)
    bootstraps = ProxyBootstraps(in_force, str(network.gateway), XDS_PORT, proxy_mark(options.isolation))
    return OfflineMesh(assembly, {pod.ref: pod for pod in files.pods}, bootstraps)


def _network(pods: Iterable[Object[PodSpec]], options: MeshOptions) -> MeshNetwork:
    """The network of the mesh, with a range for new pods that none of those has an address of that are there."""
    if options.isolation == "loopback":
        if options.families != ("IPv4",):
            raise Misuse("on loopback pods have addresses of IPv4 only", hint="leave --ip-families out")
        return MeshNetwork("", (next(loopback_ranges()),))
    taken = [ip_network(address) for pod in pods for address in addresses_of(pod)]
    try:
        return MeshNetwork("", tuple(choose_pod_cidr(DEFAULT_POD_CIDRS[family], taken) for family in options.families))
    except NoRoomError as error:
        raise Failure("the pods that are there leave no range of addresses for others") from error


def plan_of(pod: Object[PodSpec]) -> PodPlan:
    """A pod that a cluster made, as one of this mesh."""
    meta = pod.metadata
    content = PodTemplate(TemplateMetadata(meta.labels, meta.annotations), pod.spec)
    record = PodRecord(
        uid=meta.uid,
        namespace=meta.namespace,
        name=meta.name,
        owner=None,
        template="",
        content=content,
        marks=content.metadata,
        written={},
        injected=found_template(meta.annotations, pod.spec),
        folders={},
        created=meta.created,
    )
    return PodPlan(record=record, addresses=addresses_of(pod))


def addresses_of(pod: Object[Any]) -> tuple[str, ...]:
    """The addresses that a cluster gave to a pod; what is none is left out."""
    status = pod.status if isinstance(pod.status, PodStatus) else PodStatus()
    stated = [each.ip for each in status.pod_ips] or [status.pod_ip]
    return tuple(each for each in stated if _is_address(each))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
