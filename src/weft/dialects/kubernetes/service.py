"""A Service of Kubernetes as a service of the mesh."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal

from weft.base.durations import Milliseconds
from weft.base.families import Family, families_of
from weft.dialects.checks import check_port
from weft.dialects.compiled import Compiled, Lookup
from weft.dialects.names import label_terms, network_of, service_host, visible_to
from weft.dialects.protocols import port_protocol
from weft.dialects.report import Report
from weft.ir.inventory import Service, ServicePort, StatedEndpoints, StaticEndpoint
from weft.ir.settings import MeshSettings
from weft.ir.values import Locality, Selector
from weft.model import codes
from weft.model import kubernetes as api
from weft.model.objects import Object

EXPORT_TO: Final = "networking.istio.io/exportTo"
"""The annotation that says which namespaces see a Service (Istio)."""

_SLICE: Final = "EndpointSlice.discovery.k8s.io"
LABELS: Final[dict[str, str]] = {_SLICE: "kubernetes.io/service-name"}
"""By which label objects are found (`Lookup.labelled`): EndpointSlices by their service (Kubernetes)."""

_HEADLESS: Final = "None"
_LONGEST_AFFINITY: Final = 86_400  # Kubernetes, ClientIPConfig.timeoutSeconds
_NEAR: Final[dict[str, Literal["zone", "node"]]] = {
    "PreferSameZone": "zone",
    "PreferClose": "zone",
    "PreferSameNode": "node",
}
"""Kubernetes, ServiceSpec.trafficDistribution; the second is the older name of the first."""


def compile_service(subject: Object[api.Service], lookup: Lookup) -> Compiled:
    """One service. Without a selector, or where no pod is known that it selects, its endpoints are those of its
    EndpointSlices.

    One of type ExternalName is another name for a service of the mesh. What it names may be none: then it is a host
    outside, which DNS resolves.
    """
    report, settings = Report(subject.ref), lookup.settings()
    meta, spec = subject.metadata, subject.spec
    _check(spec, report)
    is_alias = spec.type == "ExternalName"
    service = Service(
        source=subject.provenance("spec"),
        host=service_host(meta.name, meta.namespace, settings),
        namespace=meta.namespace,
        ports=_ports(spec, report),
        resolution="dns" if is_alias else "endpoints",
        addresses=_addresses(spec, settings),
        external=is_alias,
        members=_members(subject),
        visible_to=visible_to(_export_to(subject), meta.namespace, settings.service_visible_to),
        headless=spec.cluster_ip == _HEADLESS and not is_alias,
        alias_of=_external_name(spec) if is_alias else "",
        near=_near(spec),
        unready=spec.publish_not_ready_addresses,
        sticky=_sticky(spec),
        families=() if is_alias else _families(spec),
    )
    static = tuple(_static(subject, lookup, report))
    stated = (StatedEndpoints(service.source, service.host, static),) if static else ()
    return report.compiled(service, *stated)


def _export_to(subject: Object[api.Service]) -> tuple[str, ...]:
    text = subject.metadata.annotations.get(EXPORT_TO, "")
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _families(spec: api.Service) -> tuple[Family, ...]:
    """What the API server wrote, or else those of the addresses."""
    stated = spec.cluster_ips or (spec.cluster_ip,)
    return spec.ip_families or families_of(address for address in stated if address not in ("", _HEADLESS))


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


def _check(spec: api.Service, report: Report) -> None:
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
    timeout = _client_ip(spec).timeout_seconds
    if not 0 < timeout <= _LONGEST_AFFINITY:
        message = f"{timeout} is not between 1 and {_LONGEST_AFFINITY} seconds"
        report.invalid("spec.sessionAffinityConfig.clientIP.timeoutSeconds", message)
    _check_unsupported(spec, report)


def _check_unsupported(spec: api.Service, report: Report) -> None:
    if spec.traffic_distribution and spec.traffic_distribution not in _NEAR:
        message = f"{spec.traffic_distribution!r} is none of {', '.join(_NEAR)}"
        report.ineffective("spec.trafficDistribution", message, effect="near endpoints are not preferred")
    if spec.external_ips:
        report.unsupported("spec.externalIPs", effect="the service is not served on these addresses")


def _near(spec: api.Service) -> Literal["any", "zone", "node"]:
    return "node" if spec.internal_traffic_policy == "Local" else _NEAR.get(spec.traffic_distribution, "any")


def _client_ip(spec: api.Service) -> api.ClientIpConfig:
    return spec.session_affinity_config.client_ip if spec.session_affinity_config else api.ClientIpConfig()


def _sticky(spec: api.Service) -> Milliseconds | None:
    return _client_ip(spec).timeout_seconds * 1_000 if spec.session_affinity == "ClientIP" else None


def _external_name(spec: api.Service) -> str:
    return spec.external_name.lower().removesuffix(".")


# ---- endpoints -------------------------------------------------------------------------------------------------------
def _static(subject: Object[api.Service], lookup: Lookup, report: Report) -> Iterator[StaticEndpoint]:
    spec, meta = subject.spec, subject.metadata
    if spec.type == "ExternalName":
        yield StaticEndpoint(_external_name(spec))
        return
    for found in lookup.labelled(_SLICE, meta.namespace, meta.name):
        if found.spec.address_type == "FQDN":
            message = f"the EndpointSlice {found.metadata.name} names its endpoints by DNS"
            advice = "use a Service of type ExternalName"
            report.warning(codes.UNSUPPORTED, "spec", message, effect="they are not used", advice=advice)
        else:
            host = service_host(meta.name, meta.namespace, lookup.settings())
            yield from _of_slice(found, host, lookup.settings(), unready=spec.publish_not_ready_addresses)


@lru_cache(maxsize=256)  # few zones have many endpoints
def _locality(zone: str) -> Locality:
    return "", zone, ""


def _of_slice(
    found: Object[api.EndpointSlice], host: str, settings: MeshSettings, *, unready: bool
) -> Iterator[StaticEndpoint]:
    """The endpoints that are ready; not to be known counts as ready (Kubernetes, EndpointConditions).

    `host` is the service's; `unready` ones are endpoints too.
    """
    ports = tuple(sorted((port.name, port.port) for port in found.spec.ports if port.port is not None))
    for endpoint in found.spec.endpoints:
        if endpoint.conditions.ready is False and not unready:
            continue
        own = f"{endpoint.hostname}.{host}".lower() if endpoint.hostname else ""
        for address in endpoint.addresses:
            network = network_of(address, settings)
            yield StaticEndpoint(address, ports, network=network, locality=_locality(endpoint.zone), host=own)
