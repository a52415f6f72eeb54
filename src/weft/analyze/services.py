"""Services that clients reach in another way than their authors may think."""

from collections.abc import Iterator

from weft.analyze.common import each
from weft.base.issues import Issue
from weft.ir.inventory import Service
from weft.mesh.fragments import Fragments
from weft.mesh.names import is_http
from weft.mesh.reader import Mesh
from weft.model.codes import UNMANAGED_PORT


def bytes_of_headless_services(fragments: Fragments, _: Mesh) -> Iterator[Issue]:
    """WEFT0502: a headless service has a port that is not declared to be HTTP.

    Requests of HTTP name the service; a connection of bytes has only the address of one of its pods, for which proxies
    have no listener yet.
    """
    for ref, service in each(fragments, Service):
        ports = [port for port in service.ports if port.protocol != "udp" and not is_http(port.protocol)]
        if not service.headless or not ports:
            continue
        numbers = ", ".join(str(port.number) for port in ports)
        yield Issue(
            UNMANAGED_PORT,
            "warning",
            ref,
            "spec.ports",
            f"port {numbers} of this headless service is not declared to be HTTP",
            effect="connections go to the pods as they are, without mutual TLS, routes or settings of traffic; servers "
            "that require mutual TLS refuse them, and with REGISTRY_ONLY they are closed",
            advice="name the port http... where it serves HTTP, else give the service an address (clusterIP)",
        )
