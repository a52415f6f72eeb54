"""A Service of Kubernetes as a service of the mesh."""

from collections.abc import Iterator
from typing import Final

from weft.dialects.checks import check_port
from weft.dialects.compiled import Compiled, Lookup
from weft.dialects.names import label_terms, service_host, visible_to
from weft.dialects.protocols import port_protocol
from weft.dialects.report import Report
from weft.ir.inventory import Service, ServicePort, StaticEndpoint
from weft.ir.settings import MeshSettings
from weft.ir.values import Selector
from weft.model import codes
from weft.model import kubernetes as api
from weft.model.objects import Object

EXPORT_TO: Final = "networking.istio.io/exportTo"
"""The annotation that says which namespaces see a Service (Istio)."""

_SLICE: Final = "EndpointSlice.discovery.k8s.io"
_SLICE_SERVICE: Final = "kubernetes.io/service-name"
_HEADLESS: Final = "None"


def compile_service(subject: Object[api.Service], lookup: Lookup) -> Compiled:
    """One service. Without a selector its endpoints are those of its EndpointSlices."""
    report, settings = Report(subject.ref), lookup.settings()
    meta, spec = subject.metadata, subject.spec
    _check(spec, report, settings.cluster_domain)
    is_alias = spec.type == "ExternalName"
    service = Service(
        source=subject.provenance("spec"),
        host=service_host(meta.name, meta.namespace, settings),
        namespace=meta.namespace,
        ports=_ports(spec, report),
        resolution="dns" if is_alias else "endpoints",
        addresses=() if is_alias else _addresses(spec, settings),
        external=is_alias,
        members=_members(subject),
        static=tuple(_static(subject, lookup, report)),
        visible_to=visible_to(_export_to(subject), meta.namespace, settings.service_visible_to),
        headless=spec.cluster_ip == _HEADLESS and not is_alias,
    )
    return report.compiled(service)


def _export_to(subject: Object[api.Service]) -> tuple[str, ...]:
    text = subject.metadata.annotations.get(EXPORT_TO, "")
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _addresses(spec: api.Service, settings: MeshSettings) -> tuple[tuple[str, str], ...]:
    stated = spec.cluster_ips or (spec.cluster_ip,)
    return tuple((settings.network, address) for address in stated if address not in ("", _HEADLESS))


def _members(subject: Object[api.Service]) -> Selector | None:
    if subject.spec.type == "ExternalName" or not subject.spec.selector:
        return None
    return Selector(namespaces=(subject.metadata.namespace,), labels=label_terms(subject.spec.selector))


# ---- ports -----------------------------------------------------------------------------------------------------------
def _ports(spec: api.Service, report: Report) -> tuple[ServicePort, ...]:
    return tuple(
        ServicePort(
            number=port.port,
            name=port.name,
            protocol=port_protocol(port.port, port.name, declared=port.app_protocol, transport=port.protocol),
            target=port.port if port.target_port in (None, 0, "") else port.target_port or port.port,
        )
        for index, port in enumerate(spec.ports)
        if _is_usable(port, f"spec.ports[{index}]", report)
    )


def _is_usable(port: api.ServicePort, path: str, report: Report) -> bool:
    if port.protocol == "SCTP":
        report.unsupported(f"{path}.protocol", effect="the port is not in the mesh", advice="use TCP")
        return False
    return True


def _check(spec: api.Service, report: Report, cluster_domain: str) -> None:
    seen: set[tuple[int, str]] = set()
    for index, port in enumerate(spec.ports):
        path = f"spec.ports[{index}]"
        check_port(report, f"{path}.port", port.port)
        if isinstance(port.target_port, int) and port.target_port:
            check_port(report, f"{path}.targetPort", port.target_port)
        if (port.port, port.protocol) in seen:
            report.invalid(f"{path}.port", f"there is a {port.protocol} port {port.port} already")
        seen.add((port.port, port.protocol))
        if len(spec.ports) > 1 and not port.name:
            report.invalid(f"{path}.name", "the port has no name", "ports of a Service with several need names")
    if spec.type == "ExternalName" and not spec.external_name:
        report.invalid("spec.externalName", "type ExternalName needs it")
    if spec.type == "ExternalName" and spec.external_name.removesuffix(".").endswith(f".svc.{cluster_domain}"):
        message = "another name for a service of the cluster is not supported yet"
        effect = "requests go to its address as to a host outside: without mutual TLS, its routes and its settings"
        advice = "call the service by its own name, or route this host to it by a VirtualService"
        report.warning(codes.UNSUPPORTED, "spec.externalName", message, effect=effect, advice=advice)
    _check_unsupported(spec, report)


def _check_unsupported(spec: api.Service, report: Report) -> None:
    if spec.session_affinity == "ClientIP":
        advice = "use consistentHash.useSourceIp in a DestinationRule"
        report.unsupported("spec.sessionAffinity", effect="clients are not kept at one endpoint", advice=advice)
    if spec.internal_traffic_policy == "Local":
        report.unsupported("spec.internalTrafficPolicy", effect="endpoints of all nodes are used")
    if spec.traffic_distribution:
        advice = "use localityLbSetting in a DestinationRule"
        report.unsupported("spec.trafficDistribution", effect="near endpoints are not preferred", advice=advice)
    if spec.external_ips:
        report.unsupported("spec.externalIPs", effect="the service is not served on these addresses")
    if spec.publish_not_ready_addresses:
        report.unsupported("spec.publishNotReadyAddresses", effect="only ready endpoints are used")


# ---- endpoints -------------------------------------------------------------------------------------------------------
def _static(subject: Object[api.Service], lookup: Lookup, report: Report) -> Iterator[StaticEndpoint]:
    spec, meta = subject.spec, subject.metadata
    if spec.type == "ExternalName":
        yield StaticEndpoint(spec.external_name.lower().removesuffix("."))
        return
    if spec.selector:
        return
    for found in lookup.objects(_SLICE, meta.namespace):
        if found.metadata.labels.get(_SLICE_SERVICE) != meta.name:
            continue
        if found.spec.address_type == "FQDN":
            message = f"the EndpointSlice {found.metadata.name} names its endpoints by DNS"
            advice = "use a Service of type ExternalName"
            report.warning(codes.UNSUPPORTED, "spec", message, effect="they are not used", advice=advice)
        else:
            yield from _of_slice(found, lookup.settings())


def _of_slice(found: Object[api.EndpointSlice], settings: MeshSettings) -> Iterator[StaticEndpoint]:
    """The endpoints that are ready; not to be known counts as ready (Kubernetes, EndpointConditions)."""
    ports = tuple(sorted((port.name, port.port) for port in found.spec.ports if port.port is not None))
    for endpoint in found.spec.endpoints:
        if endpoint.conditions.ready is False:
            continue
        for address in endpoint.addresses:
            yield StaticEndpoint(address, ports, network=settings.network, locality=("", endpoint.zone, ""))
