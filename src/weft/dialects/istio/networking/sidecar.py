"""Sidecar: what workloads see, where else they may go, and which ports they serve."""

import re
from collections.abc import Iterator
from typing import Final

from weft.dialects.checks import check_name, check_port
from weft.dialects.compiled import Compiled, Lookup
from weft.dialects.istio.networking.checks import check_labels
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.destination_rule.pools import with_pool
from weft.dialects.istio.networking.hosts import is_host_pattern
from weft.dialects.names import label_terms
from weft.dialects.protocols import parse_protocol
from weft.ir.access import InboundServer
from weft.ir.routing import EgressPolicy
from weft.ir.traffic import TrafficSettings
from weft.ir.values import Selector, Target
from weft.model.istio_destination_rule import ConnectionPoolSettings
from weft.model.istio_networking import IstioEgressListener, IstioIngressListener, Sidecar
from weft.model.objects import Object

_LOCAL_ENDPOINT: Final = re.compile(r"(?:127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\[::\]):(\d{1,5})")


def compile_sidecar(subject: Object[Sidecar], lookup: Lookup) -> Compiled:
    """One egress policy, and one server per ingress listener.

    Without a selector it holds for its namespace, in the root namespace for the whole mesh.
    """
    context, spec = Context.of(subject, lookup), subject.spec
    target = _target(spec, context)
    egress = _egress(subject, target, context)
    return context.report.compiled(egress, *_servers(subject, target, context))


def _target(spec: Sidecar, context: Context) -> Target:
    if spec.workload_selector is not None and spec.workload_selector.labels:
        labels = spec.workload_selector.labels
        check_labels(context.report, "spec.workloadSelector.labels", labels)
        select = Selector(namespaces=(context.namespace,), labels=label_terms(labels))
        return Target("workloads", context.namespace, select=select)
    is_root = context.namespace == context.settings.root_namespace
    return Target("mesh" if is_root else "namespace", context.namespace)


# ---- egress --------------------------------------------------------------------------------------------------------
def _egress(subject: Object[Sidecar], target: Target, context: Context) -> EgressPolicy:
    spec = subject.spec
    policy = spec.outbound_traffic_policy
    if policy is not None and policy.egress_proxy is not None:
        effect = "destinations that no service names are called directly"
        context.report.unsupported("spec.outboundTrafficPolicy.egressProxy", effect=effect)
    for index, listener in enumerate(spec.egress):
        _check_egress(listener, f"spec.egress[{index}]", context)
    return EgressPolicy(
        source=subject.provenance("spec"),
        target=target,
        action=None if policy is None else "allow" if policy.mode == "ALLOW_ANY" else "deny",
        services=_services(spec, context) if spec.egress else None,
    )


def _check_egress(listener: IstioEgressListener, path: str, context: Context) -> None:
    report = context.report
    if not listener.hosts:
        report.invalid(f"{path}.hosts", "there is no host", "give './*' for the own namespace, '~/*' for none")
    for field, stated in (("port", listener.port), ("bind", listener.bind)):
        if stated:
            effect = "the hosts are in view on all their ports and addresses"
            report.unsupported(f"{path}.{field}", effect=effect)
    if listener.capture_mode == "NONE":
        report.unsupported(f"{path}.captureMode", effect="traffic is captured all the same")


def _services(spec: Sidecar, context: Context) -> tuple[str, ...]:
    """Patterns `namespace/host` of what is in view, each once; `~` in front of a namespace takes out again."""
    found: dict[str, None] = {}
    for index, listener in enumerate(spec.egress):
        for place, text in enumerate(listener.hosts):
            pattern = _pattern(text, f"spec.egress[{index}].hosts[{place}]", context)
            if pattern is not None:
                found[pattern] = None
    return tuple(found)


def _pattern(text: str, path: str, context: Context) -> str | None:
    owner, slash, host = text.partition("/")
    if not slash or not is_host_pattern(host):
        context.report.invalid(
            path, f"{text!r} is no namespace/host", "write it like ./*, default/*.example.com or */*"
        )
        return None
    if owner == "~":
        return None  # `~/*`: nothing is in view
    excludes = "~" if owner.startswith("~") else ""
    namespace = owner.removeprefix("~")
    if namespace not in ("*", "."):
        check_name(context.report, path, namespace)
    return f"{excludes}{context.namespace if namespace == '.' else namespace}/{host.lower()}"


# ---- ingress -------------------------------------------------------------------------------------------------------
def _servers(subject: Object[Sidecar], target: Target, context: Context) -> Iterator[InboundServer]:
    spec, meta = subject.spec, subject.metadata
    rank = (meta.created, f"{meta.namespace}/{meta.name}")
    if spec.inbound_connection_pool is not None and not spec.ingress:
        yield InboundServer(
            source=subject.provenance("spec.inboundConnectionPool"),
            target=target,
            port=None,
            protocol="detect",
            declared=False,
            rank=rank,
            pool=_pool(spec.inbound_connection_pool, "spec.inboundConnectionPool", context),
        )
    for index, listener in enumerate(spec.ingress):
        path = f"spec.ingress[{index}]"
        number, protocol = _check_ingress(listener, path, context)
        inherited = (spec.inbound_connection_pool, "spec.inboundConnectionPool")
        pool, at = (listener.connection_pool, f"{path}.connectionPool") if listener.connection_pool else inherited
        if listener.tls is not None:
            effect = "the port takes mutual TLS of the mesh as PeerAuthentication says"
            context.report.unsupported(f"{path}.tls", effect=effect)
        yield InboundServer(
            source=subject.provenance(path),
            target=target,
            port=number,
            protocol=parse_protocol(protocol) or "detect",
            declared=True,
            rank=rank,
            forward_to=_forward_to(listener.default_endpoint, path, context),
            pool=_pool(pool, at, context),
        )


def _pool(pool: ConnectionPoolSettings | None, path: str, context: Context) -> TrafficSettings | None:
    return None if pool is None else with_pool(TrafficSettings(), pool, path, context)


def _check_ingress(listener: IstioIngressListener, path: str, context: Context) -> tuple[int, str]:
    report, port = context.report, listener.port
    if listener.bind:
        report.unsupported(f"{path}.bind", effect="the port is served on every address of the workload")
    if listener.capture_mode == "NONE":
        report.unsupported(f"{path}.captureMode", effect="traffic is captured all the same")
    if port is None:
        report.invalid(f"{path}.port", "there is no port")
        return 0, ""
    check_port(report, f"{path}.port.number", port.number)
    if port.protocol and parse_protocol(port.protocol) is None:
        report.invalid(f"{path}.port.protocol", f"{port.protocol!r} is no protocol")
    return port.number, port.protocol


def _forward_to(endpoint: str, path: str, context: Context) -> str | None:
    """Where the application listens, `address:port` or `unix:/path`; None for the port that was called."""
    if not endpoint:
        return None
    if endpoint.startswith("unix://"):
        return f"unix:{endpoint.removeprefix('unix://')}"
    match = _LOCAL_ENDPOINT.fullmatch(endpoint)
    if match is None:
        advice = "write 127.0.0.1:PORT, 0.0.0.0:PORT (the workload's address) or unix:///path"
        context.report.invalid(f"{path}.defaultEndpoint", f"{endpoint!r} is no endpoint of this workload", advice)
    else:
        check_port(context.report, f"{path}.defaultEndpoint", int(match[1]))
    return endpoint
