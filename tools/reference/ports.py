"""Ports and addresses: docs/reference/ports.md."""

from typing import Final

from tools.reference.markdown import sections, table
from weft.apps.controller import XDS_PORT
from weft.envoy.bootstrap.local_listeners import ADMIN_PORT, METRICS_PORT, READINESS_PORT
from weft.model.local import RedirectOrder
from weft.node.addresses import MeshNetwork
from weft.node.settings import DEFAULT_POD_CIDR
from weft.redirect.sidecar import HBONE_PORT
from weft.sources.local.addresses import ENTRY_CIDR, SERVICE_CIDR

_INTRODUCTION: Final = """\
# Ports and addresses

The numbers are Istio's, so that habits and dashboards hold. An application in the mesh must leave the ports of its
sidecar alone."""

_MACHINE: Final = """\
On the machine itself nothing listens but the gateways that your objects ask for. A gateway runs in the machine's
network, so ports {ports} of its Envoy are there as well, on loopback. Where the gateway itself listens is said by
`weft up --gateway-address`. Commands talk to the controller over a unix socket in the [state folder](state.md),
which only its owner can open."""


def ports_page() -> str:
    """The page."""
    order = RedirectOrder()
    past = ", ".join(order.exclude_inbound_ports)
    rows = (
        (str(order.outbound_port), "each sidecar", "what the application sends is redirected here"),
        (str(order.inbound_port), "each sidecar", "what the application is sent is redirected here"),
        (str(ADMIN_PORT), "each Envoy, loopback only", "reading Envoy's admin interface: a list of paths, GET only"),
        (str(READINESS_PORT), "each Envoy", "`/healthz/ready`: 200 from the first whole configuration on"),
        (str(METRICS_PORT), "each Envoy", "`/stats/prometheus`: Envoy's metrics"),
        (
            str(XDS_PORT),
            "the controller, in the pods' network",
            "configuration and certificates for Envoys, over TLS only",
        ),
        (str(HBONE_PORT), "nobody yet", "kept free for tunnels between proxies: never redirected"),
    )
    exceptions = f"Connections to ports {past} of a pod are not redirected."
    addresses = table(("range", "what for"), _ranges(MeshNetwork("", DEFAULT_POD_CIDR)))
    ports = table(("port", "where", "what for"), rows)
    machine = _MACHINE.format(ports=f"{ADMIN_PORT}, {READINESS_PORT} and {METRICS_PORT}")
    return sections(_INTRODUCTION, "## Ports", ports, exceptions, machine, "## Addresses", addresses)


def _ranges(network: MeshNetwork) -> tuple[tuple[str, str], ...]:
    return (
        (f"{network.cidr}", "pods; another range is taken where this one overlaps a route of the machine"),
        (f"{network.gateway}", "the controller, and the pods' gateway"),
        (f"{network.host}", "the machine itself, as pods see it; also the address of gateways"),
        (f"{SERVICE_CIDR}", "services; these addresses exist inside of pods only"),
        (f"{ENTRY_CIDR}", "hosts of ServiceEntries that state no address"),
    )
