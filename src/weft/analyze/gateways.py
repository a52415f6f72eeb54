"""Servers of gateways that get in each other's way, or whose certificates are not there."""

from collections.abc import Iterator

from weft.analyze.common import each
from weft.base.issues import Issue, Ref
from weft.ir.edge import Gateway, Listener
from weft.ir.inventory import Workload
from weft.ir.values import SecretRef, Selector
from weft.mesh.fragments import Fragments
from weft.mesh.matching import selects
from weft.mesh.names import is_http
from weft.mesh.reader import Mesh

_SECRET = "secret:"


def conflicting_servers(fragments: Fragments, _: Mesh) -> Iterator[Issue]:
    """IST0145: an older server of the same proxies has the port, or the server name of TLS there."""
    owners: dict[tuple[Selector, int, str, str], Listener] = {}
    for ref, workloads, listener in sorted(_servers(fragments), key=lambda found: _order(found[2])):
        taken = [
            (name, owner)
            for name in _claims(listener)
            if (owner := owners.setdefault((workloads, listener.port, listener.bind, name), listener)) is not listener
            and not (_is_plain_http(owner) and _is_plain_http(listener))
        ]
        if taken:
            hosts = ", ".join(name for name, _ in taken if name)
            gateway = taken[0][1].gateway
            yield Issue(
                "IST0145",
                "error",
                ref,
                listener.source.path,
                f"port {listener.port} is already served by the gateway {gateway.namespace}/{gateway.name}"
                + (f" for {hosts}" if hosts else ""),
                effect="connections go to that server",
                advice="give this server another port or other hosts",
            )


def missing_credentials(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """IST0101, IST0161: the certificates that a server names are not there for its proxies, incomplete, or no PEM."""
    proxies = [workload for _, workload in each(fragments, Workload)]
    for ref, workloads, listener in _servers(fragments):
        selected = (each for each in proxies if selects(workloads, each.namespace, each.labels))
        for namespace in sorted({workload.namespace for workload in selected}):
            missing = [each for each in _credentials(listener) if mesh.credential(namespace, each) is None]
            if missing:
                yield _missing(fragments, mesh, (ref, listener), (namespace, missing[0]))


def _missing(fragments: Fragments, mesh: Mesh, server: tuple[Ref, Listener], missing: tuple[str, SecretRef]) -> Issue:
    (ref, listener), (namespace, reference) = server, missing
    flaw = mesh.credential_flaw(namespace, reference)
    name = flaw.secret if flaw is not None else reference.partition("/")[2].partition("#")[0]
    there = fragments.objects.get(Ref("Secret", namespace, name)) is not None
    problem = "lacks what is asked of it" if there else "was not found"
    return Issue(
        "IST0161" if there else "IST0101",
        "error",
        ref,
        f"{listener.source.path}.tls",
        f"the Secret {name!r} in namespace {namespace!r}, where the gateway's proxies are, "
        + (f"can't be used: {flaw.entry} {flaw.problem}" if flaw is not None else problem),
        effect="clients of this server are refused",
        advice="create it there, with tls.crt and tls.key, for certificates of clients also ca.crt",
    )


def _servers(fragments: Fragments) -> Iterator[tuple[Ref, Selector, Listener]]:
    for ref, gateway in each(fragments, Gateway):
        yield from ((ref, gateway.workloads, listener) for listener in fragments.of((ref,), Listener))


def _order(listener: Listener) -> tuple[bool, int, str, str]:
    """The order in which servers get what they ask for: all of plain HTTP share one chain, then age decides."""
    source = listener.source
    return not _is_plain_http(listener), source.created, source.namespace, source.name


def _claims(listener: Listener) -> tuple[str, ...]:
    """The server names that a server takes for itself; "" for a port without TLS."""
    if listener.tls is None:
        return ("",)
    return tuple(dict.fromkeys(pattern.partition("/")[2] for pattern in listener.hosts))


def _is_plain_http(listener: Listener) -> bool:
    return listener.tls is None and is_http(listener.protocol)


def _credentials(listener: Listener) -> tuple[SecretRef, ...]:
    tls = listener.tls
    named = (*tls.certificates, *((tls.roots,) if tls.roots else ())) if tls is not None else ()
    return tuple(reference for reference in named if reference.startswith(_SECRET))
