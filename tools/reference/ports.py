"""Ports and addresses: docs/reference/ports.md."""

from typing import Final

from tools.reference.markdown import sections, table
from weft.apps.bootstraps import MONITORING_PORT, XDS_PORT
from weft.base.families import FAMILIES
from weft.envoy.names import ADMIN_PORT, METRICS_PORT, READINESS_PORT
from weft.model.local import RedirectOrder
from weft.node.addresses import DEFAULT_POD_CIDRS, MeshNetwork
from weft.sources.local.addresses import ENTRY_CIDRS, SERVICE_CIDRS

_INTRODUCTION: Final = """\
# Ports and addresses

The numbers are Istio's, so that habits and dashboards hold. An application in the mesh must leave the ports of its
sidecar alone."""

_MACHINE: Final = """\
On the machine itself nothing listens but the gateways that your objects ask for. A gateway runs in the machine's
network, so ports {ports} of its Envoy are there as well, on loopback. Where the gateway itself listens is said by
`weft up --gateway-address`. Commands talk to the controller over a unix socket in the [state folder](state.md),
which only its owner can open."""


_FAMILIES: Final = """\
A mesh has addresses of IPv4, of IPv6, or of both: see [IPv6](../guides/ipv6.md)."""


def ports_page() -> str:
    """The page."""
    order = RedirectOrder()
    past = ", ".join(order.exclude_inbound_ports)
    rows = (
        (str(order.outbound_port), "each sidecar", "what the application sends is redirected here"),
        (str(order.inbound_port), "each sidecar", "what the application is sent is redirected here"),
        (
            str(order.dns_port),
            "sidecars that answer DNS, loopback only",
            "questions for [names](../guides/names.md#dns-that-sidecars-answer) are redirected here",
        ),
        (str(ADMIN_PORT), "each Envoy, loopback only", "reading Envoy's admin interface: a list of paths, GET only"),
        (str(READINESS_PORT), "each Envoy", "`/healthz/ready`: 200 from the first whole configuration on"),
        (str(METRICS_PORT), "each Envoy", "`/stats/prometheus`: Envoy's metrics"),
        (
            str(XDS_PORT),
            "the controller, in the pods' network",
            "configuration and certificates for Envoys, over TLS only",
        ),
        (
            str(MONITORING_PORT),
            "the controller, in the pods' network",
            "its [metrics](../operations/monitoring.md), readiness and version, in plaintext; for reading only",
        ),
        (str(order.tunnel_port), "nobody yet", "kept free for tunnels between proxies: never redirected"),
    )
    exceptions = f"Connections to ports {past} of a pod are not redirected."
    addresses = table(("IPv4", "IPv6", "what for"), _ranges())
    ports = table(("port", "where", "what for"), rows)
    machine = _MACHINE.format(ports=f"{ADMIN_PORT}, {READINESS_PORT} and {METRICS_PORT}")
    return sections(_INTRODUCTION, "## Ports", ports, exceptions, machine, "## Addresses", _FAMILIES, addresses)


def _ranges() -> tuple[tuple[str, ...], ...]:
    network = MeshNetwork("", tuple(DEFAULT_POD_CIDRS[family] for family in FAMILIES))
    return (
        (*map(str, network.cidrs), "pods; another range is taken where this one overlaps a route of the machine"),
        (*map(str, network.gateways), "the pods' gateway; at the primary one listens the controller"),
        (*map(str, network.hosts), "the machine itself, as pods see it; also the addresses of gateways"),
        (*(str(SERVICE_CIDRS[each]) for each in FAMILIES), "services; these addresses exist inside of pods only"),
        (*(str(ENTRY_CIDRS[each]) for each in FAMILIES), "hosts of ServiceEntries that state no address"),
    )
