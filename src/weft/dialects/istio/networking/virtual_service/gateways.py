"""Where a VirtualService is attached: the mesh, gateways, or both."""

from collections.abc import Iterable

from weft.dialects.istio.networking.virtual_service.drafts import MESH
from weft.ir.values import Target


def gateway_name(text: str, namespace: str) -> str:
    """A gateway as `namespace/name`, or `mesh`.

    A bare name is of the VirtualService's own namespace, `./name` too. The old form with dots, `name.namespace.svc...`,
    is still read (Istio, VirtualService.gateways).
    """
    if text == MESH:
        return MESH
    if "/" in text:
        owner, _, name = text.partition("/")
        return f"{namespace if owner == '.' else owner}/{name}"
    if "." in text:
        name, owner, *_ = text.split(".")
        return f"{owner}/{name}"
    return f"{namespace}/{text}"


def gateway_names(texts: Iterable[str], namespace: str) -> tuple[str, ...]:
    """Gateways in the order given, each once."""
    return tuple(dict.fromkeys(gateway_name(text, namespace) for text in texts))


def attachment(gateway: str) -> Target:
    """What a table for `mesh` or for a gateway's `namespace/name` applies to."""
    if gateway == MESH:
        return Target("service")
    namespace, _, name = gateway.partition("/")
    return Target("gateway", namespace, name)
