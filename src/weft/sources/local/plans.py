"""What a pod is like now: its address, what its containers wait for, and how it is as an object. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct, structs

from weft.dialects.kubernetes.injection import INJECTED
from weft.dialects.kubernetes.pod import DNS_CAPTURE, INTERCEPTION_MODE, NO_INTERCEPTION, PROXY_ADDRESS
from weft.model.kubernetes import PodCondition, PodIp, PodSpec, PodStatus
from weft.model.local import ContainerReport, PodReport
from weft.model.objects import Object
from weft.sources.local.pods import POD, PodRecord

WITHHELD: Final = "CreateContainerConfigError"
"""Why the kubelet does not start a container whose configuration is not there."""

_INJECTION: Final = '{"containers":["istio-proxy"]}'


class PodPlan(Struct, frozen=True, kw_only=True):
    """A pod with what was decided about it. `addresses`, its primary one first, are none while there are none for it.

    `withheld` says of containers why they can't be started yet. `proxy_address` is that of its proxy, where nothing is
    redirected to it; empty elsewhere. `captures_dns`: its proxy answers its DNS.
    """

    record: PodRecord
    addresses: tuple[str, ...]
    withheld: dict[str, str] = {}
    proxy_address: str = ""
    captures_dns: bool = False

    @property
    def address(self) -> str:
        """The primary address; empty while there is none."""
        return next(iter(self.addresses), "")


def pod_object(plan: PodPlan, report: PodReport | None) -> Object[PodSpec]:
    """The pod as an object of the mesh; that it has a proxy is told as injection does, by an annotation (Istio)."""
    record = plan.record
    marks = {} if record.injected == "none" else {INJECTED: _INJECTION}
    if plan.proxy_address and record.injected == "sidecar":
        marks |= {INTERCEPTION_MODE: NO_INTERCEPTION, PROXY_ADDRESS: plan.proxy_address}
    if record.injected == "sidecar":
        marks |= {DNS_CAPTURE: "true" if plan.captures_dns else "false"}
    return Object(POD, record.metadata(marks), record.content.spec, _status(plan, report))


def explained(plan: PodPlan, report: PodReport) -> PodReport:
    """A report with the reasons that only the controller knows: the node was told nothing to start."""
    if not plan.withheld:
        return report
    return structs.replace(report, containers=tuple(_explained(plan, each) for each in report.containers))


def _explained(plan: PodPlan, container: ContainerReport) -> ContainerReport:
    reason = plan.withheld.get(container.name)
    if reason is None or container.state != "waiting":
        return container
    return structs.replace(container, reason=WITHHELD, message=reason)


def _status(plan: PodPlan, report: PodReport | None) -> PodStatus:
    addresses = tuple(map(PodIp, plan.addresses))
    if report is None:
        return PodStatus(phase="Pending", pod_ip=plan.address, pod_ips=addresses)
    return PodStatus(
        phase=report.phase,
        pod_ip=plan.address,
        pod_ips=addresses,
        conditions=(PodCondition("Ready", "True" if report.ready else "False"),),
        reason=report.reason,
    )
