"""Which proxy is meant, and what is known of it.

A proxy that is not in the files is taken for a pod that is there, but that nobody calls: its labels, ports and account
are those that are said of it. So all that holds for pods holds for it.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from weft.apps.offline.mesh import OfflineMesh
from weft.apps.offline.redaction import Json
from weft.base.issues import Ref
from weft.cli.errors import Failure, Misuse
from weft.dialects.kubernetes.injection import Template
from weft.dialects.kubernetes.pod import INTERCEPTION_MODE, pod_captures_dns, workload_name
from weft.ir.inventory import Workload
from weft.ir.settings import ProxyKey
from weft.mesh.scope import Role
from weft.model.kubernetes import Container, ContainerPort, PodTemplate, TemplateMetadata
from weft.model.local import PodReport
from weft.model.proxy_node import NodeDescription, NodeId, NodeMetadata, parse_node_id
from weft.sources.local.plans import PodPlan, pod_object
from weft.sources.local.pod_orders import pod_order
from weft.sources.local.pods import POD, PodRecord

_TEMPLATES: Final[dict[str, Template]] = {"sidecar": "sidecar", "router": "gateway", "waypoint": "sidecar"}
_NEAR: Final = 5


class Said(Struct, frozen=True):
    """What the command line says of a proxy: labels in place of its own, and node metadata."""

    labels: dict[str, str] | None = None
    description: NodeDescription = NodeDescription()


class Proxy(Struct, frozen=True):
    """A proxy, the pod that it is of, and what it gets. `role` is the one of node ids."""

    role: str
    pod: Ref
    key: ProxyKey
    bootstrap: Json


def find_proxy(mesh: OfflineMesh, node: str, said: Said) -> Proxy:
    """The proxy that `NAMESPACE/NAME` of a pod, or of the Deployment that it is a replica of, or a proxy id means.

    Raises Failure or Misuse.
    """
    if "~" not in node:
        plan = _in_files(mesh, node)
        role = "router" if plan.record.injected == "gateway" else "sidecar"
        return _proxy(mesh, role, _described(mesh, plan, said), said)
    try:
        node_id = parse_node_id(node)
    except ValueError as error:
        raise Misuse(str(error)) from error
    if node_id.role not in _TEMPLATES:
        raise Failure(f"a {node_id.role} is no Envoy: there is nothing to render for it")
    found = _proxy(mesh, node_id.role, _described(mesh, _identified(mesh, node_id, said), said), said)
    found.bootstrap["node"]["id"] = node
    return found


def pod_ref(node: str) -> Ref:
    """The pod that `NAMESPACE/NAME`, or `NAME` in the namespace `default`, means. Raises Misuse."""
    namespace, _, name = node.rpartition("/")
    if not name or "/" in namespace:
        raise Misuse(f"{node!r} names no pod", hint="write NAMESPACE/NAME or a proxy id: sidecar~IP~POD.NS~DOMAIN")
    return Ref(POD, namespace or "default", name)


# ---- pods ------------------------------------------------------------------------------------------------------------
def _in_files(mesh: OfflineMesh, node: str) -> PodPlan:
    ref = pod_ref(node)
    plan = mesh.plan(ref) or _replica(mesh, ref)
    if plan is None:
        raise Failure(f"there is no pod {ref.namespace}/{ref.name}", hint=_near(mesh, ref))
    if plan.record.injected == "none":
        hint = "label its namespace istio-injection=enabled, or the pod sidecar.istio.io/inject=true"
        raise Failure(f"the pod {ref.namespace}/{plan.record.name} has no proxy: none is injected", hint=hint)
    if not plan.addresses:
        raise Failure(f"the pod {ref.namespace}/{plan.record.name} has no address yet")
    return plan


def _replica(mesh: OfflineMesh, ref: Ref) -> PodPlan | None:
    """The first pod that is a replica of something of this name."""
    found = (plan for plan in mesh.plans() if plan.record.namespace == ref.namespace)
    replicas = (plan for plan in found if workload_name(plan.record.metadata({})) == ref.name)
    return min(replicas, key=lambda plan: (plan.record.serial, plan.record.name), default=None)


def _near(mesh: OfflineMesh, ref: Ref) -> str:
    """Pods with names that may be meant: those of a Deployment begin with its name."""
    names = sorted(f"{plan.record.namespace}/{plan.record.name}" for plan in mesh.plans())
    wanted = f"{ref.namespace}/{ref.name}"
    begun = [name for name in names if name.startswith(wanted)]
    called = [name for name in names if name.rpartition("/")[2].startswith(ref.name)]
    near = [*begun, *called, *get_close_matches(wanted, names, n=_NEAR, cutoff=0.5), *names]
    shown = list(dict.fromkeys(near))[:_NEAR]
    more = f", and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return f"there are {', '.join(shown)}{more}" if shown else "the files hold no pods and no Deployments"


def _identified(mesh: OfflineMesh, node: NodeId, said: Said) -> PodPlan:
    """The pod of a proxy id: the one of that name in the files, or at its address, or one that is not there.

    So services select a proxy by its address and by its labels, as Istio's service instances do.
    """
    metadata = said.description.metadata
    addresses = metadata.instance_ips or (node.address,)
    namespace = metadata.namespace or node.namespace
    known = mesh.plan(Ref(POD, namespace, node.pod)) or _at(mesh, namespace, addresses)
    record = known.record if known is not None else _absent(namespace, _labels_at(mesh, namespace, addresses))
    record = structs.replace(record, name=node.pod, injected=_TEMPLATES[node.role])
    return PodPlan(record=record, addresses=addresses)


def _at(mesh: OfflineMesh, namespace: str, addresses: tuple[str, ...]) -> PodPlan | None:
    """A pod of the namespace that has one of the addresses."""
    found = (plan for plan in mesh.plans() if plan.record.namespace == namespace)
    return next((plan for plan in found if not set(addresses).isdisjoint(plan.addresses)), None)


def _labels_at(mesh: OfflineMesh, namespace: str, addresses: tuple[str, ...]) -> dict[str, str]:
    """The labels of a WorkloadEntry of the namespace that has one of the addresses: such a proxy runs on a machine."""
    inventory = mesh.assembly.pipeline.mesh.inventory
    found = (inventory.workload(uid) for uid in inventory.workloads())
    near = (each for each in found if each is not None and each.namespace == namespace)
    entry = next((each for each in near if not set(addresses).isdisjoint(each.addresses)), None)
    return dict(entry.labels) if entry is not None else {}


def _absent(namespace: str, labels: dict[str, str]) -> PodRecord:
    content = PodTemplate(TemplateMetadata(labels))
    return PodRecord(
        uid="",
        namespace=namespace,
        name="",
        owner=None,
        template="",
        content=content,
        marks=content.metadata,
        written={},
        injected="none",
        folders={},
        created=0,
    )


# ---- what is said of it ----------------------------------------------------------------------------------------------
def _described(mesh: OfflineMesh, plan: PodPlan, said: Said) -> PodPlan:
    """The pod with what is said of it in place of what is known."""
    record, metadata = plan.record, said.description.metadata
    marks = record.marks
    labels = next((each for each in (said.labels, metadata.labels) if each is not None), marks.labels)
    annotations = marks.annotations | metadata.annotations
    if record.injected == "sidecar" and metadata.interception:  # nothing is captured for others
        annotations |= {INTERCEPTION_MODE: metadata.interception}
    marks = TemplateMetadata(labels, annotations)
    spec = record.content.spec
    if metadata.service_account:
        spec = structs.replace(spec, service_account_name=metadata.service_account)
    if metadata.pod_ports:
        ports = tuple(ContainerPort(each.container_port, each.name, each.protocol) for each in metadata.pod_ports)
        spec = structs.replace(spec, containers=(Container("app", ports=ports),))
    record = structs.replace(record, marks=marks, content=structs.replace(record.content, metadata=marks, spec=spec))
    return structs.replace(plan, record=record, captures_dns=_captures_dns(mesh, record, metadata))


def _captures_dns(mesh: OfflineMesh, record: PodRecord, metadata: NodeMetadata) -> bool:
    if record.injected != "sidecar":
        return False
    if metadata.dns_capture is not None:
        return metadata.dns_capture
    return pod_captures_dns(record.marks.annotations, default=mesh.assembly.pipeline.settings.get(None).captures_dns)


# ---- what it gets ----------------------------------------------------------------------------------------------------
def _proxy(mesh: OfflineMesh, role: str, plan: PodPlan, said: Said) -> Proxy:
    workload = _workload(mesh, plan, said.description)
    scope_role: Role = "own" if role == "sidecar" else "edge"
    return Proxy(
        role,
        plan.record.ref,
        mesh.assembly.pipeline.mesh.key(workload, scope_role),
        _bootstrap(mesh, plan, said.description),
    )


def _workload(mesh: OfflineMesh, plan: PodPlan, description: NodeDescription) -> Workload:
    """What the pod is in the mesh; it is compiled beside the mesh's own objects."""
    ready = PodReport(uid=plan.record.uid, phase="Running", ready=True)
    compiled = mesh.assembly.pipeline.fragments.alone(pod_object(plan, ready))
    found = next((each for each in compiled.fragments if isinstance(each, Workload)), None)
    if found is None:
        raise Failure("; ".join(issue.message for issue in compiled.issues) or "the pod is no workload of the mesh")
    metadata, locality = description.metadata, description.locality
    return structs.replace(
        found,
        network=metadata.network or found.network,
        cluster=metadata.cluster or found.cluster,
        locality=(locality.region, locality.zone, locality.sub_zone) if locality is not None else found.locality,
    )


def _bootstrap(mesh: OfflineMesh, plan: PodPlan, description: NodeDescription) -> Json:
    """What the proxy starts with; node metadata is there as it was said."""
    order = pod_order(plan, mesh.bootstraps)
    document: Json = msgspec.json.decode(order.proxy.bootstrap) if order.proxy is not None else {"node": {}}
    node: dict[str, Any] = document["node"]
    node["metadata"] = node.get("metadata", {}) | description.stated
    if description.locality is not None:
        node["locality"] = {name: part for name, part in msgspec.to_builtins(description.locality).items() if part}
    return document
