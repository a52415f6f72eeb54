"""Destinations as backends."""

from weft.base.families import is_address
from weft.dialects.checks import check_name, check_port
from weft.dialects.istio.networking.context import Context
from weft.dialects.istio.networking.hosts import is_host
from weft.ir.routing import Backend
from weft.ir.values import Transform
from weft.model.istio_virtual_service import Destination


def backend(
    destination: Destination | None,
    path: str,
    context: Context,
    *,
    weight: int = 1,
    edits: tuple[Transform | None, Transform | None] = (None, None),
) -> Backend:
    """A destination with its weight and its edits of requests and responses; `path` is the destination's own.

    Whether host and subset exist is a question across objects and asked elsewhere.
    """
    if destination is None or not destination.host:
        context.report.invalid(path, "there is no host", "name the service in destination.host")
        return Backend("", weight=weight)
    if not is_host(destination.host) and not is_address(destination.host):
        context.report.invalid(f"{path}.host", f"{destination.host!r} is no host")
    if destination.subset:
        check_name(context.report, f"{path}.subset", destination.subset)
    port = destination.port.number if destination.port is not None else None
    if port is not None:
        check_port(context.report, f"{path}.port.number", port)
    request, response = edits
    return Backend(context.host(destination.host), port, destination.subset, weight, request, response)
