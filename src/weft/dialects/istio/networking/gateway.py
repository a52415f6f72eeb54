"""Gateway: listeners of the proxies at an edge."""

from collections.abc import Iterator
from typing import Final

from weft.base.families import is_address
from weft.dialects.checks import check_name, check_port
from weft.dialects.compiled import Compiled, Lookup
from weft.dialects.istio.networking.checks import check_labels
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.hosts import is_host_pattern, is_server_name
from weft.dialects.istio.networking.server_tls import server_tls
from weft.dialects.names import label_terms
from weft.dialects.protocols import parse_protocol
from weft.ir import edge
from weft.ir.values import Protocol, Selector, Target, Tls
from weft.model.istio_networking import Gateway, Server, ServerTlsSettings
from weft.model.objects import Object

_ENCRYPTED: Final = frozenset({"https", "tls"})


def compile_gateway(subject: Object[Gateway], lookup: Lookup) -> Compiled:
    """The gateway and one listener per server."""
    context, spec = Context.of(subject, lookup), subject.spec
    check_labels(context.report, "spec.selector", spec.selector)
    if not spec.servers:
        context.report.invalid("spec.servers", "there is no server")
    gateway = edge.Gateway(subject.provenance("spec"), "edge", Selector(labels=label_terms(spec.selector)))
    _check_port_names(spec, context)
    return context.report.compiled(gateway, *_listeners(subject, context))


def _listeners(subject: Object[Gateway], context: Context) -> Iterator[edge.Listener]:
    meta = subject.metadata
    target = Target("gateway", meta.namespace, meta.name)
    for index, server in enumerate(subject.spec.servers):
        path = f"spec.servers[{index}]"
        name, number = _check_server(server, path, context)
        tls = _tls(server, f"{path}.tls", context)
        yield edge.Listener(
            source=subject.provenance(path),
            gateway=target,
            name=name,
            port=number,
            protocol=_protocol(server, tls),
            hosts=_hosts(server.hosts, f"{path}.hosts", context, by_name=tls is not None),
            bind=server.bind,
            tls=tls,
            https_redirect=server.tls is not None and server.tls.https_redirect,
        )


def _check_server(server: Server, path: str, context: Context) -> tuple[str, int]:
    """The name of the server's port (server names are optional) and its number."""
    report, port = context.report, server.port
    if server.bind and not is_address(server.bind):
        report.invalid(f"{path}.bind", f"{server.bind!r} is no address")
    if server.default_endpoint:
        report.unsupported(f"{path}.defaultEndpoint", effect="requests without a route get 404")
    if port is None:
        report.invalid(f"{path}.port", "there is no port")
        return "", 0
    check_port(report, f"{path}.port.number", port.number)
    if not port.name:
        report.invalid(f"{path}.port.name", "the port has no name")
    else:
        check_name(report, f"{path}.port.name", port.name.lower())
    if parse_protocol(port.protocol) is None:
        advice = "write HTTP, HTTPS, HTTP2, GRPC, GRPC-WEB, TLS, TCP or MONGO"
        report.invalid(f"{path}.port.protocol", f"{port.protocol!r} is no protocol", advice)
    if port.target_port:
        effect = "the port of the gateway's Service decides"
        report.deprecated(f"{path}.port.targetPort", "set targetPort in the gateway's Service", effect=effect)
    return port.name, port.number


def _check_port_names(spec: Gateway, context: Context) -> None:
    seen: set[str] = set()
    for index, server in enumerate(spec.servers):
        name = server.port.name if server.port is not None else ""
        if name and name in seen:
            context.report.invalid(f"spec.servers[{index}].port.name", f"there is a port {name!r} already")
        seen.add(name)


def _tls(server: Server, path: str, context: Context) -> Tls | None:
    """TLS of a server; None where bytes are plain. `httpsRedirect` alone is about plain HTTP."""
    encrypted = server.port is not None and server.port.protocol.lower() in _ENCRYPTED
    settings = server.tls
    if encrypted:
        if settings is None:
            context.report.invalid(path, "HTTPS and TLS ports need TLS settings", "give tls.mode")
            return None
        return server_tls(settings, path, context)
    if settings is not None and settings != ServerTlsSettings(https_redirect=settings.https_redirect):
        context.report.ineffective(
            path, "TLS settings on a port that is neither HTTPS nor TLS", effect="the port is served without TLS"
        )
    return None


def _protocol(server: Server, tls: Tls | None) -> Protocol:
    """What routes see: HTTPS is HTTP once it is opened, TLS is bytes; what is passed on unopened is TLS."""
    declared = server.port.protocol.lower() if server.port is not None else ""
    if declared not in _ENCRYPTED:
        return parse_protocol(declared) or "tcp"
    if tls is None or tls.mode in ("passthrough", "passthrough_mesh"):
        return "tls"
    return "http" if declared == "https" else "tcp"


def _hosts(hosts: tuple[str, ...], path: str, context: Context, *, by_name: bool) -> tuple[str, ...]:
    """Hosts with the namespace whose routes may bind to them: `*` where none is stated, `.` the gateway's own.

    `by_name`: they are told apart by the server name of TLS.
    """
    if not hosts:
        context.report.invalid(path, "there is no host", "give '*' for all hosts")
    found = []
    for index, text in enumerate(hosts):
        namespace, slash, host = text.rpartition("/")
        if not (is_server_name(host) if by_name else is_host_pattern(host)):
            context.report.invalid(f"{path}[{index}]", f"{host!r} is no host")
        elif host != "*" and "." not in host:
            context.report.invalid(f"{path}[{index}]", f"{host!r} is a short name", "write the host in full")
        if slash and namespace not in ("*", "."):
            check_name(context.report, f"{path}[{index}]", namespace)
        owner = context.namespace if namespace == "." else namespace or "*"
        found.append(f"{owner}/{host.lower()}")
    return tuple(found)
