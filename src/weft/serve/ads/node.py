"""Node ids: how a proxy names itself, in Istio's form `<role>~<address>~<pod>.<namespace>~<DNS domain>`."""

from typing import Final

from msgspec import Struct

ROLES: Final = ("sidecar", "router", "waypoint", "ztunnel")


class NodeId(Struct, frozen=True):
    """A proxy's node id, taken apart."""

    role: str
    address: str
    pod: str
    namespace: str
    dns_domain: str


def parse_node_id(text: str) -> NodeId:
    """Returns the parts of a node id; ValueError where it is not of that form. A pod's name may hold dots."""
    parts = text.split("~")
    if len(parts) == 4 and parts[0] in ROLES:
        pod, _, namespace = parts[2].rpartition(".")
        if pod and namespace:
            return NodeId(parts[0], parts[1], pod, namespace, parts[3])
    raise ValueError(
        f"node id {text[:256]!r} is not <role>~<address>~<pod>.<namespace>~<DNS domain> with role {', '.join(ROLES)}"
    )
