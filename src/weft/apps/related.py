"""What objects are connected with, for people."""

from __future__ import annotations

from weft.apps.pipeline import Pipeline
from weft.base.families import host_port
from weft.base.issues import Ref
from weft.dialects.names import service_host
from weft.mesh.reader import Mesh
from weft.sources.local.pods import POD
from weft.sources.local.services import SERVICE


def related_objects(pipeline: Pipeline, ref: Ref) -> dict[str, list[str]]:
    """Endpoints of a service; policies in force at a pod, and services that lead to it."""
    if ref.kind == SERVICE:
        return _of_service(pipeline.mesh, ref)
    return _of_pod(pipeline, ref) if ref.kind == POD else {}


def _of_service(mesh: Mesh, ref: Ref) -> dict[str, list[str]]:
    service = mesh.inventory.service(ref.namespace, service_host(ref.name, ref.namespace, mesh.settings()))
    if service is None:
        return {}
    found = ((port, mesh.endpoint_table.of(service, port)) for port in service.ports)
    return {
        f"Endpoints {port.name or port.number}": [host_port(e.address, e.port) for e in endpoints if e.healthy]
        for port, endpoints in found
    }


def _of_pod(pipeline: Pipeline, ref: Ref) -> dict[str, list[str]]:
    mesh = pipeline.mesh
    workload = mesh.inventory.workload(workload_uid(pipeline, ref.namespace, ref.name))
    if workload is None:
        return {}
    inbound = mesh.inbound(mesh.key(workload, "own").server)
    policies = [f"{a.source.kind} {a.source.namespace}/{a.source.name}" for a in inbound.other.authorizations]
    return {
        "Services": sorted({port.service for port in inbound.ports if port.service}),
        "Mutual TLS": [f"{port.port}: {port.mutual}" for port in (*inbound.ports, inbound.other)],
        "Authorization": policies,
    }


def workload_uid(pipeline: Pipeline, namespace: str, pod: str) -> str:
    """The uid of the workload that a pod is in the mesh."""
    return f"{pipeline.mesh.settings().cluster}//Pod/{namespace}/{pod}"
