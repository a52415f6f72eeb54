"""Policies about requests, in force where there are none."""

from collections.abc import Iterator

from weft.analyze.common import each
from weft.base.issues import Issue
from weft.ir.access import Authorization
from weft.ir.inventory import Workload
from weft.ir.settings import WorkloadClass
from weft.mesh.access.authorization import rules_about_requests
from weft.mesh.access.coverage import covers
from weft.mesh.fragments import Fragments
from weft.mesh.names import is_http
from weft.mesh.reader import Mesh
from weft.model.codes import REQUEST_RULE_ON_BYTES


def request_rules_on_bytes(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """WEFT0305: a rule about requests selects a workload with a port that serves bytes (A9)."""
    workloads = [workload for _, workload in each(fragments, Workload) if workload.mode != "none"]
    classes = dict.fromkeys(mesh.key(workload, "own").server for workload in workloads)
    streams = {server: ports for server in classes if (ports := _stream_ports(mesh, server))}
    for ref, authorization in each(fragments, Authorization):
        covered = (found for server, found in streams.items() if covers(authorization.target, server))
        served = sorted({port for found in covered for port in found})
        if not served:
            continue
        for rule in rules_about_requests((authorization,)):
            widened = rule.unparsed == "widen"
            yield Issue(
                REQUEST_RULE_ON_BYTES,
                "warning",
                ref,
                rule.source.path,
                f"the rule is about requests, but port {', '.join(map(str, served))} serves bytes that are not HTTP",
                effect="there it holds for every connection that the rest of it fits"
                if widened
                else "there it never holds",
                advice="name the ports that the rule is for, or declare the service's port as HTTP",
            )


def _stream_ports(mesh: Mesh, server: WorkloadClass) -> tuple[int, ...]:
    """Ports that services declare to be no HTTP; those whose protocol is detected may be."""
    ports = mesh.inbound(server).ports
    return tuple(port.port for port in ports if port.protocol != "detect" and not is_http(port.protocol))
