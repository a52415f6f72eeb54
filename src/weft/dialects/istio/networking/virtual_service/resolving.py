"""Rules with every name written out, so that they can be moved into another namespace."""

from msgspec.structs import replace

from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.virtual_service.gateways import gateway_names
from weft.model.istio_virtual_service import Destination, HttpRoute


def resolved_route(route: HttpRoute, context: Context) -> HttpRoute:
    """A rule whose hosts are absolute and whose gateways carry their namespace."""
    return replace(
        route,
        match=tuple(replace(match, gateways=gateway_names(match.gateways, context.namespace)) for match in route.match),
        route=tuple(replace(each, destination=_resolved(each.destination, context)) for each in route.route),
        mirror=_resolved(route.mirror, context),
        mirrors=tuple(replace(each, destination=_resolved(each.destination, context)) for each in route.mirrors),
    )


def _resolved(destination: Destination | None, context: Context) -> Destination | None:
    return None if destination is None else replace(destination, host=context.host(destination.host))
