"""A pod as a workload."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Final, Literal

from weft.dialects.compiled import Compiled, Lookup
from weft.dialects.kubernetes.injection import INJECTED
from weft.dialects.names import (
    account_identity,
    canonical_service,
    network_of,
    parse_locality,
    service_host,
    sorted_labels,
)
from weft.ir.inventory import Workload
from weft.ir.settings import MeshSettings
from weft.ir.values import Interception
from weft.model.istio_proxy import PROXY_CONFIG, captures_dns, parse_proxy_config
from weft.model.kubernetes import Container, PodSpec, PodStatus, Probe
from weft.model.objects import Metadata, Object

INTERCEPTION_MODE: Final = "sidecar.istio.io/interceptionMode"
"""The annotation that tells how traffic gets to the pod's proxy: REDIRECT, TPROXY or NONE (Istio)."""

NO_INTERCEPTION: Final = "NONE"
PROXY_ADDRESS: Final = "weft.dev/proxy-address"
"""The annotation that tells where the pod's proxy listens where nothing is captured; without it at the pod's address,
and the application at 127.0.0.1. The cluster of standalone mode writes it."""

DNS_CAPTURE: Final = "weft.dev/dns-capture"
"""The annotation that tells whether the pod's DNS is redirected to its proxy, `true` or `false`. The cluster of
standalone mode writes it."""

_INTERCEPTIONS: Final[dict[str, Interception]] = {"REDIRECT": "redirect", "TPROXY": "tproxy", NO_INTERCEPTION: "none"}
_NETWORK: Final = "topology.istio.io/network"
_LOCALITY: Final = "topology.istio.io/locality"
_JOB_NAME: Final = "batch.kubernetes.io/job-name"
_WORKLOAD_NAME: Final = "service.istio.io/workload-name"
_TEMPLATE_HASH: Final = "pod-template-hash"
_FINISHED: Final = ("Succeeded", "Failed")


def compile_pod(subject: Object[PodSpec], lookup: Lookup) -> Compiled:
    """One workload; none once the pod has ended, as its address may then be another's."""
    meta, spec, settings = subject.metadata, subject.spec, lookup.settings()
    status: PodStatus = subject.status or PodStatus()
    if status.phase in _FINISHED:
        return Compiled()
    mode: Literal["own_proxy", "none"] = "own_proxy" if INJECTED in meta.annotations else "none"
    interception = interception_of(meta.annotations) if mode == "own_proxy" else "redirect"
    workload = Workload(
        source=subject.provenance(),
        uid=f"{settings.cluster}//Pod/{meta.namespace}/{meta.name}",
        name=meta.name,
        namespace=meta.namespace,
        labels=sorted_labels(meta.labels),
        addresses=_addresses(status),
        identity=account_identity(meta.namespace, spec.account, settings),
        mode=mode,
        state=_state(status),
        network=meta.labels.get(_NETWORK) or network_of(next(iter(_addresses(status)), ""), settings),
        cluster=settings.cluster,
        node=spec.node_name,
        locality=parse_locality(meta.labels.get(_LOCALITY, "")),
        ports=_named_ports(spec),
        probes=_probes(spec),
        canonical=canonical_service(meta.labels, workload_name(meta)),
        interception=interception,
        host=_host(meta, spec, settings),
        captures_dns=mode == "own_proxy" and pod_captures_dns(meta.annotations, default=settings.captures_dns),
        resolvers=tuple(filter(None, map(_ip_address, spec.dns_config.nameservers if spec.dns_config else ()))),
        proxy_address=_ip_address(meta.annotations.get(PROXY_ADDRESS, "")) if interception == "none" else "",
    )
    return Compiled((workload,))


def _host(meta: Metadata, spec: PodSpec, settings: MeshSettings) -> str:
    """The name that a headless service gives the pod (Kubernetes, "Pod's hostname and subdomain fields")."""
    named = spec.hostname and spec.subdomain
    return f"{spec.hostname}.{service_host(spec.subdomain, meta.namespace, settings)}".lower() if named else ""


def interception_of(annotations: Mapping[str, str]) -> Interception:
    """How a pod's traffic gets to its proxy, by its annotations. What is not known is as if it were not stated."""
    return _INTERCEPTIONS.get(annotations.get(INTERCEPTION_MODE, ""), "redirect")


def pod_captures_dns(annotations: Mapping[str, str], *, default: bool) -> bool:
    """Whether a pod's proxy answers its DNS: as decided when it was started, or as its annotations or the mesh say."""
    if DNS_CAPTURE in annotations:
        return annotations[DNS_CAPTURE] == "true"
    if PROXY_CONFIG not in annotations:
        return default
    try:
        stated = captures_dns(parse_proxy_config(annotations[PROXY_CONFIG]))
    except ValueError:
        stated = None
    return default if stated is None else stated


def workload_name(meta: Metadata) -> str:
    """The name of what a pod is a replica of: that of a label, of its Job or of its Deployment (by the hash in the
    pod's name), or its own."""
    stated = meta.labels.get(_WORKLOAD_NAME) or meta.labels.get(_JOB_NAME)
    if stated:
        return stated
    name, mark, _ = meta.name.rpartition(f"-{meta.labels.get(_TEMPLATE_HASH, '')}-")
    return name if mark and _TEMPLATE_HASH in meta.labels else meta.name


def _addresses(status: PodStatus) -> tuple[str, ...]:
    stated = tuple(each.ip for each in status.pod_ips if each.ip)
    return stated or ((status.pod_ip,) if status.pod_ip else ())


def _ip_address(text: str) -> str:
    """The address in its shortest form; empty if it is none."""
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def _state(status: PodStatus) -> Literal["ready", "not_ready"]:
    ready = any(each.type == "Ready" and each.status == "True" for each in status.conditions)
    return "ready" if ready else "not_ready"


def _named_ports(spec: PodSpec) -> tuple[tuple[str, int, str], ...]:
    """Ports that services and probes can refer to by name; of two with one name, the first container's counts."""
    found: dict[tuple[str, str], int] = {}
    for container in spec.containers:
        for port in container.ports:
            if port.name and port.protocol != "SCTP":
                found.setdefault((port.name, port.protocol.lower()), port.container_port)
    return tuple(sorted((name, number, transport) for (name, transport), number in found.items()))


def _probes(spec: PodSpec) -> tuple[tuple[int, str], ...]:
    return tuple(sorted({target for container in spec.containers for target in _probe_targets(container)}))


def _probe_targets(container: Container) -> Iterator[tuple[int, str]]:
    """Port and path of a container's network probes; the path is empty where the probe has none."""
    for probe in (container.readiness_probe, container.liveness_probe, container.startup_probe):
        port, path = _probe_target(probe) if probe is not None else (None, "")
        number = _port_number(container, port)
        if number is not None:
            yield number, path


def _probe_target(probe: Probe) -> tuple[int | str | None, str]:
    if probe.http_get is not None:
        return probe.http_get.port, probe.http_get.path
    if probe.tcp_socket is not None:
        return probe.tcp_socket.port, ""
    return (probe.grpc.port if probe.grpc is not None else None), ""


def _port_number(container: Container, port: int | str | None) -> int | None:
    if not isinstance(port, str):
        return port
    return next((each.container_port for each in container.ports if each.name == port), None)
