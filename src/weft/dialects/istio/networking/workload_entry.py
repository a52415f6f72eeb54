"""WorkloadEntry: a machine, as a workload of its own and as an endpoint of a ServiceEntry."""

from typing import Final

from weft.base.families import is_address
from weft.dialects.checks import check_port
from weft.dialects.compiled import Compiled, Lookup
from weft.dialects.istio.networking.checks import check_count, check_labels
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.hosts import is_host
from weft.dialects.names import account_identity, canonical_service, parse_locality, sorted_labels
from weft.dialects.report import within
from weft.ir.inventory import StaticEndpoint, Workload
from weft.ir.values import Identity
from weft.model.istio_networking import WorkloadEntry
from weft.model.objects import Object

_TLS_MODE: Final = "security.istio.io/tlsMode"
_UNIX: Final = "unix://"


def compile_workload_entry(subject: Object[WorkloadEntry], lookup: Lookup) -> Compiled:
    """One workload. It speaks mesh TLS where the label `security.istio.io/tlsMode` says so or it has an account."""
    context, spec, meta = Context.of(subject, lookup), subject.spec, subject.metadata
    address = check_entry(spec, "spec", context)
    labels = {**meta.labels, **spec.labels}
    settings = context.settings
    speaks_tls = labels.get(_TLS_MODE, "istio" if spec.service_account else "") == "istio"
    return context.report.compiled(
        Workload(
            source=subject.provenance("spec"),
            uid=f"{settings.cluster}/networking.istio.io/WorkloadEntry/{meta.namespace}/{meta.name}",
            name=meta.name,
            namespace=meta.namespace,
            labels=sorted_labels(labels),
            addresses=(address,) if address else (),
            identity=entry_identity(spec, context),
            mode="own_proxy" if speaks_tls else "none",
            state="ready",
            network=spec.network or settings.network,
            cluster=settings.cluster,
            locality=parse_locality(spec.locality),
            port_map=tuple(sorted(spec.ports.items())),
            weight=spec.weight or 1,
            canonical=canonical_service(labels, meta.name),
        )
    )


def static_endpoint(entry: WorkloadEntry, path: str, context: Context) -> StaticEndpoint:
    """An entry of a ServiceEntry's `endpoints`."""
    return StaticEndpoint(
        address=check_entry(entry, path, context),
        ports=tuple(sorted(entry.ports.items())),
        weight=entry.weight or 1,
        network=entry.network or context.settings.network,
        locality=parse_locality(entry.locality),
        labels=sorted_labels(entry.labels),
        identity=entry_identity(entry, context),
    )


def entry_identity(entry: WorkloadEntry, context: Context) -> Identity | None:
    """The identity of an entry's service account, of the object's namespace; None where it has none."""
    if not entry.service_account:
        return None
    return account_identity(context.namespace, entry.service_account, context.settings)


def check_entry(entry: WorkloadEntry, path: str, context: Context) -> str:
    """The address of an entry: IP, host, or the path of a socket as `unix:/path`."""
    report = context.report
    check_labels(report, f"{path}.labels", entry.labels)
    check_count(report, f"{path}.weight", entry.weight)
    if entry.address.startswith(_UNIX):
        if entry.ports:
            report.invalid(f"{path}.ports", "a socket of this machine has no ports")
        socket = entry.address.removeprefix(_UNIX)
        if not socket.startswith(("/", "@")):
            report.invalid(f"{path}.address", f"{entry.address!r} is no absolute path", "write unix:///path/of/socket")
        return f"unix:{socket}"
    for name, number in entry.ports.items():
        check_port(report, within(f"{path}.ports", name), number)
    if not entry.address and not entry.network:
        report.invalid(f"{path}.address", "there is no address")
    elif entry.address and not is_address(entry.address) and not is_host(entry.address):
        report.invalid(f"{path}.address", f"{entry.address!r} is neither an address nor a host")
    return entry.address.lower()
