"""ServiceEntry: services that the platform does not know, one per host."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final, Literal

from weft.base.families import is_address
from weft.dialects.checks import check_port
from weft.dialects.compiled import Compiled, Lookup
from weft.dialects.istio.networking.checks import check_export_to, check_labels, check_network
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.hosts import is_host, is_host_pattern
from weft.dialects.istio.networking.workload_entry import static_endpoint
from weft.dialects.names import label_terms, visible_to
from weft.dialects.protocols import parse_protocol, port_protocol
from weft.dialects.report import within
from weft.ir.inventory import Service, ServicePort, StatedEndpoints, StaticEndpoint
from weft.ir.values import Protocol, Selector
from weft.model.istio_networking import Port, ServiceEntry
from weft.model.objects import Object

Resolution = Literal["endpoints", "dns", "dns_one", "dynamic", "passthrough"]
_RESOLUTIONS: Final = MappingProxyType[str, Resolution](
    {
        "NONE": "passthrough",
        "STATIC": "endpoints",
        "DNS": "dns",
        "DNS_ROUND_ROBIN": "dns_one",
        "DYNAMIC_DNS": "dynamic",
    }
)
_TOLD_APART: Final = frozenset({"http", "http2", "grpc", "grpc_web", "tls"})
"""Protocols that name the host in what they send."""


def compile_service_entry(subject: Object[ServiceEntry], lookup: Lookup) -> Compiled:
    """One service per host. Virtual addresses of entries that state none are given elsewhere."""
    context, spec = Context.of(subject, lookup), subject.spec
    check_export_to(context.report, spec.export_to)
    ports = _ports(spec.ports, context)
    _check_hosts(spec, ports, context)
    _check_endpoints(spec, context)
    addresses = _addresses(spec, context)
    static = tuple(
        static_endpoint(entry, f"spec.endpoints[{index}]", context) for index, entry in enumerate(spec.endpoints)
    )
    services = [
        Service(
            source=subject.provenance("spec"),
            host=host,
            namespace=context.namespace,
            ports=ports,
            resolution=_RESOLUTIONS[spec.resolution],
            addresses=tuple((context.settings.network, address) for address in addresses),
            external=spec.location == "MESH_EXTERNAL",
            members=_members(spec, context),
            visible_to=visible_to(spec.export_to, context.namespace, context.settings.service_visible_to),
            peer_names=tuple(sorted(set(spec.subject_alt_names))),
            registry="external",
        )
        for host in dict.fromkeys(host.lower().removesuffix(".") for host in spec.hosts)
    ]
    stated = ((each, static or _itself(spec, each.host)) for each in services)
    endpoints = (StatedEndpoints(each.source, each.host, found) for each, found in stated if found)
    return context.report.compiled(*services, *endpoints)


def _itself(spec: ServiceEntry, host: str) -> tuple[StaticEndpoint, ...]:
    """A host that DNS resolves and that names no endpoint is its own endpoint."""
    resolved = spec.resolution in ("DNS", "DNS_ROUND_ROBIN") and spec.workload_selector is None
    return (StaticEndpoint(host),) if resolved else ()


def _members(spec: ServiceEntry, context: Context) -> Selector | None:
    if spec.workload_selector is None:
        return None
    labels = spec.workload_selector.labels
    check_labels(context.report, "spec.workloadSelector.labels", labels)
    if not labels:
        context.report.invalid("spec.workloadSelector.labels", "there is no label", "a selector of all is not allowed")
    return Selector(namespaces=(context.namespace,), labels=label_terms(labels))


# ---- ports ---------------------------------------------------------------------------------------------------------
def _ports(ports: tuple[Port, ...], context: Context) -> tuple[ServicePort, ...]:
    report = context.report
    for index, port in enumerate(ports):
        path = f"spec.ports[{index}]"
        check_port(report, f"{path}.number", port.number)
        if port.target_port:
            check_port(report, f"{path}.targetPort", port.target_port)
        if not port.name:
            report.invalid(f"{path}.name", "the port has no name")
        before = ports[:index]
        if any(port.number == other.number for other in before):
            report.invalid(f"{path}.number", f"there is a port {port.number} already")
        if port.name and any(port.name == other.name for other in before):
            report.invalid(f"{path}.name", f"there is a port {port.name!r} already")
    return tuple(
        ServicePort(port.number, port.name, _protocol(port, f"spec.ports[{index}]", context), _target(port))
        for index, port in enumerate(ports)
    )


def _target(port: Port) -> int:
    return port.target_port or port.number


def _protocol(port: Port, path: str, context: Context) -> Protocol:
    """The stated protocol; where none is stated, as for a port of a Kubernetes Service."""
    if not port.protocol:
        return port_protocol(port.number, port.name)
    found = parse_protocol(port.protocol)
    if found is None:
        context.report.ineffective(
            f"{path}.protocol",
            f"{port.protocol!r} is no protocol",
            effect="the protocol is detected from the first bytes",
            advice="write HTTP, HTTPS, HTTP2, GRPC, TLS, TCP or MONGO",
        )
    return found or "detect"


# ---- hosts and addresses -------------------------------------------------------------------------------------------
def _check_hosts(spec: ServiceEntry, ports: Iterable[ServicePort], context: Context) -> None:
    report = context.report
    has_endpoints = bool(spec.endpoints) or spec.workload_selector is not None
    if not spec.hosts:
        report.invalid("spec.hosts", "there is no host")
    for index, host in enumerate(spec.hosts):
        path = f"spec.hosts[{index}]"
        if host == "*" or not is_host_pattern(host):
            report.invalid(path, f"{host!r} is no host of a service", "name it, or write *.example.com")
        elif host.startswith("*") and spec.resolution not in ("NONE", "DYNAMIC_DNS") and not has_endpoints:
            advice = "use resolution NONE or DYNAMIC_DNS, or give endpoints"
            report.invalid(path, f"{host} can't be resolved: it is a pattern", advice)
        elif not host.startswith("*") and spec.resolution == "DYNAMIC_DNS":
            report.invalid(path, f"DYNAMIC_DNS is for patterns, and {host} is a name", "use resolution DNS")
    mixed = any(port.protocol not in _TOLD_APART for port in ports)
    if len(spec.hosts) > 1 and spec.resolution != "NONE" and mixed:
        advice = "give each host an entry of its own"
        report.invalid("spec.hosts", "several hosts on a port that is neither HTTP nor TLS can't be told apart", advice)


def _addresses(spec: ServiceEntry, context: Context) -> tuple[str, ...]:
    found = []
    for index, text in enumerate(spec.addresses):
        path = f"spec.addresses[{index}]"
        address = check_network(context.report, path, text)
        if address is not None and "/" in address and spec.resolution not in ("NONE", "STATIC"):
            advice = "use resolution NONE or STATIC"
            context.report.invalid(path, f"networks and resolution {spec.resolution} exclude each other", advice)
        found.append(address)
    return tuple(address for address in found if address is not None)


# ---- endpoints -----------------------------------------------------------------------------------------------------
def _check_endpoints(spec: ServiceEntry, context: Context) -> None:
    report = context.report
    if spec.endpoints and spec.workload_selector is not None:
        report.invalid("spec.endpoints", "endpoints and workloadSelector exclude each other")
    if spec.endpoints and spec.resolution in ("NONE", "DYNAMIC_DNS"):
        advice = "use resolution STATIC or DNS"
        report.invalid("spec.endpoints", f"endpoints and resolution {spec.resolution} exclude each other", advice)
    if spec.resolution == "DNS_ROUND_ROBIN" and len(spec.endpoints) > 1:
        report.invalid("spec.endpoints", "DNS_ROUND_ROBIN takes one endpoint", "use resolution DNS")
    names = {port.name for port in spec.ports}
    for index, entry in enumerate(spec.endpoints):
        path = f"spec.endpoints[{index}]"
        if spec.resolution == "STATIC" and is_host(entry.address) and not is_address(entry.address):
            report.invalid(f"{path}.address", f"{entry.address} is no address", "use resolution DNS")
        for name in entry.ports:
            if name not in names:
                report.invalid(within(f"{path}.ports", name), f"the entry has no port {name!r}", "add it to spec.ports")
