"""Services that clients reach in another way than their authors may think."""

from collections.abc import Iterator

from weft.analyze.common import each
from weft.base.issues import Issue
from weft.ir.inventory import Service, ServicePort
from weft.mesh.fragments import Fragments
from weft.mesh.names import is_http
from weft.mesh.reader import Mesh
from weft.model.codes import OVERRULED, UNMANAGED_PORT, UNSUPPORTED


def bytes_without_address(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """WEFT0502: a service of the cluster without an address has a port that is not declared to be HTTP.

    Requests of HTTP name the service; a connection of bytes has only what DNS answers, for which proxies have no
    listener. Of a headless service they know the endpoints, and another name for a service is that service.
    """
    for ref, service in each(fragments, Service):
        ports = [port for port in service.ports if _is_unmanaged(service, port)]
        meant = mesh.inventory.meant(service.namespace, service.host)
        if not ports or (meant is not None and meant.host != service.host):
            continue
        numbers = ", ".join(str(port.number) for port in ports)
        yield Issue(
            UNMANAGED_PORT,
            "warning",
            ref,
            "spec.ports",
            f"port {numbers} is not declared to be HTTP, and the service has no address",
            effect="connections go out as they are, without mutual TLS, routes or settings of traffic; servers that "
            "require mutual TLS refuse them, and with REGISTRY_ONLY they are closed",
            advice="name the port http... where it serves HTTP, else give the service an address (clusterIP), or "
            "describe the host in a ServiceEntry",
        )


def _is_unmanaged(service: Service, port: ServicePort) -> bool:
    if service.registry != "cluster" or service.addresses or port.protocol == "udp" or is_http(port.protocol):
        return False
    return not service.headless and port.protocol not in ("detect", "tls")


def nearness(fragments: Fragments, mesh: Mesh) -> Iterator[Issue]:
    """WEFT0101: a service asks for endpoints of the client's own node, and is served on several."""
    for ref, service in each(fragments, Service):
        if service.near != "node" or service.members is None:
            continue
        if len({workload.node for workload in mesh.inventory.members(service.members)}) > 1:
            yield Issue(
                UNSUPPORTED,
                "warning",
                ref,
                "spec",
                "endpoints of the client's own node can't be told from others yet",
                effect="endpoints of all nodes are used",
            )


def shared_ports(fragments: Fragments, _: Mesh) -> Iterator[Issue]:
    """IST0134, WEFT0501: nothing tells connections to two services apart; all go to the older one."""
    owners: dict[tuple[str, int], Service] = {}
    by_age = sorted(each(fragments, Service), key=lambda found: (found[1].source.created, found[1].host))
    for ref, service in by_age:
        for port in service.ports:
            for address in _addresses(service, port):
                owner = owners.setdefault((address, port.number), service)
                if owner.host != service.host and _may_meet(owner, service):
                    yield Issue(
                        OVERRULED if address else "IST0134",
                        "warning",
                        ref,
                        "spec.addresses" if service.registry == "external" else "spec.ports",
                        f"{owner.host} has port {port.number} "
                        + (f"of {address} too" if address else "too, and neither has an address"),
                        effect=f"connections to {service.host} on this port go to {owner.host}",
                        advice="give each service an address of its own",
                    )


def _addresses(service: Service, port: ServicePort) -> tuple[str, ...]:
    """The addresses on which nothing but address and port tells whom bytes are for; "" for any address."""
    if is_http(port.protocol) or port.protocol in ("tls", "udp"):
        return ()
    own = tuple(address for _, address in service.addresses if "/" not in address)
    anywhere = not service.addresses and service.registry == "external" and port.protocol != "detect"
    return own or (("",) if anywhere else ())


def _may_meet(first: Service, second: Service) -> bool:
    """Whether some clients see both services."""
    if first.visible_to is None or second.visible_to is None:
        return True
    return bool(set(first.visible_to) & set(second.visible_to))
