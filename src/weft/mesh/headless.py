"""Services without an address: clients look up the endpoints, choose one by its address or name, and get that one."""

from collections.abc import Iterable, Iterator

from msgspec import structs

from weft.ir.inventory import Endpoint
from weft.ir.view import OutboundListener, VirtualHost
from weft.mesh.names import bracketed, endpoint_route


def endpoint_listeners(whole: OutboundListener, endpoints: Iterable[Endpoint]) -> Iterator[OutboundListener]:
    """A listener on each address of each endpoint, made from that of the whole service; its address does not count.

    One for each, as in Istio: an endpoint that comes or goes leaves the connections of all others alone.
    """
    for endpoint in endpoints:
        streams = tuple(structs.replace(stream, endpoint=endpoint.address) for stream in whole.streams)
        route = endpoint_route(whole.route, endpoint.address) if whole.route else ""
        for address in (endpoint.address, *endpoint.also):
            yield structs.replace(whole, address=address, streams=streams, route=route)


def endpoint_host(whole: VirtualHost, endpoint: Endpoint, port: int, names: tuple[str, ...]) -> VirtualHost:
    """The virtual host of one endpoint, with the routes of the whole service's; `names` are those of the endpoint."""
    addresses = tuple(map(bracketed, (endpoint.address, *endpoint.also)))
    domains = (*names, *addresses)
    through = whole.tunnel and structs.replace(whole.tunnel, endpoint=endpoint.address)
    own = {"name": f"{domains[0]}:{port}", "domains": domains, "endpoint": endpoint.address}
    return structs.replace(whole, **own, tunnel=through)
